"""What a command that conducts for a moment writes down of tasks that nobody holds any more."""

from __future__ import annotations

import json
from pathlib import Path

from hsm_core.conductor.drivers import end_unheld
from hsm_core.model import ProcessIdentity, Span
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.lease import living_conductor
from hsm_core.store.outcomes import Owner
from hsm_core.store.state.jobs import JobWord
from hsm_core.store.state.sweep_state import SweepState
from tests.unit.store.making import ELSEWHERE, MadeSweep, killed_process, start


def test_a_task_whose_outcome_is_on_disk_has_ended_so_whatever_became_of_its_job(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    submitted(sweep, killed_process())
    worker = sweep.worker("slurm-133-0", ELSEWHERE, [Span(0, 2)])
    start(worker, 0)
    start(worker, 1)
    worker.flush()
    facts = {**Owner(sweep.id, 0, 1).facts(), "state": "completed", "wall": 2.0}
    sweep.files(0).outcome.write_text(json.dumps(facts))
    state = SweepState(sweep.root)
    state.refresh()
    state.take_job_words({("launch-0/submit-0", 0): JobWord("ended", "cancelled", "cancelled", "scancel")})
    end_unheld(state, [0, 1, 2])
    found = SweepState(sweep.root)
    found.refresh()
    assert [found.state_of(number) for number in range(3)] == ["completed", "cancelled", "cancelled"]
    assert living_conductor(sweep.paths) is None


def submitted(sweep: MadeSweep, by: ProcessIdentity) -> None:
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", by))
    conductor.append(events.Submit("launch-0/submit-0", token="t", tasks=[Span(0, 2)], source="slurm"))
    conductor.append(events.HandedOver("launch-0/submit-0", native_id="133", job=None))
    conductor.flush()
