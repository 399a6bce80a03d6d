"""What becomes of a sweep on Slurm when something dies, is slow, or is told to end: real daemons, real jobs."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.store.layout import LaunchPaths
from tests.integration.queue_sweeping import finish
from tests.integration.slurm_sweeping import SlurmApp, ask, slurm_app, wrapped
from tests.services.cluster import Cluster, running_cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm


@pytest.fixture
def app(slurm: Cluster, weird_tmp_path: Path) -> Iterator[SlurmApp]:
    with slurm_app(weird_tmp_path, slurm) as app:
        yield app


def counted(app: SlurmApp) -> dict[int, int]:
    """How often each task's function began."""
    return {x: len(found) for x, found in app.intervals().items()}


def reasons(app: SlurmApp) -> list[tuple[str, str]]:
    """State and reason of each task."""
    state = app.state()
    return [(state.state_of(n), str(getattr(state.end_of(n), "reason", None) or "")) for n in range(state.total)]


# sbatch


def test_a_slow_sbatch_and_one_that_dies_after_acceptance_double_nothing(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'if mkdir {tmp_path}/first; then "$REAL" "$@" >/dev/null; sleep 2; kill -9 $$; fi; exec "$REAL" "$@"'
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "sbatch", body))
    done = app.run("x=range(3)")
    assert done.returncode == 0, done.stderr
    assert app.states() == {"completed": 3}
    assert counted(app) == {0: 1, 1: 1, 2: 1}
    token = app.state().jobs.submissions()[0].token
    assert len(set(ask("squeue", "-h", "-t", "all", "-n", token, "-o", "%F").split())) == 1


def test_an_sbatch_that_dies_before_it_sends_is_tried_again(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PATH", wrapped(tmp_path / "bin", "sbatch", f'mkdir {tmp_path}/first && kill -9 $$; exec "$REAL" "$@"')
    )
    done = app.run("x=range(2)")
    assert done.returncode == 0, done.stderr
    assert "2 tasks wait to be submitted" in done.stderr
    assert counted(app) == {0: 1, 1: 1}


@pytest.mark.parametrize(
    "end",
    [
        "exit 1",
        'echo "sbatch: error: Premature end of message" >&2; exit 183',
        'echo "Note: submissions disabled on Monday. Invalid account? Resource temporarily unavailable" >&2; exit 1',
    ],
)
def test_whatever_sbatch_says_at_its_end_what_was_accepted_is_found(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    body = f'if mkdir {tmp_path}/first; then "$REAL" "$@" >/dev/null; {end}; fi; exec "$REAL" "$@"'
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "sbatch", body))
    done = app.run("x=range(2)")
    assert done.returncode == 0, done.stderr
    assert "refused" not in done.stderr
    assert app.states() == {"completed": 2}
    token = app.state().jobs.submissions()[0].token
    assert len(set(ask("squeue", "-h", "-t", "all", "-n", token, "-o", "%F").split())) == 1


@pytest.mark.usefixtures("unmeasured")
def test_an_sbatch_that_is_not_slurms_is_told_soon(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "sbatch", "echo would submit"))
    done = app.run("x=range(2)")
    assert done.returncode == 1
    assert "sbatch printed no job id, and the scheduler knows no such job" in done.stderr
    assert "because: sbatch: exit code 0: would submit" in done.stderr
    assert "next: hsm doctor" in done.stderr
    assert app.states() == {"pending": 2}


@pytest.mark.usefixtures("unmeasured")
def test_ctrl_c_at_an_sbatch_that_hangs_is_heeded_soon(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'"$REAL" "$@" > {tmp_path}/id; exec sleep 600'
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "sbatch", body))
    process = app.start("x=1,2", "hydra.launcher.on_interrupt=cancel")
    wait_until((tmp_path / "id").exists)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process, timeout=45)  # sbatch has a minute otherwise
    assert code == 130, err
    assert "ending the tasks" in err
    assert app.states() == {"cancelled": 2}


def test_a_refused_job_is_told_with_a_way_on(app: SlurmApp) -> None:
    done = app.run("x=range(2)", "bad=[1]", "hydra.launcher.partition=nowhere")
    assert done.returncode == 1
    assert "invalid partition" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert app.states() == {"pending": 2}
    line = re.search(r"next: (hsm resume \S+ --set hydra\.launcher\.partition=\w+)", done.stderr)
    assert line, done.stderr
    for view in (["status"], ["errors"]):
        told = app.hsm(*view, str(app.sweep)).stdout
        assert "2 × launch: Slurm refused the job: Invalid partition name specified" in told
        assert line[1] in told
    again = app.hsm(*shlex.split(line[1])[1:])
    assert again.returncode == 3, again.stderr
    assert app.states() == {"completed": 1, "failed": 1}
    assert "Slurm refused" not in app.hsm("status", str(app.sweep)).stdout
    retried = app.hsm("retry", str(app.sweep))
    assert retried.returncode == 3, retried.stderr
    assert "Slurm refused" not in retried.stderr, "what was accepted is asked for from now on"


@pytest.mark.slow
def test_what_no_node_has_is_asked_for_as_far_as_there_is(app: SlurmApp) -> None:
    done = app.run("x=range(2)", "hydra.launcher.mem_gb=9000")
    assert re.search(r"next: hsm resume \S+ --set hydra\.launcher\.mem_gb=\d+", done.stderr), done.stderr


def test_a_setup_line_that_fails_ends_its_jobs_and_is_told_at_the_first(app: SlurmApp) -> None:
    done = app.run("x=range(3)", 'hydra.launcher.setup=["echo hello","module load nosuch"]')
    assert done.returncode == 3, done.stderr
    assert "warning: a set-up line failed (exit code 127): module load nosuch" in done.stderr
    assert "next:  hsm logs" in done.stderr
    assert reasons(app) == [("failed", "launch")] * 3
    assert len(app.handed()) == 1
    assert "it said: hello / line" in app.state().end_of(0).message
    assert counted(app) == {}
    assert app.resume("--retry-failed", "--set", "hydra.launcher.setup_strict=false").returncode == 0
    assert app.states() == {"completed": 3}


def test_an_interpreter_that_is_not_on_the_node_is_told_at_the_first_job(app: SlurmApp) -> None:
    done = app.run("x=range(3)", "hydra.launcher.python=/no/such/python")
    assert done.returncode == 3, done.stderr
    assert "warning: the job could not start its worker: " in done.stderr
    assert "/no/such/python: No such file" in done.stderr
    assert reasons(app) == [("failed", "launch")] * 3
    assert len(app.handed()) == 1
    assert app.resume("--retry-failed", "--set", f"hydra.launcher.python={sys.executable}").returncode == 0
    assert app.states() == {"completed": 3}


# squeue


@pytest.mark.slow
def test_what_runs_is_not_lost_because_squeue_says_nothing(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wrapped(tmp_path / "bin", "squeue", f'[ -e {tmp_path}/silent ] && exit 0; exec "$REAL" "$@"')
    monkeypatch.setenv("PATH", path)
    process = app.start("x=range(2)")
    app.wait_for_begun(2)
    (tmp_path / "silent").touch()
    time.sleep(20)
    assert process.poll() is None
    assert app.states() == {"running": 2}
    app.open_gate()
    code, _, err = finish(process)
    assert code == 0, err
    assert counted(app) == {0: 1, 1: 1}


def test_ctrl_c_twice_leaves_what_a_silent_scheduler_does_not_tell(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wrapped(tmp_path / "bin", "sbatch", 'sleep 1; echo "sbatch: error: timed out" >&2; exit 1')
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "squeue", "exit 1"))
    process = app.start("x=range(2)")
    wait_until(lambda: "submit" in conductors_words(app), what="a submission on disk")
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    time.sleep(2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process, 30)
    assert code == 130
    assert "2 tasks may have been submitted" in err
    assert "next: hsm cancel" in err


# the controller


@pytest.mark.slow
def test_a_controller_that_is_gone_for_half_a_minute_costs_time_only(app: SlurmApp) -> None:
    app.cluster("stop-ctld")
    try:
        process = app.start("x=range(3)", "hydra.launcher.array_parallelism=2")
        wait_until(lambda: "submit" in conductors_words(app), what="a submission on disk")
        time.sleep(12)
    finally:
        app.cluster("start-ctld")
    app.wait_for_begun(2)
    app.cluster("stop-ctld")
    try:
        app.open_gate()
        wait_until(lambda: app.states().get("completed") == 2, what="the end of what ran")
        time.sleep(30)
        assert process.poll() is None
    finally:
        app.cluster("start-ctld")
    code, _, err = finish(process, 150)
    assert code == 0, err
    assert app.states() == {"completed": 3}
    assert counted(app) == {0: 1, 1: 1, 2: 1}
    assert len(app.handed()) == 1


def conductors_words(app: SlurmApp) -> str:
    folder = app.sweep / ".hsm" / "events"
    return "".join(path.read_text() for path in folder.glob("conductor-*.jsonl")) if folder.exists() else ""


# workers


def test_a_killed_worker_is_noticed_soon_and_its_pending_tasks_go_on(app: SlurmApp) -> None:
    process = app.start("x=range(4)", "hydra.launcher.tasks_per_job=2", "hydra.launcher.slots=1")
    app.wait_for_begun(2)
    app.kill_worker(0)
    killed = time.monotonic()
    wait_until(lambda: app.states().get("lost") == 1, timeout=10, what="the loss of what ran", every=0.1)
    assert time.monotonic() - killed < 10
    app.open_gate()
    code, _, err = finish(process)
    assert code == 3
    assert "a worker died; 1 task goes to a new one" in err
    assert app.states() == {"completed": 3, "lost": 1}
    assert "SIGKILL" in app.state().evidence_of(0)
    assert counted(app) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_what_a_packed_job_lost_is_told_while_the_job_goes_on(app: SlurmApp) -> None:
    process = app.start("x=range(3)", "hydra.launcher.tasks_per_job=3", "hydra.launcher.slots=1")
    app.wait_for_begun(1)
    begun = app.state().tasks[0].begun
    assert begun is not None
    importer = Path(f"/proc/{begun.pid}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(importer), signal.SIGKILL)
    app.wait_for_begun(2)
    said = json.loads(app.hsm("status", str(app.sweep), "--json").stdout)
    assert {state: count for state, count in said["counts"].items() if count} == {
        "lost": 1, "running": 1, "queued": 1,
    }  # fmt: skip
    app.open_gate()
    code, _, err = finish(process)
    assert code == 3, err
    assert app.states() == {"completed": 2, "lost": 1}
    assert "its parent process ended first (signal 9)" in app.state().evidence_of(0)


@pytest.mark.slow
def test_a_job_whose_slurmstepd_is_killed_is_not_doubled(app: SlurmApp) -> None:
    process = app.start("x=range(2)")
    app.wait_for_begun(2)
    native_id = app.native_ids()[0]
    raw = ask("scontrol", "-o", "show", "job", native_id).split()[0].partition("=")[2]
    kill_titled(f"slurmstepd: [{raw}.", app.cluster.conf)
    time.sleep(3)
    app.open_gate()
    code, _, err = finish(process, 180)
    states = app.states()
    assert code == 0 or states.get("lost") == 1, err
    assert states["completed"] >= 1
    assert counted(app) == {0: 1, 1: 1}


def kill_titled(title: str, conf: str) -> None:
    """Kill the cluster's processes whose title begins so."""
    mark = f"SLURM_CONF={conf}".encode()
    found = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            ours = path.joinpath("cmdline").read_bytes().startswith(title.encode())
            if ours and mark in path.joinpath("environ").read_bytes().split(b"\0"):
                os.kill(int(path.name), signal.SIGKILL)
                found += 1
        except (OSError, ValueError):
            continue
    assert found, f"no process {title}"


# jobs that others end


def test_cancelled_by_scancel_running_and_pending(app: SlurmApp) -> None:
    process = app.start("x=range(3)", "hydra.launcher.array_parallelism=1")
    app.wait_for_begun(1)
    whole = app.handed()[0]
    ask("scancel", f"{whole}_0", f"{whole}_2")
    app.wait_for_begun(2)
    app.open_gate()
    code, _, err = finish(process)
    assert code == 3, err
    assert reasons(app) == [("cancelled", "cancelled"), ("completed", ""), ("cancelled", "cancelled")]


OOM = """    hog = bytearray(400 << 20) if cfg.x == 1 else None
    for n in range(300 if hog else 0):
        time.sleep(0.1)
"""


def test_a_job_that_uses_too_much_memory_is_called_so(app: SlurmApp) -> None:
    source = app.folder / "app.py"
    source.write_text(source.read_text().replace('    note("end", cfg)\n', f'{OOM}    note("end", cfg)\n'))
    done = app.run("x=range(2)", "hydra.launcher.mem_gb=0.25")
    assert done.returncode == 3
    assert reasons(app) == [("completed", ""), ("failed", "oom")], done.stderr


@pytest.mark.slow
def test_a_job_whose_time_is_over_failed_for_that(app: SlurmApp) -> None:
    process = app.start("x=range(2)", "hydra.launcher.walltime=5min")
    app.wait_for_begun(2)
    end_soon(app.native_ids()[0])
    wait_until(lambda: app.states().get("failed") == 1, timeout=120, what="the end of its time", every=0.3)
    app.open_gate()
    assert finish(process)[0] == 3
    assert reasons(app) == [("failed", "walltime"), ("completed", "")]


def end_soon(native_id: str) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 2))
    ask("scontrol", "update", f"jobid={native_id}", f"EndTime={at}")


CHECKPOINTING = '''
import os, time
import hydra, submitit
from dataclasses import dataclass
from hydra.core.config_store import ConfigStore

@dataclass
class Config:
    x: int = 0
    gate: str = ""
    witness: str = "???"

def rest(cfg, so_far):
    job = submitit.JobEnvironment()
    with open(cfg.witness, "a") as stream:
        stream.write(f"{cfg.x} {so_far} {os.environ['HSM_ATTEMPT']} {job.job_id}\\n")
    while not so_far:
        time.sleep(0.05)
    return {"score": so_far}

def task(cfg):
    return rest(cfg, 0)

task.checkpoint = lambda cfg: submitit.helpers.DelayedSubmission(rest, cfg, 7)
ConfigStore.instance().store(name="config", node=Config)
hydra.main(config_path=None, config_name="config", version_base=None)(task)()
'''


@pytest.mark.slow
def test_near_the_end_of_its_time_a_task_writes_a_checkpoint_and_goes_on_from_it(app: SlurmApp) -> None:
    (app.folder / "app.py").write_text(CHECKPOINTING)
    fields = ["walltime=1min", "signal_delay_s=30", "max_num_timeout=1"]
    process = app.start("x=5", *(f"hydra.launcher.{one}" for one in fields), gate=False)
    code, _, err = finish(process, 200)
    assert code == 0, err
    native_id = app.native_ids()[0]
    told = (app.folder / "witness").read_text().splitlines()
    assert told == [f"5 0 1 {native_id}", f"5 7 2 {native_id}"]
    assert app.states() == {"completed": 1}


@pytest.mark.slow
def test_near_the_end_of_its_time_a_job_leaves_what_has_not_begun_to_another(app: SlurmApp) -> None:
    fields = ["walltime=1min", "signal_delay_s=30", "tasks_per_job=2", "slots=1"]
    process = app.start("x=range(2)", *(f"hydra.launcher.{one}" for one in fields))
    journals = app.sweep / ".hsm" / "events"
    wait_until(
        lambda: any('"warned"' in path.read_text() for path in journals.glob("*.jsonl")), 120, "the warning"
    )
    app.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    assert "a worker has left; 1 task goes to a new one" in err
    assert "died" not in err
    assert app.states() == {"completed": 2}


# nodes


@pytest.fixture
def own(weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmApp]:
    """An app on a cluster of its own, whose nodes may die."""
    with running_cluster() as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.conf)
        with slurm_app(weird_tmp_path, cluster, "hydra.launcher.cpus_per_task=8") as app:
            yield app


@pytest.mark.slow
def test_after_a_power_cut_the_job_runs_again_as_a_new_attempt(own: SlurmApp) -> None:
    process = own.start("x=range(3)")
    own.wait_for_begun(3)
    own.cluster("crash-node", own.node_of(0))
    own.wait_for_begun(4, timeout=120)
    own.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    assert own.states() == {"completed": 3}
    assert [one.attempt for one in own.intervals()[0]] == [1, 2]
    assert [one.end is None for one in own.intervals()[0]] == [True, False]
    assert len(own.handed()) == 1


@pytest.mark.slow
def test_after_a_partition_of_two_runs_one_outcome_counts(own: SlurmApp) -> None:
    process = own.start("x=range(2)")
    own.wait_for_begun(2)
    own.cluster("kill-node", own.node_of(0))
    own.wait_for_begun(3, timeout=120)
    own.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    assert own.states() == {"completed": 2}
    first, second = own.intervals()[0]
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.end is None, "the first run was told to end before the second began"


@pytest.mark.slow
def test_a_preempted_job_is_run_again(own: SlurmApp) -> None:
    process = own.start("x=range(4)")
    own.wait_for_begun(4)
    ask("sbatch", "-p", "high", "-n", "8", "-N", "1", "-o", "/dev/null", "--wrap", "sleep 1")
    own.wait_for_begun(5)
    own.open_gate()
    code, _, err = finish(process, 120)
    assert code == 0, err
    assert own.states() == {"completed": 4}
    assert sorted(len(found) for found in own.intervals().values()) == [1, 1, 1, 2]
    again = next(found for found in own.intervals().values() if len(found) == 2)
    assert [one.attempt for one in again] == [1, 2]


# limits and accounting


@pytest.mark.slow
def test_no_more_single_jobs_run_at_once_than_asked_for(app: SlurmApp) -> None:
    process = app.start("x=range(5)", "hydra.launcher.mode=individual", "hydra.launcher.array_parallelism=2")
    app.wait_for_begun(2)
    time.sleep(3)
    assert len(app.handed()) == 2
    app.open_gate()
    code, _, err = finish(process)
    assert code == 0, err
    assert "no more jobs can be submitted now (array_parallelism=2)" in err
    assert counted(app) == dict.fromkeys(range(5), 1)


@pytest.fixture
def limited(weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmApp]:
    """An app of a user who may have three jobs in the queue; with accounting."""
    policy = "AccountingStorageEnforce=associations,limits,qos"
    with running_cluster(accounting=True, HSM_EXTRA=policy, HSM_MINJOBAGE=2) as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.conf)
        ask("sacctmgr", "-i", "add", "account", "lab")
        ask("sacctmgr", "-i", "add", "user", ask("id", "-un"), "account=lab", "MaxSubmitJobs=3")
        with slurm_app(weird_tmp_path, cluster, "hydra.launcher.account=lab") as app:
            yield app


@pytest.mark.slow
def test_at_a_submit_limit_it_tops_up_and_detached_it_packs(limited: SlurmApp) -> None:
    done = limited.run("x=range(7)")
    assert done.returncode == 0, done.stderr
    assert "no more jobs can be submitted now (account lab: MaxSubmitJobs=3)" in done.stderr
    assert limited.states() == {"completed": 7}
    assert set(counted(limited).values()) == {1}
    limited.sweep = limited.folder / "second"
    done = limited.run("x=range(10,18)", "hydra.launcher.detach=true", "hydra.launcher.timeout_min=2")
    assert done.returncode == 0, done.stderr
    told = "3 tasks a job, as there is room for 3 jobs (account lab: MaxSubmitJobs=3), for timeout_min=6"
    assert told in done.stdout + done.stderr
    assert re.search(r"^#SBATCH --time=6$", script_of(limited), re.MULTILINE)
    assert limited.hsm("wait", str(limited.sweep)).returncode == 0
    assert limited.states() == {"completed": 8}


def script_of(app: SlurmApp) -> str:
    """What was submitted first."""
    return LaunchPaths.script(app.sweep / ".hsm" / "launch-0" / "submit-0").read_text()


@pytest.mark.slow
def test_jobs_in_another_account_use_up_nothing_of_a_limit(limited: SlurmApp) -> None:
    for _ in range(3):
        ask("sbatch", "--account=root", "--hold", "--output=/dev/null", "--wrap=true")
    done = limited.run("x=range(2)")
    assert done.returncode == 0, done.stderr
    assert "no room" not in done.stderr


@pytest.mark.slow
def test_a_detached_launch_that_is_ended_while_it_waits_says_what_it_leaves(limited: SlurmApp) -> None:
    for _ in range(3):
        ask("sbatch", "--account=lab", "--hold", "--output=/dev/null", "--wrap=true")
    process = limited.start("x=range(4)", "hydra.launcher.detach=true")
    wait_until((limited.sweep / ".hsm" / "sweep.json").exists, timeout=30, what="the sweep's record")
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert code == 143
    assert "4 tasks were not submitted" in err
    assert re.search(r"next: hsm resume \S+", err)


@pytest.mark.slow
def test_without_the_accountings_database_a_sweep_runs(limited: SlurmApp) -> None:
    process = limited.start("x=range(2)")
    limited.wait_for_begun(2)
    limited.cluster("stop-dbd")
    limited.kill_worker(0)
    wait_until(lambda: limited.states().get("lost") == 1, timeout=20, what="the dead worker", every=0.2)
    limited.open_gate()
    code, _, err = finish(process)
    assert code == 3, err
    assert limited.states() == {"completed": 1, "lost": 1}
