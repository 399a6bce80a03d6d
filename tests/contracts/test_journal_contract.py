"""What holds of a journal: what is appended is read back once, in order, whatever the disk does."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_core.store.events import Start
from hsm_core.store.journal import JournalReader, JournalWriter


def fact(number: int, text: str = "") -> Start:
    return Start(number, 1, text)


@pytest.fixture
def path(weird_tmp_path: Path) -> Path:
    return weird_tmp_path / "events.jsonl"


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=6))  # directories
def test_what_is_appended_is_read_back(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("journal") / "events.jsonl"
    writer, reader = JournalWriter(path), JournalReader(path)
    written = [fact(number, text) for number, text in enumerate(texts)]
    for event in written:
        writer.append(event)
    assert reader.read_new() == written
    assert [json.loads(line)["s"] for line in path.read_bytes().splitlines()] == list(range(len(texts)))
    assert reader.read_new() == []


def test_a_writer_never_opens_an_existing_file(path: Path) -> None:
    JournalWriter(path)
    with pytest.raises(FileExistsError):
        JournalWriter(path)


def test_a_reader_waits_for_the_end_of_a_line(path: Path) -> None:
    line = b'{"e":"trouble","message":"\\u00fc","s":0}\n'
    for cut in range(len(line)):
        path.write_bytes(line[:cut])
        reader = JournalReader(path)
        assert reader.read_new() == []
        assert reader.bad_lines == 0
        path.write_bytes(line)
        assert len(reader.read_new()) == 1, cut


def test_bad_lines_are_skipped_and_counted(path: Path) -> None:
    bad = [b"{", b"\xff\xfe", b"[]", b'"e"', b'{"e":1}', b'{"no":"kind"}', b"\0\0\0", b'{"e":"start","t":"0"}']
    unknown = b'{"e":"of a later version"}'
    path.write_bytes(b'{"e":"beat"}\n' + b"\n".join([*bad, unknown]) + b'\n\n{"e":"warned"}\n')
    reader = JournalReader(path)
    assert [event.tag for event in reader.read_new()] == ["beat", "warned"]
    assert reader.bad_lines == len(bad)


def test_a_sealed_file_is_not_opened_again(path: Path) -> None:
    writer = JournalWriter(path)
    writer.append(fact(0))
    assert writer.seal()
    reader = JournalReader(path)
    assert [event.tag for event in reader.read_new()] == ["start", "seal"]
    assert reader.sealed
    path.unlink()
    assert reader.read_new() == []


def test_a_missing_file_is_an_error_that_loses_nothing(path: Path) -> None:
    reader = JournalReader(path)
    with pytest.raises(FileNotFoundError):
        reader.read_new()
    JournalWriter(path).append(fact(0))
    assert len(reader.read_new()) == 1


@contextmanager
def small_disk() -> Iterator[None]:
    """Files of this process can't grow beyond 200 bytes: a write is cut short, and the next one fails.

    Only for the journal's own writes: pytest's report may go to a file too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [1, 7, 40, 60, 100])
def test_nothing_is_lost_on_a_disk_that_was_full_for_a_while(path: Path, size: int) -> None:
    writer = JournalWriter(path)
    with small_disk():
        for number in range(12):
            writer.append(fact(number, "x" * size))
        trouble, written = writer.trouble, writer.flush()
    assert trouble is not None
    assert not written
    assert writer.flush()
    assert writer.trouble is None
    writer.append(fact(12))
    assert writer.seal()
    reader = JournalReader(path)
    found = reader.read_new()
    assert [event.task for event in found if isinstance(event, Start)] == list(range(13))
    assert reader.sealed
    assert reader.bad_lines <= 1


def test_a_reader_of_a_full_disk_sees_whole_lines_only(path: Path) -> None:
    writer = JournalWriter(path)
    with small_disk():
        for number in range(12):
            writer.append(fact(number))
    assert path.stat().st_size <= 200
    found = [event.task for event in JournalReader(path).read_new()]
    assert found == list(range(len(found)))
    assert 0 < len(found) < 12


WRITER = """
import sys, itertools
from pathlib import Path
from hsm_core.store.events import Start
from hsm_core.store.journal import JournalWriter
writer = JournalWriter(Path(sys.argv[1]))
for number in itertools.count():
    writer.append(Start(number, 1, "x" * 3000))
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_what_it_said(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split()]
    reader = JournalReader(path)
    found = [event.task for event in reader.read_new()]
    assert found == list(range(len(found)))
    assert len(found) >= len(told)
    assert reader.bad_lines == 0


def test_lines_are_ascii_so_that_a_cut_one_is_never_valid(path: Path) -> None:
    JournalWriter(path).append(fact(0, "ünï\n☂ \udcff"))
    data = path.read_bytes()
    assert data.isascii()
    assert data.count(b"\n") == 1
    for cut in range(1, len(data) - 1):
        with pytest.raises(ValueError):
            json.loads(data[:cut])
    assert os.path.getsize(path) == len(data)
