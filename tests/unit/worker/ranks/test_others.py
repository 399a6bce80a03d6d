"""Rank 0 hears of the others only what they wrote, and why one is no longer there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.worker.ranks.leader import FIRST_WORD_S
from hsm_core.worker.ranks.others import OtherRanks
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, fail, killed_process

BEAT_S, GRACE_S = 5.0, 10.0


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    found = MadeSweep(tmp_path / "s")
    found.paths.ranks("w1").mkdir(parents=True)
    return found


def rank(sweep: MadeSweep, number: int, process: ProcessIdentity | None = None) -> JournalWriter:
    writer = JournalWriter(sweep.paths.rank_journal("w1", number))
    identity = process or this_process()
    writer.append(events.WorkerHead(f"w1-{number}", identity, source="slurm", native_id="7", lock="", slots=1))
    return writer


def others(sweep: MadeSweep, count: int = 2) -> OtherRanks:
    return OtherRanks(sweep.paths, "w1", count, BEAT_S, GRACE_S)


def test_a_failure_is_told_with_the_rank_and_its_host(sweep: MadeSweep) -> None:
    found = others(sweep)
    assert found.read_new(deaf=False) == []
    writer = rank(sweep, 1, ELSEWHERE)
    fail(writer, 3, "bad lr", kind="ValueError")
    writer.append(events.Lost(2, 1, "its memory is gone"))
    failed, lost = found.read_new(deaf=False)
    assert (failed.key, failed.ending.state, failed.ending.reason) == ("3.1", "failed", "exception")
    assert failed.ending.message == "rank 1 on another-node failed: bad lr"
    assert failed.ending.details == {"kind": "ValueError", "rank": 1}
    assert (lost.key, lost.ending.state) == ("2.1", "lost")
    assert lost.ending.message == "rank 1 on another-node was lost: its memory is gone"
    assert found.read_new(deaf=False) == []


def test_an_attempt_is_completed_once_each_of_them_has_completed_it(sweep: MadeSweep) -> None:
    writers = [rank(sweep, number) for number in (1, 2)]
    found = others(sweep, 3)
    complete(writers[0], 0)
    found.read_new(deaf=False)
    assert not found.have_completed("0.1")
    complete(writers[1], 0)
    found.read_new(deaf=False)
    assert found.have_completed("0.1")
    complete(writers[0], 1)
    found.read_new(deaf=False)
    assert not found.have_completed("0.1")


def test_one_that_said_its_last_word_or_died_is_gone(sweep: MadeSweep) -> None:
    rank(sweep, 1).seal()
    found = others(sweep)
    assert found.why_gone() == ""
    found.read_new(deaf=False)
    assert found.why_gone().startswith("rank 1 on ")
    assert found.why_gone().endswith(" has left")
    sweep.paths.rank_journal("w1", 1).unlink()
    rank(sweep, 1, killed_process())
    found = others(sweep)
    found.read_new(deaf=False)
    assert found.why_gone().startswith("rank 1 on ")
    assert "has left" not in found.why_gone()


@pytest.mark.parametrize("has_begun", [False, True])
def test_silence_is_too_long_later_before_the_first_word(
    sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch, has_begun: bool
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    found = others(sweep)
    if has_begun:
        rank(sweep, 1, ELSEWHERE)
    found.read_new(deaf=False)
    silent, most = 0.0, 3 * BEAT_S + GRACE_S if has_begun else FIRST_WORD_S
    while not found.why_gone():
        now, silent = now + BEAT_S, silent + BEAT_S
        found.read_new(deaf=False)
    assert most < silent <= most + BEAT_S
    assert found.why_gone() == f"rank 1{' on another-node' if has_begun else ''} has been silent for {silent:.0f} s"


def test_whoever_is_deaf_can_not_say_that_others_are_silent(
    sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    found = others(sweep)
    for _ in range(200):
        now += BEAT_S
        found.read_new(deaf=True)
    assert found.why_gone() == ""
