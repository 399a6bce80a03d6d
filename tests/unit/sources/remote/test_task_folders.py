"""A host does not choose where on this machine its tasks' files go."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.errors import HostTrouble
from hsm_core.sources.remote.task_folders import require_own_folder
from hsm_core.store import events
from tests.unit.results.test_rows import outcome
from tests.unit.store.making import MadeSweep


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    """Tasks 0 and 1 ran on box1, in one folder; 2 and 3 elsewhere: 3 has not ended."""
    made = MadeSweep(tmp_path / "s", total=6)
    starts_of = {"box1-abcdefgh": [(0, "run"), (1, "run")], "local-abcdefgh": [(2, "2"), (3, "lr=3")]}
    for name, starts in starts_of.items():
        worker = made.worker(name)
        for task, directory in starts:
            worker.append(events.Start(task, 1, directory))
            (made.root / directory / ".hsm").mkdir(parents=True, exist_ok=True)
    outcome(made, 2, 1.0)
    (made.root / "run" / ".hsm" / "outcome.json").write_bytes(made.files(2).outcome.read_bytes().replace(b"2", b"0"))
    (made.root / "src").mkdir()
    (made.root / "src" / "app.py").write_text("")
    (made.root / "4").mkdir()
    (made.root / "4" / "from an earlier run").write_text("")
    (made.root / "made before").mkdir()
    (made.root / "to src").symlink_to("src")
    return made


@pytest.mark.parametrize(
    ("task", "directory"), [(4, "4"), (4, "new"), (4, "a/b"), (4, "made before"), (1, "run"), (4, "run"), (2, "2")]
)
def test_a_folder_of_its_own_or_one_that_tasks_of_the_host_share(sweep: MadeSweep, task: int, directory: str) -> None:
    require_own_folder(sweep.paths, events.Start(task, 1, directory), "box1")


@pytest.mark.parametrize(
    ("directory", "why"),
    [
        ("2", "folder of task 2"), ("2/checkpoints", "another task"), ("lr=3", "folder of task 3"),
        ("src", "no task's"), ("src/app.py", "no folder"), ("to src", "a link"), ("to src/new", "a link"),
    ],
)  # fmt: skip
def test_no_other(sweep: MadeSweep, directory: str, why: str) -> None:
    with pytest.raises(HostTrouble) as raised:
        require_own_folder(sweep.paths, events.Start(4, 1, directory), "box1")
    assert why in raised.value.evidence
