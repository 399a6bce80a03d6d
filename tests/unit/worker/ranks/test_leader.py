"""The other ranks wait for rank 0's claim of this run of the job, and follow it until it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.claims import Claimant, claim_batch
from hsm_core.worker.job import JobFacts
from hsm_core.worker.ranks import leader as module
from hsm_core.worker.ranks.leader import Leader, await_claim
from tests.unit.store.making import ELSEWHERE, MadeSweep, killed_process

BATCH = "launch-0/submit-0/0"


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    return MadeSweep(tmp_path / "s")


def claim(sweep: MadeSweep, worker: str, native_id: str = "77", restart: int = 0) -> None:
    claim_batch(
        sweep.paths, BATCH, worker=worker, native_id=native_id, restart=restart, process=this_process()
    )


def test_the_claim_of_this_run_of_the_job_is_meant(sweep: MadeSweep) -> None:
    claim(sweep, "w1")
    claim(sweep, "w2", restart=1)
    found = await_claim(sweep.paths, BATCH, JobFacts("77", restart=1))
    assert found is not None
    assert (found[0].worker, found[1]) == ("w2", 1)
    found = await_claim(sweep.paths, BATCH, JobFacts("77"))
    assert found is not None
    assert (found[0].worker, found[1]) == ("w1", 0)


def test_a_batch_of_another_job_is_not_waited_for(sweep: MadeSweep) -> None:
    claim(sweep, "w1", native_id="78")
    assert await_claim(sweep.paths, BATCH, JobFacts("77")) is None


@pytest.mark.parametrize("comes", [True, False])
def test_rank_0_may_be_late_but_not_for_ever(
    sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch, comes: bool
) -> None:
    now = 1000.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        if comes and now > 1000.0 + module.FIRST_WORD_S - 2 and not sweep.paths.claim(BATCH).exists():
            claim(sweep, "w1")

    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("time.sleep", pause)
    assert (await_claim(sweep.paths, BATCH, JobFacts("77")) is not None) is comes
    assert now - 1000.0 > module.FIRST_WORD_S - 3


def leader(sweep: MadeSweep, process: ProcessIdentity) -> Leader:
    return Leader(sweep.paths, Claimant("w1", "77", 0, process), sweep.paths.claim(BATCH, 1), 5.0, 10.0)


def test_it_is_there_until_it_says_its_last_word(sweep: MadeSweep) -> None:
    writer = sweep.worker("w1")
    found = leader(sweep, this_process())
    writer.append(events.Beat())
    assert [event.tag for event in found.listen(deaf=False)] == ["worker", "beat"]
    assert (found.has_left, found.why_gone()) == (False, "")
    writer.seal()
    found.listen(deaf=False)
    assert (found.has_left, found.why_gone()) == (True, "")


def test_it_is_gone_once_the_job_is_run_again(sweep: MadeSweep) -> None:
    found = leader(sweep, ELSEWHERE)
    claim(sweep, "w1")
    assert found.why_gone() == ""
    claim(sweep, "w2", restart=1)
    assert found.why_gone() == "the job is run again"


def test_it_is_gone_once_it_is_certainly_dead(sweep: MadeSweep) -> None:
    assert leader(sweep, killed_process()).why_gone().startswith("rank 0: ")


@pytest.mark.parametrize("deaf", [False, True])
def test_it_is_gone_once_it_is_silent_for_too_long_to_whoever_hears(
    sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch, deaf: bool
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sweep.worker("w1", ELSEWHERE)
    found = leader(sweep, ELSEWHERE)
    found.listen(deaf=False)
    for _ in range(6):  # 3 beats and the grace are 25 seconds
        assert found.why_gone() == ""
        now += 5.0
        found.listen(deaf=deaf)
    assert found.why_gone() == ("" if deaf else "rank 0 has been silent for 30 s")


def test_one_look_after_a_long_stall_of_ours_is_one_beat(
    sweep: MadeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sweep.worker("w1", ELSEWHERE)
    found = leader(sweep, ELSEWHERE)
    found.listen(deaf=False)
    now += 3600.0
    found.listen(deaf=False)
    assert found.why_gone() == ""
