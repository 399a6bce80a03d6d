"""Why tasks are not completed is one answer, whoever shows it; what differs by node only is one cause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hsm_core.cli.commands.resume import _tasks_to_run
from hsm_core.model import Reason, Span, State, Task
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.failures.by_cause import FailureGroup, group_failures, normalised
from hsm_core.views.failures.not_begun import group_unbegun
from hsm_core.views.failures.reasons import Reasons
from hsm_core.views.failures.text import failure_lines
from hsm_core.views.status.sweep_json import sweep_json
from hsm_core.views.status.sweep_view import read_view
from hsm_core.views.task_list import task_json
from tests.unit.store.making import ELSEWHERE, MadeSweep, fail, start

ENDS: list[tuple[State, Reason, str, str]] = [
    ("lost", "preempted", "the job was preempted: Slurm says PREEMPTED, on node1", "node1"),
    ("lost", "preempted", "the job was preempted: Slurm says PREEMPTED, on node2", "node2"),
    ("lost", "unknown", "slurm does not know job 7_2 any more", ""),
    ("failed", "oom", "slurmstepd-node1: error: StepId=45.batch exceeded memory limit (3 > 2)", "node1"),
    ("failed", "oom", "slurmstepd-node1: error: StepId=46.batch exceeded memory limit (3 > 2)", "node1"),
    ("lost", "launch", "the job failed; its log ends: node2: module: command not found", "node2"),
    ("lost", "launch", "the job failed; its log ends: node1: module: command not found", "node1"),
    ("cancelled", "cancelled", "the job was cancelled: Slurm says CANCELLED", ""),
]
BEGUN = (0, 1, 2, 3, 4)


@pytest.fixture
def state(tmp_path: Path) -> SweepState:
    """On a cluster; the last three were never begun, and one is left that nobody submitted."""
    sweep = MadeSweep(tmp_path / "s", total=len(ENDS) + 1)
    sweep.paths.make_directories()
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", this_process()))
    spans = [Span(0, len(ENDS))]
    conductor.append(events.Submit("launch-0/submit-0", token="demo-abc", tasks=spans, each=1, source="slurm"))
    conductor.append(events.HandedOver("launch-0/submit-0", native_id="7", job=None))
    for number in BEGUN:
        worker = sweep.worker(f"w{number}", replace(ELSEWHERE, host=ENDS[number][3] or "node3"))
        start(worker, number)
        worker.sync()
    for number, (now, reason, evidence, node) in enumerate(ENDS):
        conductor.append(events.Gone([Span(number, 1)], now, reason, evidence, node))
    conductor.sync()
    found = SweepState(sweep.root)
    found.refresh()
    return found


def test_every_view_says_the_same(state: SweepState) -> None:
    view = read_view(state)
    groups = [*group_failures(state), *group_unbegun(state)]
    shown = {number: group.reason for group in groups for number in group.tasks}
    in_json = {n: group["reason"] for group in sweep_json(view)["failures"] for n in group["tasks"]}
    for number, (_, reason, evidence, _) in enumerate(ENDS):
        told = task_json(state, Task(number, ()))
        assert (told["reason"], told["message"]) == (reason, evidence)
        if reason != "cancelled":
            assert shown[number] == in_json[number] == reason
        everything = {"failed", "lost", "cancelled", "pending"}
        assert number in _tasks_to_run(state, everything, None, reason)
    assert [number for number, _ in Reasons(state).all()] == list(range(len(ENDS)))
    assert task_json(state, Task(len(ENDS), ()))["reason"] is None


def test_one_cause_on_several_nodes_is_one_group_that_lists_them(state: SweepState) -> None:
    found = {group.reason: group for group in [*group_failures(state), *group_unbegun(state)]}
    assert {reason: group.tasks for reason, group in found.items()} == {
        "preempted": (0, 1), "unknown": (2,), "oom": (3, 4), "launch": (5, 6),
    }  # fmt: skip
    assert found["launch"].cause == "the job failed; its log ends: <node>: module: command not found"
    assert "node2: module" in found["launch"].message
    assert (found["launch"].nodes, found["oom"].nodes) == ((("node2", 1), ("node1", 1)), (("node1", 2),))


def nodes_line(state: SweepState, group: FailureGroup) -> str:
    return next((line.strip() for line in failure_lines(state, group) if line.startswith("    node")), "")


def test_a_cause_that_is_all_on_one_node_says_so(tmp_path: Path) -> None:
    group = FailureGroup("failed", "oom", "c", "c", (1, 2), None, "x", (("node7", 2),))
    sweep = MadeSweep(tmp_path / "s", total=3)
    fail(sweep.worker("w"), 0, "no")
    state = SweepState(sweep.root)
    state.refresh()
    assert nodes_line(state, group) == "node:  node7, all of them"
    (alone,) = group_failures(state)
    assert nodes_line(state, alone) == ""  # on this machine there is no other


def test_what_an_app_says_of_its_files_is_told_as_it_said_it(tmp_path: Path) -> None:
    root = tmp_path / "s w"
    sweep = MadeSweep(root, total=2)
    for number in (0, 1):
        fail(sweep.worker(f"w{number}"), number, f"{root}/{number} is not below /proj: one of them is relative")
    state = SweepState(sweep.root)
    state.refresh()
    told = task_json(state, Task(0, ()))["message"]
    assert told.endswith(f"{root}/0 is not below /proj: one of them is relative")
    (group,) = group_failures(state)  # one cause all the same
    assert (group.message, group.count) == (told, 2)


@pytest.mark.parametrize(
    ("one", "other", "nodes"),
    [
        ("its node failed: Slurm says NODE_FAIL, on node7", "its node failed: Slurm says NODE_FAIL, on c[1-2]", ()),
        ("slurmstepd-node7: error: x", "slurmstepd-gpu12.site: error: x", ()),
        ("no GPU on gpu01", "no GPU on gpu02.site.org", ("gpu01", "gpu02.site.org")),
        ("connect to gpu01: refused", "connect to gpu02: refused", ("gpu01.site.org", "gpu02.site.org")),
        ("no GPU on n1", "no GPU on n12", ("n1", "n12")),
    ],
)
def test_nodes_make_no_difference(one: str, other: str, nodes: tuple[str, ...]) -> None:
    assert normalised(one, nodes) == normalised(other, nodes)


def test_what_only_looks_like_a_node_stays() -> None:
    assert normalised("layer n12 of n1.conv in n1-x", ("n1",)) == "layer n12 of n1.conv in n1-x"


def test_nodes_have_their_schedulers_names(tmp_path: Path) -> None:
    """Which need not be the machines' own: one machine may be several nodes."""
    sweep = MadeSweep(tmp_path / "s", total=4)
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", this_process()))
    conductor.append(events.Submit("launch-0/submit-0", token="t", tasks=[Span(0, 4)], each=1, source="slurm"))
    conductor.append(events.HandedOver("launch-0/submit-0", native_id="7", job=None))
    conductor.sync()
    for number, node in enumerate(("gpu1", "gpu2", "gpu2", "gpu2")):
        worker = sweep.worker(f"w{number}", node=node)
        cause = f"no GPU on {node} ({this_process().host})" if number < 2 else "disk full"
        fail(worker, number, cause)
        worker.sync()
    state = SweepState(sweep.root)
    state.refresh()
    spread, alone = group_failures(state)
    assert (spread.cause, spread.nodes) == ("no GPU on <node> (<node>)", (("gpu1", 1), ("gpu2", 1)))
    assert (alone.cause, alone.nodes) == ("disk full", (("gpu2", 2),))
    assert [task_json(state, Task(number, ()))["host"] for number in (0, 3)] == ["gpu1", "gpu2"]
