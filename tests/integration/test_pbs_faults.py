"""What becomes of a sweep on PBS when something dies, is slow, or is told to end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from hsm_core.scripts.rendering import TEMPLATES
from hsm_core.store.state.jobs import NEVER_BEGAN
from tests.integration.pbs_sweeping import PbsApp, pbs_app
from tests.integration.queue_sweeping import finish
from tests.services.pbs.pbs import Pbs
from tests.waiting import wait_until

pytestmark = pytest.mark.pbs


@pytest.fixture
def app(pbs: Pbs, weird_tmp_path: Path) -> Iterator[PbsApp]:
    """Its workers are on hosts of which its launcher can tell nothing."""
    with pbs_app(weird_tmp_path, pbs, elsewhere=True) as app:
        yield app


# the server


def test_a_server_that_is_gone_costs_time_only(app: PbsApp) -> None:
    app.server.turn(established_s=0.0)
    app.server.kill_server()
    process = app.start("x=range(2)", "hydra.launcher.array_parallelism=1")
    wait_until(lambda: list(app.sweep.glob(".hsm/launch-0/submit-0/script.sh")), what="a submission on disk")
    app.server.start_server()
    app.wait_for_begun(1)
    app.server.kill_server()
    app.open_gate()
    wait_until(lambda: app.states().get("completed") == 1, what="the end of what ran")
    assert process.poll() is None
    app.server.start_server()
    code, _, err = finish(process)
    assert code == 0, err
    assert app.states() == {"completed": 2}
    assert app.counted() == {0: 1, 1: 1}
    assert len(app.handed()) == 1


@pytest.mark.slow
def test_cancelled_in_part_while_the_server_is_gone_the_rest_goes_on(app: PbsApp) -> None:
    process = app.start("x=range(3)", "hydra.launcher.array_parallelism=2")
    app.wait_for_begun(2)
    app.server.kill_server()
    asked = app.hsm("cancel", str(app.sweep), "--task", "1,2", "--yes", "--timeout", "0")
    assert asked.returncode == 1
    wait_until(lambda: app.states().get("cancelled") == 1, what="the end of what ran")
    app.server.start_server()
    app.open_gate()
    code, _, err = finish(process)
    assert (code, app.states()) == (3, {"completed": 1, "cancelled": 2}), err
    assert "PBS did not answer" in err


@pytest.mark.slow
def test_run_twice_in_its_first_seconds_one_outcome_counts(app: PbsApp) -> None:
    app.server.turn(established_s=60.0)
    process = app.start("x=range(2)")
    app.wait_for_begun(2)
    app.server.restart_server()
    app.wait_for_begun(4)
    app.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    assert app.states() == {"completed": 2}
    for first, second in app.intervals().values():
        assert (first.attempt, second.attempt) == (1, 2)
        assert first.end is None
    assert len(app.handed()) == 1


@pytest.mark.parametrize("how", ["die", pytest.param("hang", marks=pytest.mark.slow)])
def test_a_lost_answer_doubles_nothing(app: PbsApp, how: str) -> None:
    app.server.lose_answers("qsub", how=how)
    process = app.start("x=range(3)")
    app.wait_for_handed(1, timeout=100)
    app.open_gate()
    code, _, err = finish(process, 150)
    assert code == 0, err
    assert app.counted() == {0: 1, 1: 1, 2: 1}
    assert len(app.handed()) == 1


@pytest.mark.parametrize(
    ("kept", "said", "code"),
    [
        (0, "System: too busy, please try later\n", 1),
        pytest.param(0, "quota: /home would exceed 10 GB\n", 1, marks=pytest.mark.slow),
        pytest.param(
            0, "Note: queue is not enabled on Mondays\nqsub: Premature end of message\n", 183, marks=pytest.mark.slow
        ),
        pytest.param(0, "", 1, marks=pytest.mark.slow),
        pytest.param(99, "", 1, marks=pytest.mark.slow),
    ],
)
def test_a_qsub_that_fails_in_unknown_words_may_have_submitted(
    app: PbsApp, kept: int, said: str, code: int
) -> None:
    app.server.spoil_answer("qsub", kept, said, code)
    process = app.start("x=range(2)")
    app.wait_for_handed(1, timeout=60)
    app.open_gate()
    code, _, err = finish(process)
    assert code == 0, err
    assert app.counted() == {0: 1, 1: 1}
    assert "refused" not in err
    assert len(app.handed()) == 1


def test_what_was_accepted_in_spite_of_what_qsub_says_is_cancelled(app: PbsApp) -> None:
    app.server.spoil_answer("qsub", 0, "please name a project\n", 32)
    process = app.start("x=range(2)")
    app.wait_for_begun(2)
    app.wait_for_handed(1)
    assert app.hsm("cancel", str(app.sweep), "--yes").returncode == 0
    finish(process)
    assert app.states() == {"cancelled": 2}
    assert not app.queued()


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0, 700])
def test_an_answer_that_is_empty_or_cut_proves_nothing(app: PbsApp, kept: int) -> None:
    process = app.start("x=range(3)", "hydra.launcher.array_parallelism=2", "hydra.launcher.poll_interval_s=0.2")
    app.wait_for_begun(2)
    app.server.turn(spoilt={"qstat": (kept, "", 0), "qselect": (0, "", 0)})
    asked = time.monotonic() + 8  # several looks at a queue that seems empty
    wait_until(lambda: time.monotonic() > asked, 20, what="several questions")
    assert app.states() == {"running": 2, "queued": 1}
    app.server.turn(spoilt={})
    app.open_gate()
    code, _, err = finish(process)
    assert code == 0, err
    assert app.counted() == {0: 1, 1: 1, 2: 1}
    assert len(app.handed()) == 1


@pytest.mark.slow
def test_a_qstat_that_hangs_changes_nothing(app: PbsApp) -> None:
    process = app.start("x=range(2)")
    app.wait_for_begun(2)
    app.server.turn(hanging=("qstat",))
    app.open_gate()
    code, _, err = finish(process, 150)
    assert code == 0, err
    assert app.counted() == {0: 1, 1: 1}


@pytest.mark.slow
def test_without_a_history_nothing_else_becomes_of_it(app: PbsApp) -> None:
    app.server.turn(history=False)
    process = app.start("x=range(3)", "bad=[1]", "hydra.launcher.array_parallelism=2")
    app.wait_for_begun(2)
    app.server.run("qdel", app.element(app.handed()[0], 2))
    app.open_gate()
    assert finish(process)[0] == 3
    assert app.reasons() == [("completed", ""), ("failed", "exception"), ("failed", "launch")]
    assert NEVER_BEGAN in app.state().evidence_of(2)
    assert len(app.handed()) == 1


# nodes


@pytest.mark.slow
def test_after_a_nodes_death_its_job_runs_again_as_a_new_attempt(app: PbsApp) -> None:
    process = app.start("x=range(2)", "hydra.launcher.cpus_per_task=8")
    app.wait_for_begun(2)
    dead = app.server.nodes[0]
    app.server.kill_mom(dead)
    app.server.start_mom(dead)
    app.wait_for_begun(3)
    app.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    assert app.states() == {"completed": 2}
    assert sorted(len(found) for found in app.intervals().values()) == [1, 2]
    assert len(app.handed()) == 1


@pytest.mark.slow
def test_of_two_that_run_at_once_one_ends(app: PbsApp) -> None:
    """A node that only the server takes for dead: its processes live on."""
    app.server.turn(node_fail_requeue_s=0.5)
    process = app.start("x=range(1)", "hydra.launcher.cpus_per_task=8")
    app.wait_for_begun(1)
    app.server.kill_mom(next(str(worker.head.process.host) for worker in app.state().workers()))
    app.wait_for_begun(2, timeout=90)
    app.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    (first, second) = app.intervals()[0]
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.end is None, "the first run was told to end before the second began"
    assert app.states() == {"completed": 1}


# warnings

@pytest.mark.parametrize("sent", ["USR1", pytest.param("USR2", marks=pytest.mark.slow)])
def test_a_warning_reaches_the_task_and_ends_nothing(app: PbsApp, tmp_path: Path, sent: str) -> None:
    if not re.fullmatch(r"[\w./+-]+", str(TEMPLATES)):
        pytest.skip("PBS can't be told of a shell whose path has a space: hsm is installed in one (docs/pbs.md)")
    process = app.start("x=range(2)", f"warned={hydra_text(str(tmp_path / 'warned'))}")
    app.wait_for_begun(2)
    whole = app.handed()[0]
    assert app.server.run("qsig", "-s", sent, app.element(whole, 0)).returncode == 0
    wait_until(lambda: (tmp_path / "warned-0").exists(), what="the warned task to say so")
    app.open_gate()
    code, _, err = finish(process)
    assert code == 0, err
    assert app.counted() == {0: 1, 1: 1}
    assert not (tmp_path / "warned-1").exists()


# jobs that others end, or that never begin


def test_deleted_by_qdel_running_and_waiting(app: PbsApp) -> None:
    process = app.start("x=range(3)", "hydra.launcher.array_parallelism=1")
    app.wait_for_begun(1)
    whole = app.handed()[0]
    for index in (0, 2):
        assert app.server.run("qdel", app.element(whole, index)).returncode == 0
    app.wait_for_begun(2)
    app.open_gate()
    code, _, err = finish(process)
    assert code == 3, err
    assert app.reasons() == [("cancelled", "cancelled"), ("completed", ""), ("cancelled", "cancelled")]


def test_a_job_whose_time_is_over_failed_for_that(app: PbsApp) -> None:
    process = app.start("x=1", 'hydra.launcher.directives=["-l walltime=2"]')
    code, _, err = finish(process)
    assert code == 3, err
    assert app.reasons() == [("failed", "walltime")]


def test_what_can_never_run_is_said_at_once(app: PbsApp) -> None:
    process = app.start("x=1,2", "hydra.launcher.cpus_per_task=999")
    assert process.stderr is not None
    said = next(line for line in process.stderr if "will never start" in line)
    assert "Can Never Run: Insufficient amount of resource: ncpus" in said
    assert app.handed()[0] in said
    process.kill()
    process.communicate()
    assert "Can Never Run" in app.hsm("status", str(app.sweep)).stdout
    assert app.hsm("cancel", str(app.sweep), "--yes").returncode == 0
    assert app.states() == {"cancelled": 2}


@pytest.mark.slow
def test_detached_what_never_starts_is_told_everywhere_until_it_is_deleted(app: PbsApp) -> None:
    app.server.turn(failing_starts=True)
    assert app.run("x=1,2", "hydra.launcher.detach=true").returncode == 0
    sweep, held = str(app.sweep), "too many failed attempts to run"
    wait_until(lambda: held in app.hsm("status", sweep).stdout, what="PBS to hold it")
    assert "2 pending" in app.hsm("status", sweep).stdout
    told = app.hsm("errors", sweep).stdout
    assert f"2 × launch: Job Array Held, {held}" in told
    assert "hsm resume" in told
    tasks = json.loads(app.hsm("tasks", sweep, "--json").stdout)["tasks"]
    assert [(task["state"], task["reason"], held in task["message"]) for task in tasks] == [
        ("pending", "launch", True), ("pending", "launch", True),
    ]  # fmt: skip
    queued = json.loads(app.hsm("queue", "--json").stdout)["jobs"]
    assert [(job["tasks"], held in job["reason"]) for job in queued] == [([0], True), ([1], True)]
    app.server.turn(failing_starts=False)
    assert app.resume().returncode == 0
    assert not app.queued()


def test_what_never_starts_is_given_up_and_leaves_the_queue(app: PbsApp) -> None:
    app.server.turn(failing_starts=True)
    done = app.run("x=1,2")
    assert done.returncode == 3
    assert len(app.handed()) == 1, "it would only be held again"
    assert "too many failed attempts" in done.stderr
    assert {reason for _, reason in app.reasons()} == {"launch"}
    wait_until(lambda: not app.queued(), what="an empty queue")


def test_a_setup_line_that_fails_ends_its_jobs_with_its_words(app: PbsApp) -> None:
    done = app.run("x=1,2", 'hydra.launcher.setup=["echo hello","module load nosuch"]')
    assert done.returncode == 3, done.stderr
    assert "warning: a set-up line failed (exit code 127): " in done.stderr
    assert app.reasons() == [("failed", "launch")] * 2
    assert "it said: " in app.state().end_of(0).message
    assert len(app.handed()) == 1


def test_an_interpreter_that_is_not_on_the_node_is_told_at_the_first_job(app: PbsApp) -> None:
    done = app.run("x=1,2", "hydra.launcher.python=/no/such/python")
    assert done.returncode == 3, done.stderr
    assert "warning: the job could not start its worker: " in done.stderr
    assert "/no/such/python: No such file" in app.state().end_of(0).message
    assert app.reasons() == [("failed", "launch")] * 2
    assert len(app.handed()) == 1
