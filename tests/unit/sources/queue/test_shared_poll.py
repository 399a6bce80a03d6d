"""One question for all sweeps of a user on a machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path

import pytest

from hsm_core.sources.queue.shared_poll import Asker
from tests.unit.sources.stand_in import StandIn


@pytest.fixture(autouse=True)
def own_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_two_sweeps_share_one_answer() -> None:
    scheduler = StandIn()
    scheduler.shows("running", "7_0", "8_0")
    first, second = Asker(scheduler), Asker(scheduler)
    now = time.monotonic()
    assert first.ask(["7"], now) is not None
    answer = second.ask(["8"], now)  # it was not asked about before
    again = first.ask(["7"], now)
    assert answer is not None
    assert again is not None
    assert again.at == answer.at
    assert again.statuses is not None
    assert again.statuses["8_0"].phase == "running"
    assert scheduler.calls("poll") == [["7"], ["7", "8"]]


def test_what_the_scheduler_has_forgotten_is_asked_by_nobody_else() -> None:
    scheduler = StandIn()
    scheduler.shows("running", "7[0].server", "7[1].server")
    Asker(scheduler).ask(["7[].server", "8.server"], time.monotonic())
    Asker(scheduler).ask(["9.server"], time.monotonic())
    assert scheduler.calls("poll")[-1] == ["7[].server", "9.server"]


def test_an_answer_that_is_too_old_is_not_used() -> None:
    scheduler = StandIn()
    asker = Asker(scheduler)
    old = asker.ask(["7"], 0.0)
    new = asker.ask(["7"], time.monotonic())
    assert old is not None
    assert new is not None
    assert new.at > old.at
    assert len(scheduler.calls("poll")) == 2


def test_a_question_without_an_answer_is_told_so_to_all() -> None:
    scheduler = StandIn(statuses=None)
    asker = Asker(scheduler)
    before = time.monotonic()
    for one in (asker, Asker(scheduler)):
        answer = one.ask(["7"], before)
        assert answer is not None
        assert answer.statuses is None
        assert answer.trouble == "squeue: exit code 1"
    assert len(scheduler.calls("poll")) == 1


def test_while_another_asks_nobody_else_does(tmp_path: Path) -> None:
    scheduler = StandIn()
    asker = Asker(scheduler)
    assert asker.ask(["7"], 0.0) is not None
    (lock,) = tmp_path.rglob("*.lock")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert asker.ask(["7"], time.monotonic()) is None
    assert asker.ask(["7"], time.monotonic()) is not None


def test_another_cluster_is_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = StandIn(name="slurm")
    before = time.monotonic()
    assert Asker(scheduler).ask(["7"], before) is not None
    monkeypatch.setenv("SLURM_CONF", "/another")
    assert Asker(scheduler).ask(["7"], before) is not None
    assert len(scheduler.calls("poll")) == 2


def test_a_damaged_cache_is_no_answer(tmp_path: Path) -> None:
    scheduler = StandIn()
    asker = Asker(scheduler)
    before = time.monotonic()
    asker.ask(["7"], before)
    (cache,) = tmp_path.rglob("*.json")
    cache.write_bytes(b'{"at": 1e99, "sigh')
    assert asker.ask(["7"], before) is not None
    assert len(scheduler.calls("poll")) == 2


def test_another_process_uses_the_answer(tmp_path: Path) -> None:
    scheduler = StandIn()
    before = time.monotonic()
    pid = os.fork()
    if not pid:
        Asker(scheduler).ask(["7"], before)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert Asker(scheduler).ask(["7"], before) is not None
    assert scheduler.calls("poll") == []
