"""The user's list of sweeps is the user's, and what is found without being named is the user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .people import People


def record_of(people: People, name: str) -> dict[str, object]:
    root = people.alice.home / f"model-{name}"
    people.alice.sweep(root)
    found = json.loads((root / ".hsm" / "sweep.json").read_text())
    assert isinstance(found, dict)
    return found


def fake(people: People, root: Path, record: dict[str, object]) -> Path:
    people.mallory.write(root / ".hsm" / "sweep.json", json.dumps(record))
    people.mallory.run(["mkdir", "-p", *(str(root / ".hsm" / name) for name in ("events", "tasks", "leases"))])
    return root


@pytest.mark.parametrize("identifier", ["../../../../notes", "a/b", "A", "x" * 65, "", "a\nb", "-rf", 3])
def test_an_id_that_is_none_is_refused(people: People, tmp_path: Path, identifier: object) -> None:
    record = record_of(people, "ids")
    notes = people.alice.write(people.alice.home / "notes.json", '{"years": "of work"}')
    root = fake(people, people.drop / tmp_path.name, {**record, "id": identifier})
    done = people.alice.status(str(root))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert notes.read_text() == '{"years": "of work"}'


def test_looking_does_not_take_over_a_sweep_of_the_list(people: People, tmp_path: Path) -> None:
    """One's own is gone for a while; a record with its id lies elsewhere."""
    root = people.alice.home / "lost"
    people.alice.sweep(root)
    record = json.loads((root / ".hsm" / "sweep.json").read_text())
    listed = people.alice.home / ".local/state/hsm/sweeps" / f"{record['id']}.json"
    root.rename(root.with_name("mounted-elsewhere"))
    before = listed.read_text()
    people.alice.status(str(fake(people, people.drop / tmp_path.name, record)))
    assert listed.read_text() == before
    people.alice.status(str(root.with_name("mounted-elsewhere")))
    assert json.loads(listed.read_text())["dir"] == str(root.with_name("mounted-elsewhere"))


def test_a_sweep_above_is_found_only_if_it_is_ones_own(people: People, tmp_path: Path) -> None:
    record = record_of(people, "climbing")
    root = fake(people, people.drop / tmp_path.name, {**record, "id": "evil-1", "name": "evil"})
    people.mallory.run(["mkdir", "-m", "777", str(root / "work")])
    for words in ((), (".",), (str(root / "work"),)):
        seen = people.alice.status(*words, cwd=root / "work")
        assert "evil-1" not in seen.stdout + seen.stderr
    assert "evil-1" in people.alice.status(str(root)).stdout


def test_a_word_is_a_name_before_it_is_a_directory(people: People, tmp_path: Path) -> None:
    people.alice.sweep(people.alice.home / "named", "hydra.launcher.name=lr")
    record = record_of(people, "words")
    fake(people, people.drop / tmp_path.name / "lr", {**record, "id": "evil-2", "name": "evil"})
    seen = people.alice.status("lr", cwd=people.drop / tmp_path.name)
    assert "evil-2" not in seen.stdout
    assert "lr-" in seen.stdout
    assert "evil-2" in people.alice.status("./lr", cwd=people.drop / tmp_path.name).stdout
