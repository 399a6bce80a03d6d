"""Why tasks go to a new worker is told as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.conductor.messages import told_of_orphans
from hsm_core.model import Span
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state.jobs import ENDED_ITSELF, STAYED_AWAY
from hsm_core.store.state.sweep_state import SweepState
from tests.unit.sources.stand_in import StandIn, submitted
from tests.unit.store.making import ELSEWHERE, MadeSweep, killed_process

DIED_1, DIED_3 = "a worker died; 1 task goes to a new one", "a worker died; 3 tasks go to a new one"
LEFT_1, LEFT_3 = "a worker has left; 1 task goes to a new one", "a worker has left; 3 tasks go to a new one"


@pytest.mark.parametrize(
    ("left", "died", "told"),
    [
        ([0], [], [LEFT_1]),
        ([0, 1, 2], [], [LEFT_3]),
        ([], [0], [DIED_1]),
        ([], [0, 1, 2], [DIED_3]),
        ([1], [0, 2, 3], [LEFT_1, DIED_3]),
    ],
)
def test_who_sealed_has_left_and_others_died(
    tmp_path: Path, left: list[int], died: list[int], told: list[str]
) -> None:
    sweep = handed_over(tmp_path)
    sweep.worker("w1", killed_process(), [Span(number, 1) for number in left]).seal()
    sweep.worker("w2", killed_process(), [Span(number, 1) for number in died])
    assert told_of_orphans(read_state(sweep), {*left, *died}) == told


def test_what_nobody_claimed_was_left_by_nobody(tmp_path: Path) -> None:
    sweep = handed_over(tmp_path)
    sweep.worker("w1", killed_process()).seal()
    assert told_of_orphans(read_state(sweep), {3}) == [DIED_1]


def test_where_no_worker_began_none_is_said_to_have_died(tmp_path: Path) -> None:
    sweep = submitted(tmp_path / "s", StandIn(), 4, each=2)
    sweep.worker("slurm-7_0-0", ELSEWHERE, [Span(0, 1)])
    told = told_of_orphans(read_state(sweep), {0, 2, 3})
    assert told == [DIED_1, "a job ended before its worker started; 2 tasks go to a new one"]


def test_whose_newest_worker_died_was_not_left(tmp_path: Path) -> None:
    sweep = handed_over(tmp_path)
    sweep.worker("w1", killed_process(), [Span(0, 1)]).seal()
    sweep.worker("w2", killed_process(), [Span(0, 1, attempt=2)])
    assert told_of_orphans(read_state(sweep), {0}) == [DIED_1]


def handed_over(folder: Path) -> MadeSweep:
    sweep = MadeSweep(folder / "s", total=4)
    sweep.conductor([Span(0, 4)], killed_process())
    return sweep


def read_state(sweep: MadeSweep) -> SweepState:
    state = SweepState(sweep.root)
    state.refresh()
    return state


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (
            f"box1 did not answer for 3600 s, {STAYED_AWAY}",
            "2 tasks go elsewhere\n  next: hsm doctor --host box1    # why it does not answer",
        ),
        (
            f"box1 heard nothing for 3600 s {ENDED_ITSELF}",
            "2 tasks go to a new worker\n"
            "  fix: hydra.launcher.on_host_lost=wait    # in the next sweep: none is ended",
        ),
    ],
    ids=["machine-away", "launcher-away"],
)
def test_what_ended_by_its_lease_is_told_with_what_to_type(tmp_path: Path, evidence: str, told: str) -> None:
    sweep = MadeSweep(tmp_path / "s", total=4)
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.SourceAdded("box1", "host", "ssh:box1"))
    conductor.append(events.Submit("launch-0/submit-0", "t", (Span(0, 2, 1),), "box1"))
    conductor.append(events.Gone((Span(0, 2, 1),), "lost", "node", evidence, "box1"))
    assert told_of_orphans(read_state(sweep), {0, 1}) == [f"warning: {evidence}; {told}"]
