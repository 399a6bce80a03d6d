"""Whose a task's directory is, where several sweeps use it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hsm_core.store.layout import TaskPaths
from hsm_core.store.outcomes import Owner, owner_of
from hsm_core.worker.task.directory import take_directory
from hsm_core.worker.task.outcome import write_outcome

OLD, NEW = Owner("old", 3, 1), Owner("new", 3, 1)


def take(root: Path, owner: Owner, has_ended: Callable[[str], bool] = lambda _: False) -> TaskPaths:
    return take_directory(root, owner, [str(root / ".hydra"), str(root / "app.log")], has_ended)


def left_by(root: Path, owner: Owner, state: str) -> None:
    files = take(root, owner)
    files.stdout.write_text(owner.sweep)
    (root / "app.log").write_text(owner.sweep)
    write_outcome(files, owner, {"state": state}, None)


@pytest.mark.parametrize(("state", "has_ended"), [("completed", False), ("failed", False), ("running", True)])
def test_files_of_an_ended_sweep_are_put_aside(tmp_path: Path, state: str, has_ended: bool) -> None:
    left_by(tmp_path, OLD, state)
    (tmp_path / "model.bin").touch()
    files = take(tmp_path, NEW, lambda _: has_ended)
    assert (files.suffix, owner_of(files)) == ("", NEW)
    aside = files.of_sweep("old")
    assert aside.stdout.read_text() == (aside.root / "app.log").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hsm", "model.bin"]


def test_files_of_a_sweep_that_may_live_stay(tmp_path: Path) -> None:
    left_by(tmp_path, OLD, "running")
    files = take(tmp_path, NEW)
    assert (files.suffix, owner_of(files)) == ("-3", NEW)
    assert (TaskPaths(tmp_path).stdout.read_text(), (tmp_path / "app.log").read_text()) == ("old", "old")
    third = take(tmp_path, Owner("third", 3, 1))
    assert (third.suffix, owner_of(third)) == ("-third-3", Owner("third", 3, 1))
    assert take(tmp_path, Owner("third", 3, 2)) == third


def test_who_died_while_moving_is_not_waited_for(tmp_path: Path) -> None:
    left_by(tmp_path, OLD, "completed")
    aside = TaskPaths(tmp_path).of_sweep("old")
    aside.hsm.mkdir(parents=True)
    os.link(TaskPaths(tmp_path).outcome, aside.outcome)
    assert take(tmp_path, NEW).suffix == "-3"
    assert TaskPaths(tmp_path).stdout.read_text() == "old"


def test_tasks_that_come_at_once_share_a_directory_of_an_earlier_sweep(tmp_path: Path) -> None:
    left_by(tmp_path, OLD, "completed")
    owners = [Owner("new", number, 1) for number in range(8)]
    found: dict[int, TaskPaths] = {}
    gate = threading.Barrier(len(owners))

    def come(owner: Owner) -> None:
        gate.wait()
        found[owner.task] = take(tmp_path, owner)

    threads = [threading.Thread(target=come, args=[owner]) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [owner_of(found[owner.task]) for owner in owners] == owners
    assert len({files.suffix for files in found.values()}) == len(owners)
    assert TaskPaths(tmp_path).of_sweep("old").stdout.read_text() == "old"
