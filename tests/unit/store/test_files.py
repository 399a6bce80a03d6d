"""Files that are whole or absent, and of which only one is made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hsm_core.store import files

ROOT = Path(__file__).parents[3]


def test_a_file_appears_whole_and_nothing_is_left_beside_it(weird_tmp_path: Path) -> None:
    path = weird_tmp_path / "record.json"
    files.write_atomically(path, b"one")
    files.write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(weird_tmp_path) == ["record.json"]


def test_a_failed_write_leaves_what_was_there(weird_tmp_path: Path) -> None:
    path = weird_tmp_path / "taken"
    path.mkdir()
    with pytest.raises(OSError):
        files.write_atomically(path, b"data")
    assert os.listdir(weird_tmp_path) == ["taken"]


def test_the_second_maker_of_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    assert files.create_exclusively(path, b"mine")
    assert not files.create_exclusively(path, b"theirs")
    assert files.create_exclusively(path, b"mine"), "a repeated request answers as the first one did"
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["claim"]


RACER = """
import sys
from pathlib import Path
from hsm_core.store.files import create_exclusively
sys.stdin.readline()
for number in range(200):
    made = create_exclusively(Path(sys.argv[1]) / str(number), sys.argv[2].encode())
    print(number, made, flush=True)
"""


def test_of_racing_processes_exactly_one_makes_each_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACER, str(tmp_path)]
    racers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for name in ("a", "b", "c")
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = Counter(
        line.split()[0] for racer in racers for line in racer.communicate()[0].splitlines() if "True" in line
    )
    assert won == {str(number): 1 for number in range(200)}


def test_names_made_of_random_characters_differ_and_fit_everywhere() -> None:
    made = {files.nonce() for _ in range(1000)}
    assert len(made) == 1000
    assert all(
        (len(name) == 8 and name.isascii() and name.isalnum() and name.islower()) or name.isdigit()
        for name in made
    )


def test_a_document_must_be_an_object(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1]")
    with pytest.raises(ValueError, match="JSON object"):
        files.read_json(path)
