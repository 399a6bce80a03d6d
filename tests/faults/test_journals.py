"""Journals cut anywhere, torn in the middle, or of another format."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from hsm_core.store.layout import FORMAT
from hsm_core.store.state.sweep_state import SweepState

from .witnessed import TASKS, WitnessedSweep, check

READING = (["status"], ["tasks"], ["errors"], ["results"], ["resume"], ["cancel", "--yes"])


def finished_sweep(folder: Path) -> WitnessedSweep:
    sweep = WitnessedSweep(folder)
    done = sweep.run(*sweep.command())
    assert done.returncode == 0, done.stderr
    return sweep


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> WitnessedSweep:
    return finished_sweep(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def copy(finished: WitnessedSweep, tmp_path: Path) -> Path:
    """The sweep's directory, for a test of its own."""
    return Path(shutil.copytree(finished.sweep, tmp_path / "copy"))


def journals(root: Path) -> list[Path]:
    return sorted((root / ".hsm" / "events").glob("*.jsonl"))


def worker_journal(root: Path) -> Path:
    return next(path for path in journals(root) if not path.name.startswith("conductor-"))


def told(data: bytes) -> set[int]:
    """The tasks whose completion stands in whole lines of ``data``."""
    found = set()
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event["e"] == "end" and event["state"] == "completed":
            found.add(event["t"])
    return found


def read_state(root: Path) -> SweepState:
    state = SweepState(root)
    state.refresh()
    return state


def require_sober(state: SweepState, data: bytes) -> None:
    """Completed is only what a whole line says; nothing is alive, as the worker is dead."""
    counts = state.counts()
    assert set(state.numbers_in("completed")) == told(data)
    assert not counts["running"]
    assert not counts["queued"]
    assert sum(counts.values()) == TASKS


def test_a_journal_cut_at_every_byte_is_read(copy: Path) -> None:
    journal = worker_journal(copy)
    data = journal.read_bytes()
    for length in range(len(data) + 1):
        journal.write_bytes(data[:length])
        require_sober(read_state(copy), data[:length])


@pytest.mark.parametrize("ending", [b"\n", b""], ids=["alone", "run into the next"])
def test_a_torn_line_in_the_middle_costs_that_line(copy: Path, ending: bytes) -> None:
    journal = worker_journal(copy)
    lines = journal.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines[:-1]):
        torn = b"".join([*lines[:number], line[: len(line) // 2] + ending, *lines[number + 1 :]])
        journal.write_bytes(torn)
        state = read_state(copy)
        require_sober(state, torn)
        assert state.bad_lines == 1


def test_tasks_of_a_dead_worker_are_lost_also_where_its_first_line_is_torn(copy: Path) -> None:
    journal = worker_journal(copy)
    head, *lines = journal.read_bytes().splitlines(keepends=True)
    begun = [line for line in lines if not line.startswith((b'{"e":"end"', b'{"e":"seal"'))]
    journal.write_bytes(b"".join([head[:40], b"\n", *begun]))
    assert read_state(copy).numbers_in("lost") == list(range(TASKS))


def _cut_in(word: str, data: bytes) -> bytes:
    """Up to the middle of the first line of a kind."""
    return data[: data.index(b'{"e":"%b"' % word.encode()) + 20]


SLOW = pytest.mark.slow


@pytest.mark.parametrize("word", [*(pytest.param(word, marks=SLOW) for word in ("worker", "claim", "start")), "end"])
def test_a_cut_journal_is_resumed(tmp_path: Path, word: str) -> None:
    sweep = finished_sweep(tmp_path)
    journal = worker_journal(sweep.sweep)
    kept = _cut_in(word, journal.read_bytes())
    journal.write_bytes(kept)
    resumed = sweep.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert sweep.completed() == frozenset(range(TASKS))
    check(sweep)
    again = sum(len(attempts) > 1 for attempts in sweep.attempts("begin").values())
    begun = len(re.findall(rb'^\{"e":"start".*\n', kept, re.MULTILINE))
    assert again == TASKS - begun  # the outcome of a task that is known to have begun is taken


def test_a_torn_line_is_resumed(tmp_path: Path) -> None:
    sweep = finished_sweep(tmp_path)
    journal = worker_journal(sweep.sweep)
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b'"state":"completed"', b'"state"\n', 1))
    assert len(sweep.completed()) == TASKS - 1
    assert sweep.resume().returncode == 0
    assert len(sweep.completed()) == TASKS
    check(sweep)
    assert max(len(attempts) for attempts in sweep.attempts("begin").values()) == 1


@pytest.mark.parametrize("number", [0, FORMAT + 1, None])
def test_another_format_is_refused(finished: WitnessedSweep, copy: Path, number: int | None) -> None:
    record = copy / ".hsm" / "sweep.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "format": number}))
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    for command, *options in READING:
        refused = finished.hsm(command, str(copy), *options)
        assert refused.returncode == 1
        assert f"has format {'?' if number is None else number}, this hsm reads format {FORMAT}" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
