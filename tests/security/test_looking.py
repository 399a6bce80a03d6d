"""Who looks at a sweep of somebody else's neither fetches, nor writes, nor runs anything for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .people import People

#: Makes a sweep whose worker is "on another machine", which is this one: its files are to be fetched from there.
SWEEP = """
import sys
from dataclasses import replace
from pathlib import Path
from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SweepRecord, create_record
from hsm_core.store.tasks import write_tasks

root, folder, secrets = map(Path, sys.argv[1:])
root.mkdir()
root.chmod(0o777)
paths, sweep = SweepPaths(root), "evil-0101-0000-aaaaa"
record = SweepRecord(sweep, "evil", str(root), "2026-01-01T00:00:00", "hsm_ssh", "hsm", 1)
create_record(paths, record)
write_tasks(paths, 0, [["x=1"]])
writer = JournalWriter(paths.journal("conductor-a"))
for event in (
    events.ConductorHead("conductor-a", this_process()),
    events.SourceAdded("box1", "host", "local", {"dir": str(folder)}),
    events.Submit("launch-0/submit-0", "evil-aaaaaaaa", (Span(0, 1, 1),), "box1"),
    events.HandedOver("launch-0/submit-0", "box1-abcdefgh"),
):
    writer.append(event)
there = SweepPaths(folder / "sweeps" / sweep)
for place in (there.events, there.logs):
    place.mkdir(parents=True)
(there.root / "0").symlink_to(secrets)
worker = JournalWriter(there.journal("box1-abcdefgh"))
for event in (
    events.WorkerHead("box1-abcdefgh", replace(this_process(), host="local"), "box1", "", "", 1),
    events.Start(0, 1, "0"), events.End(0, 1, "completed"),
):
    worker.append(event)
for path in [root, *root.rglob("*")]:
    path.chmod(0o777)
"""


@pytest.mark.parametrize(
    "words", [["status"], ["results"], ["errors"], ["logs"], ["wait", "--timeout", "5"], ["pull"]],
    ids=lambda one: one[0],
)
def test_nothing_is_fetched_for_them(people: People, tmp_path: Path, words: list[str]) -> None:
    place = people.drop / tmp_path.name
    place.mkdir()
    place.chmod(0o777)
    people.alice.write(people.alice.home / "notes" / "plan.txt", "mine alone")
    made = people.mallory.python(SWEEP, *map(str, (place / "sweep", place / "there", people.alice.home / "notes")))
    assert made.returncode == 0, made.stderr
    done = people.alice.hsm(words[0], str(place / "sweep"), *words[1:])
    assert "Traceback" not in done.stderr
    found = [place / "sweep", *(place / "sweep").rglob("*")]
    assert not [path for path in found if path.lstat().st_uid == people.alice.uid], done.stderr
