"""Failures by cause, and the texts made of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hsm_core.model import Span
from hsm_core.store.events import End
from hsm_core.store.state.jobs import NEVER_BEGAN
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.failures.advice import suggestion
from hsm_core.views.failures.by_cause import group_failures, normalised
from hsm_core.views.failures.text import failure_lines
from hsm_core.views.summary import summary
from tests.unit.store.making import MadeSweep, complete, fail, killed_process, start


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("loss is nan at step 300", "loss is nan at step 1_200"),
        ("loss is 1.5e-3 at 0x7f3a2b", "loss is -2.5 at 0x1"),
        ("no file '/tmp/a b/x.csv'", "no file '/home/ü/y.csv'"),
        ("can't read ./3/data.npz", "can't read ./14/data.npz"),
        ("GET https://host/1 failed", "GET https://other/2 failed"),
        ("first line\nmore 1", "first line\nother"),
        ("run 0b9f2c1e-1111-2222-3333-444455556666", "run 1b9f2c1e-1111-2222-3333-444455556666"),
    ],
)
def test_one_cause_in_other_words(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError: no", "KeyError: no"),
        ("layer3 is missing", "layer4 is missing"),
        ("its process exited with code 9", "its process exited with code 3"),
        ("killed by signal 11", "killed by signal 9"),
    ],
)
def test_different_causes(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_a_message_cannot_move_the_cursor() -> None:
    assert "\x1b" not in normalised("\x1b[2J\x1b]0;evil\x07boom")


@pytest.fixture
def state(weird_tmp_path: Path) -> SweepState:
    main = {"name": "train", "main": ["/usr/bin/python", "train.py"]}
    sweep = MadeSweep(weird_tmp_path / "s", total=9, app=main, cwd=str(weird_tmp_path))
    worker = sweep.worker("w1", spans=[Span(0, 8)])
    complete(worker, 0)
    for task in (1, 2, 5):
        message = f"ValueError: bad file {sweep.root}/{task}/x.npz at step {task}"
        fail(worker, task, message, kind="ValueError", trace="…")
    fail(worker, 3, "killed by the kernel", "oom", mem=3000.0)
    fail(worker, 4, "over 120 s", "walltime", wall=120.0)
    start(sweep.worker("w2", killed_process()), 6)
    sweep.files(1).stderr.write_text("Traceback")
    found = SweepState(sweep.root)
    found.refresh()
    return found


def test_the_largest_group_comes_first_with_an_example_and_its_log(state: SweepState) -> None:
    groups = group_failures(state)
    assert [(group.state, group.reason, group.tasks) for group in groups] == [
        ("failed", "exception", (1, 2, 5)),
        ("failed", "oom", (3,)),
        ("failed", "walltime", (4,)),
        ("lost", "unknown", (6,)),
    ]
    assert groups[0].log == state.paths.root / "1" / ".hsm/stderr.log"
    assert groups[1].log is None  # never a file that is not there
    assert "gone" in groups[3].cause


def test_a_group_can_be_of_some_tasks_only(state: SweepState) -> None:
    assert [group.tasks for group in group_failures(state, range(2, 4))] == [(2,), (3,)]


MAIN = {"name": "train", "main": ["/usr/bin/python", "train.py"]}


def advice_for(
    root: Path, logs: dict[str, str], reason: str = "exception", message: str = "no", **facts: Any
) -> tuple[str, str]:
    """What to type next and the example's message, of one failed task that left these logs."""
    app = facts.pop("app", MAIN)
    fields = facts.pop("launcher_fields", ())
    sweep = MadeSweep(root / "s", total=1, app=app, launcher_fields=fields)
    fail(sweep.worker("w1", spans=[Span(0, 1)]), 0, message, reason, **facts)
    for name, text in logs.items():
        (sweep.files(0).hsm / name).write_text(text)
    state = SweepState(sweep.root)
    state.refresh()
    (group,) = group_failures(state)
    return group.suggestion.replace(state.record.id, "ID"), group.message


@pytest.mark.parametrize(
    ("logs", "advice"),
    [
        ({"stdout.log": "", "stderr.log": "Traceback"}, "hsm logs ID 0 --stderr"),
        ({"stderr.log": "Traceback"}, "hsm logs ID 0 --stderr"),
        ({"stdout.log": "step 1", "stderr.log": ""}, "hsm logs ID 0"),
        ({"stdout.log": "step 1"}, "hsm logs ID 0"),
        ({"stdout.log": "step 1", "stderr-rank2.log": "Traceback"}, "hsm logs ID 0 --stderr"),
        ({"stdout.log": "", "stderr.log": ""}, "hsm command ID 0"),
        ({}, "hsm command ID 0"),
    ],
)
def test_a_log_is_named_only_where_there_is_something_to_read(
    tmp_path: Path, logs: dict[str, str], advice: str
) -> None:
    assert advice_for(tmp_path, logs)[0] == advice


def test_what_no_command_line_started_and_left_no_log_has_its_story(tmp_path: Path) -> None:
    assert advice_for(tmp_path, {}, app={"name": "train", "main": []})[0] == "hsm logs ID"


@pytest.mark.parametrize(
    ("logs", "advice"),
    [
        ({"stderr.log": ""}, 'PYTHONFAULTHANDLER=1 sh -c "$(hsm command ID 0)"'),
        ({"stdout.log": "step 1", "stderr.log": "a warning"}, 'PYTHONFAULTHANDLER=1 sh -c "$(hsm command ID 0)"'),
        ({"stderr.log": "Fatal Python error: Segmentation fault"}, "hsm logs ID 0 --stderr"),
    ],
)
def test_a_crash_that_does_not_say_where_is_run_alone_with_pythons_fault_handler(
    tmp_path: Path, logs: dict[str, str], advice: str
) -> None:
    assert advice_for(tmp_path, logs, "signal", "killed by signal 11 (SIGSEGV)", signal=11)[0] == advice


def test_what_a_cause_says_is_not_said_again(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    fail(sweep.worker("w1"), 0, "killed by signal 9 (SIGKILL)", "signal", signal=9)
    state = SweepState(sweep.root)
    state.refresh()
    text = "\n".join(failure_lines(state, group_failures(state)[0]))
    assert text.count("killed by signal 9") == 1
    assert "    note:  often the kernel, for lack of memory\n" in text


def test_sigkill_that_nobody_owned_up_to_may_be_memory(tmp_path: Path) -> None:
    told = "killed by signal 9 (SIGKILL)"
    advice, message = advice_for(tmp_path, {}, "signal", told, signal=9, mem=3072.0)
    assert message == f"{told}; often the kernel, for lack of memory; it had used 3.0 GiB"
    assert advice == "hsm retry ID --error signal --set hydra.launcher.slots=1    # if it ran out of memory"


def test_the_line_for_a_kill_leaves_other_signals_alone(tmp_path: Path) -> None:
    app = {"name": "train", "main": ["/usr/bin/python", "train.py"]}
    sweep = MadeSweep(tmp_path / "s", total=6, app=app, cwd=str(tmp_path))
    worker = sweep.worker("w1", spans=[Span(0, 6)])
    for task, number in ((0, 9), (1, 11), (2, 9), (3, 9), (4, 6)):
        fail(worker, task, f"killed by signal {number}", "signal", signal=number)
    state = SweepState(sweep.root)
    state.refresh()
    line = group_failures(state)[0].suggestion
    assert line == f"hsm retry {sweep.id} --task 0,2-3 --set hydra.launcher.slots=1    # if it ran out of memory"
    line = group_failures(state, among=[0])[0].suggestion
    assert line.startswith(f"hsm retry {sweep.id} --task 0 --set ")


@pytest.mark.parametrize("reason", ["oom", "signal"])
def test_one_at_a_time_cannot_be_fewer(tmp_path: Path, reason: str) -> None:
    one = ("++hydra.launcher.slots=1",)
    assert advice_for(tmp_path, {}, reason, signal=9, launcher_fields=one)[0] == "hsm command ID 0"


@pytest.mark.parametrize("reason", ["node", "preempted"])
def test_what_was_nobodys_fault_is_run_again(tmp_path: Path, reason: str) -> None:
    assert advice_for(tmp_path, {"stderr.log": "x"}, reason)[0] == f"hsm retry ID --error {reason}"


def test_suggestions_are_lines_to_copy(state: SweepState) -> None:
    sweep = state.record.id
    assert [group.suggestion for group in group_failures(state)] == [
        f"hsm logs {sweep} 1 --stderr",
        f"hsm retry {sweep} --error oom --set hydra.launcher.slots=1",
        f"hsm retry {sweep} --error walltime --set hydra.launcher.task_timeout_min=4",
        f"hsm resume {sweep}",
    ]


@pytest.mark.parametrize(
    ("rank", "there_are", "log"),
    [
        (None, ["stderr.log", "stderr-rank1.log"], "stderr.log"),
        (None, ["stderr-rank1.log", "stdout.log"], "stderr-rank1.log"),
        (2, ["stderr.log", "stderr-rank1.log", "stderr-rank2.log"], "stderr-rank2.log"),
        (2, ["stderr.log", "stdout-rank2.log"], "stdout-rank2.log"),
        (2, ["stderr.log"], None),
    ],
)
def test_the_log_is_that_of_the_rank_which_failed(
    tmp_path: Path, rank: int | None, there_are: list[str], log: str | None
) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    fail(sweep.worker("w1", spans=[Span(0, 1)]), 0, "rank 2 failed", rank=rank)
    ours = sweep.files(0).hsm
    for name in there_are:
        (ours / name).write_text("Traceback")
    state = SweepState(sweep.root)
    state.refresh()
    rank_log = sweep.paths.rank_log("w1", 2)
    assert group_failures(state)[0].log == (ours / log if log else None)
    rank_log.parent.mkdir(parents=True)
    rank_log.write_text("Traceback")
    assert group_failures(state)[0].log == (ours / log if log else rank_log)


def test_what_was_dropped_before_it_began_is_simply_tried_again(state: SweepState) -> None:
    event = End(0, 1, "failed", message=f"PBS dropped it {NEVER_BEGAN}: its dependency failed")
    retry = f"hsm retry {state.record.id} --error launch"
    assert suggestion(state.record, "failed", "launch", event, "read") == retry
    other = End(0, 1, "failed", message="exit code 127")
    assert suggestion(state.record, "failed", "launch", other, "read") == "read"


def test_more_memory_is_asked_of_a_scheduler(state: SweepState) -> None:
    elsewhere = dataclasses.replace(state.record, launcher="hsm_slurm")
    advice = suggestion(elsewhere, "failed", "oom", End(0, 1, "failed", mem=3000.0), "read")
    assert advice == f"hsm retry {elsewhere.id} --error oom --set hydra.launcher.mem_gb=5"


@pytest.mark.parametrize(
    ("began_with", "reason", "asked", "more"),
    [
        ((), "oom", {"mem_gb": 4}, "hydra.launcher.mem_gb=8"),
        (("mem_per_cpu=200M",), "oom", {}, "hydra.launcher.mem_per_cpu=400M"),
        (("mem_per_gpu='1.5G'",), "oom", {}, "hydra.launcher.mem_per_gpu=3G"),
        (
            ("select='1:ncpus=4:mem=2gb'",), "oom", {},
            '"hydra.launcher.select=\'1:ncpus=4:mem=2gb\'"    # edit it to ask for more memory',
        ),
        ((), "walltime", {"walltime_min": 240}, "hydra.launcher.timeout_min=480"),
        (("walltime=1min",), "walltime", {"walltime_min": 1}, "hydra.launcher.walltime=2min"),
        ((), "walltime", {}, "hydra.launcher.timeout_min=4"),
        (
            ("resources=--time=9",), "walltime", {},
            "hydra.launcher.resources=--time=9    # edit it to ask for more time",
        ),
    ],
)  # fmt: skip
def test_more_is_asked_for_in_the_field_that_was_used(
    state: SweepState, began_with: tuple[str, ...], reason: str, asked: dict[str, int], more: str
) -> None:
    fields = tuple(f"++hydra.launcher.{field}" for field in began_with)
    record = dataclasses.replace(state.record, launcher="hsm_slurm", launcher_fields=fields)
    advice = suggestion(record, "failed", reason, End(0, 1, "failed", wall=100.0), "read", asked)
    assert advice == f"hsm retry {record.id} --error {reason} --set {more}"


@pytest.mark.parametrize(
    ("launcher", "limit", "asked", "more"),
    [
        ("hsm_local", 180.0, {}, ["task_timeout_min=6"]),
        ("hsm_slurm", 3.0, {"walltime_min": 1}, ["task_timeout_min=2", "timeout_min=2"]),
        ("hsm_slurm", 180.0, {"walltime_min": 60}, ["task_timeout_min=6"]),
        ("hsm_slurm", 180.0, {}, ["task_timeout_min=6"]),
        ("hsm_pbs", 1800.0, {"walltime_min": 45}, ["task_timeout_min=60", "timeout_min=90"]),
        ("hsm_slurm", None, {"walltime_min": 60}, ["timeout_min=120"]),
    ],
)
def test_more_of_the_time_that_was_over_is_asked_for(
    state: SweepState, launcher: str, limit: float | None, asked: dict[str, int], more: list[str]
) -> None:
    record = dataclasses.replace(state.record, launcher=launcher)
    end = End(0, 1, "failed", wall=2000.0, limit=limit)
    advice = suggestion(record, "failed", "walltime", end, "read", asked)
    settings = "".join(f" --set hydra.launcher.{field}" for field in more)
    assert advice == f"hsm retry {record.id} --error walltime{settings}"


def test_the_summary_says_failures_first_then_counts_then_what_to_type(state: SweepState) -> None:
    lines = summary(state).splitlines()
    assert lines[0].startswith("✗ 3 × exception: ValueError: bad file <path>")
    assert lines[-2] == f"{state.record.id}: ✓ 1 completed  ✗ 5 failed  ? 1 lost  · 2 pending"
    assert lines[-1] == f"  next: hsm errors {state.record.id}"
    assert any(line.strip().startswith("log:") and line.endswith("1/.hsm/stderr.log") for line in lines)
    assert any(line.startswith("    rerun: ") and line.endswith("train.py lr=1 hydra.mode=RUN") for line in lines)
    assert summary(state).count("    next:  ") == 4


def test_the_summary_of_a_retry_separates_what_failed_before(state: SweepState) -> None:
    lines = summary(state, range(9), earlier=frozenset({1, 2, 4, 6})).splitlines()
    causes = [line.partition(":")[0] for line in lines if line.startswith(("✗", "?"))]
    assert sorted(causes) == ["✗ 1 × exception", "✗ 1 × oom"]
    assert lines[-3] == "4 tasks failed earlier and were not run again: 1-2,4,6"
    assert lines[-2] == f"{state.record.id}: ✓ 1 completed  ✗ 5 failed  ? 1 lost  · 2 pending"
    assert "1 task failed earlier and was not run again: 4" in summary(state, range(9), earlier=frozenset({4}))


def test_the_summary_of_a_launch_leaves_other_tasks_out(state: SweepState) -> None:
    text = summary(state, range(0, 1))
    assert text.splitlines()[0] == f"{state.record.id}: ✓ 1 completed"
    assert text.endswith(f"next: hsm results {state.record.id}")


def test_what_a_full_disk_failed_is_run_again_once_there_is_room(state: SweepState) -> None:
    line = suggestion(state.record, "failed", "disk", End(0, 1, "failed"), "")
    assert line.startswith("df -h ")
    assert line.endswith(f"# once there is room: hsm retry {state.record.id} --error disk")
