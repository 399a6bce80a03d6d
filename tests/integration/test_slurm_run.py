"""A sweep on a real Slurm as its user meets it: results, failures, detaching, looking, cancelling, going on."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hsm_core.hosts.local import LocalHost
from hsm_core.overrides import hydra_text
from tests.integration.queue_sweeping import finish
from tests.integration.slurm_sweeping import SlurmApp, ask, slurm_app, words, wrapped
from tests.services.cluster import Cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm
APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def app(slurm: Cluster, weird_tmp_path: Path) -> Iterator[SlurmApp]:
    with slurm_app(weird_tmp_path, slurm) as app:
        yield app


def counted(app: SlurmApp) -> dict[int, int]:
    """How often each task's function began."""
    return {x: len(found) for x, found in app.intervals().items()}


# results


@pytest.mark.usefixtures("unmeasured")
def test_a_failing_task_costs_itself_only(app: SlurmApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # Hydra 1.4's, as the app is imported, go to the job's log
    done = app.run("x=1,2,3", "bad=[2]")
    assert done.returncode == 3
    assert app.states() == {"completed": 2, "failed": 1}
    assert "✗ 1 × exception: ValueError: bad x: 2" in done.stderr
    assert "Traceback" not in done.stderr
    whole = app.handed()[0]
    assert app.native_ids() == [f"{whole}_0", f"{whole}_1", f"{whole}_2"]
    seen = wait_until(
        lambda: found if not {"RUNNING", "COMPLETING"} & set((found := words()).values()) else {}
    )
    assert [seen[one] for one in app.native_ids()] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert "bad x: 2" in (app.sweep / "1" / ".hsm/stderr.log").read_text()
    for number, native_id in enumerate(app.native_ids()):
        told = OmegaConf.load(app.sweep / str(number) / ".hydra" / "hydra.yaml")
        assert (told.hydra.job.id, told.hydra.job.num) == (native_id, number)
        log = app.sweep / ".hsm" / "logs" / f"slurm-{native_id}.log"
        assert log.exists() == (number == 1)  # an empty one is not kept


def test_the_launcher_returns_good_results_beside_bad_ones(slurm: Cluster, weird_tmp_path: Path) -> None:
    shutil.copytree(APPS / "returns", weird_tmp_path / "app")
    path = os.pathsep.join([str(weird_tmp_path / "app"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(weird_tmp_path / "app" / "returning.py"), "hsm_slurm", "array,killed,two"]
    done = subprocess.run(
        [*command, f"hydra.sweep.dir={hydra_text(str(weird_tmp_path / 'sweep'))}"], cwd=weird_tmp_path,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    good, killed, bad = json.loads(done.stdout.splitlines()[-1])["jobs"]
    assert good["value"][0] == "ndarray"
    assert "exited with code 9" in killed["raised"][2]
    assert bad["raised"][1] == "TwoArguments"


# without the launcher


def test_detached_it_is_seen_cancelled_and_completed_from_elsewhere(app: SlurmApp) -> None:
    done = app.run("x=range(4)", "hydra.launcher.detach=true", "hydra.launcher.array_parallelism=2", gate=True)
    assert done.returncode == 0
    assert "completed" not in done.stdout
    app.wait_for_begun(2)
    assert "2 running" in app.hsm("status", str(app.sweep)).stdout
    cancelled = app.hsm("cancel", str(app.sweep), "--task", "0,3", "--yes")
    assert cancelled.returncode == 0, cancelled.stderr
    assert [app.state().state_of(number) for number in (0, 3)] == ["cancelled", "cancelled"]
    assert f"{app.handed()[0]}_3" not in words()
    app.open_gate()
    assert app.hsm("wait", str(app.sweep)).returncode == 3
    assert app.states() == {"completed": 2, "cancelled": 2}
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 4}
    assert counted(app) == {0: 2, 1: 1, 2: 1, 3: 1}
    table = app.hsm("results", str(app.sweep)).stdout
    assert all(f"{x / 2:g}" in table for x in range(4))


def test_what_waits_is_cancelled_as_soon_as_it_was_submitted(app: SlurmApp) -> None:
    app.run("x=range(4)", "hydra.launcher.detach=true", "hydra.launcher.array_parallelism=1", gate=True)
    done = app.hsm("cancel", str(app.sweep), "--task", "2-3", "--yes", "--timeout", "30")
    assert done.returncode == 0, done.stderr
    assert [app.state().state_of(number) for number in (2, 3)] == ["cancelled", "cancelled"]
    app.open_gate()
    assert app.hsm("wait", str(app.sweep)).returncode == 3
    assert app.states() == {"completed": 2, "cancelled": 2}


def test_a_record_that_names_another_job_of_the_user_does_not_cancel_it(app: SlurmApp, tmp_path: Path) -> None:
    app.run("x=range(2)", "hydra.launcher.detach=true", gate=True)
    log = tmp_path / "other.log"
    other = ask("sbatch", "--parsable", "--job-name=interactive", f"--output={log}", "--wrap", "sleep 300")
    (journal,) = (app.sweep / ".hsm" / "events").glob("conductor-*.jsonl")
    (whole,) = app.handed()
    said = journal.read_text()
    assert f'"{whole}"' in said
    journal.write_text(said.replace(f'"{whole}"', f'"{other}"'))
    done = app.hsm("cancel", str(app.sweep), "--yes", "--timeout", "1")
    assert words()[other] in ("PENDING", "RUNNING")
    assert "1 job not cancelled: not known to be this sweep's" in done.stderr
    assert f"the name of job {other} is 'interactive'" in done.stderr
    ask("scancel", other)
    journal.write_text(said)
    app.hsm("cancel", str(app.sweep), "--yes")


@pytest.mark.slow
def test_cancelling_all_leaves_nothing_in_the_queue(app: SlurmApp) -> None:
    app.run("x=range(40)", "hydra.launcher.detach=true", "hydra.launcher.array_parallelism=2", gate=True)
    app.wait_for_begun(2)
    done = app.hsm("cancel", str(app.sweep), "--yes")
    assert done.returncode == 0, done.stderr
    assert app.states() == {"cancelled": 40}
    left = {one for one, word in words().items() if word in ("PENDING", "RUNNING")}
    assert not {one for one in left if one.startswith(f"{app.handed()[0]}_")}


@pytest.mark.parametrize(
    "moment", ["before it is sent", pytest.param("before it is answered", marks=pytest.mark.slow)]
)
def test_killed_while_submitting_it_goes_on_and_doubles_nothing(
    app: SlurmApp, moment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reached, go = tmp_path / "reached", tmp_path / "go"
    waits = f"touch {reached}; until [ -e {go} ]; do sleep 0.05; done"
    sends = '"$REAL" "$@"'
    body = f"{waits}; {sends}" if moment == "before it is sent" else f"{sends}; {waits}"
    with monkeypatch.context() as patch:
        patch.setenv("PATH", wrapped(tmp_path / "bin", "sbatch", body))
        process = app.start("x=range(3)", gate=False)
    wait_until(reached.exists, what="sbatch")
    process.kill()
    process.communicate()
    resumed = app.resume()
    go.touch()  # what it had to send arrives late
    assert resumed.returncode == 0, resumed.stderr
    assert app.states() == {"completed": 3}
    wait_until(lambda: not {"PENDING", "RUNNING"} & set(words().values()), what="the end of all jobs")
    assert counted(app) == {0: 1, 1: 1, 2: 1}


def test_killed_while_it_watches_a_resume_attaches(app: SlurmApp) -> None:
    process = app.start("x=range(3)", "hydra.launcher.array_parallelism=2")
    app.wait_for_begun(2)
    process.kill()
    process.communicate()
    resumed = subprocess.Popen(
        [sys.executable, "-m", "hsm_core.cli.hsm", "resume", str(app.sweep)], cwd=app.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: (app.sweep / ".hsm" / "leases" / "2.json").exists(), what="a second conductor")
    app.open_gate()
    assert finish(resumed)[0] == 0
    assert app.states() == {"completed": 3}
    assert counted(app) == {0: 1, 1: 1, 2: 1}
    assert len(app.handed()) == 1


# Ctrl-C


def test_interrupted_off_a_terminal_it_cancels_all(app: SlurmApp) -> None:
    process = app.start("x=range(4)", "hydra.launcher.array_parallelism=2")
    app.wait_for_begun(2)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130, err
    assert app.states() == {"cancelled": 4}


@pytest.mark.slow
def test_interrupted_it_may_leave_the_jobs_alone(app: SlurmApp) -> None:
    process = app.start("x=range(2)", "hydra.launcher.on_interrupt=detach")
    app.wait_for_begun(2)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "2 tasks run without this process" in err
    app.open_gate()
    assert app.hsm("wait", str(app.sweep)).returncode == 0
    assert app.states() == {"completed": 2}


# other launchers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [("hsm_slurm", "hsm_local"), ("hsm_local", "hsm_slurm")],
)
def test_begun_in_one_place_it_is_completed_in_another(app: SlurmApp, first: str, second: str) -> None:
    on_node = app.launcher[1:]
    app.launcher = (f"hydra/launcher={first}", *(on_node if first == "hsm_slurm" else ()))
    process = app.start("x=range(3)", "hydra.launcher.slots=1", "hydra.launcher.array_parallelism=1")
    app.wait_for_begun(1)
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130
    app.open_gate()
    done = app.resume("--launcher", second)
    assert done.returncode == 0, done.stderr
    assert app.states() == {"completed": 3}
    ids = app.native_ids()
    assert all(bool(one) == (second == "hsm_slurm") for one in ids)


def test_waiting_for_a_detached_sweep_ends_when_its_jobs_are_gone(app: SlurmApp) -> None:
    assert finish(app.start("x=range(2)", "hydra.launcher.detach=true"))[0] == 0
    LocalHost().run(["scancel", *app.handed()], 30)
    waited = app.hsm("wait", str(app.sweep), "--timeout", "60")
    assert waited.returncode == 3, waited.stderr


# shapes of submissions


def test_packed_tasks_share_a_job_and_its_import(app: SlurmApp) -> None:
    done = app.run("x=range(5)", "hydra.launcher.tasks_per_job=3", "hydra.launcher.slots=2")
    assert done.returncode == 0, done.stderr
    whole = app.handed()[0]
    assert app.native_ids() == [f"{whole}_0"] * 3 + [f"{whole}_1"] * 2
    assert len([worker for worker in app.state().workers() if worker.ready]) == 2


@pytest.mark.slow
def test_more_tasks_than_an_array_holds_run_without_a_barrier(app: SlurmApp) -> None:
    process = app.start("x=range(150)", "hydra/sweeper=hsm", "hydra.launcher.cpus_per_task=4")
    whole, more = app.wait_for_handed(2, timeout=120)
    assert {one.partition("_")[0] for one in words()} >= {whole, more}
    assert app.states().get("completed", 0) == 0
    app.open_gate()
    code, _, err = finish(process, 500)
    assert code == 0, err
    assert app.states() == {"completed": 150}
    assert app.native_ids() == [f"{whole}_{n}" for n in range(101)] + [f"{more}_{n}" for n in range(49)]
    assert set(counted(app).values()) == {1}


def test_dry_run_prints_the_script_and_submits_nothing(app: SlurmApp) -> None:
    before = words()
    fields = ["walltime=2:00:00", "mem_gb=3", "partition=main", 'resources="--gres=gpu:1"', "setup=[module load x]"]
    dry = ("hydra/sweeper=hsm", "hydra.launcher.dry_run=true")
    done = app.run("x=range(250)", *dry, *(f"hydra.launcher.{one}" for one in fields))
    assert done.returncode == 0, done.stderr
    for line in ("--time=120", "--mem=3GB", "--partition=main", "--gres=gpu:1", "module load x", "3 arrays"):
        assert line in done.stdout
    assert words().keys() <= before.keys()  # Slurm forgets jobs that have ended
    assert not (app.sweep / ".hsm").exists()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("array_parallelism=0", "hydra.launcher.array_parallelism=0 must be at least 1"),
        pytest.param("mem_gb=0.0001", "hydra.launcher.mem_gb=0.0001 must be a number of GiB", marks=pytest.mark.slow),
        pytest.param("nodes=0", "hydra.launcher.nodes=0 must be at least 1", marks=pytest.mark.slow),
        pytest.param("max_num_timeout=${x}", "is the same for all tasks", marks=pytest.mark.slow),
        pytest.param("setup=['export MY_X=${x}']", "is the same for all tasks", marks=pytest.mark.slow),
        pytest.param("mem_gb=inf", "hydra.launcher.mem_gb=inf must be a number of GiB", marks=pytest.mark.slow),
        pytest.param("resources='--chdir=/tmp'", "--chdir can't be set: hsm sets it itself", marks=pytest.mark.slow),
    ],
)
def test_a_bad_field_is_told_in_a_dry_run_too(app: SlurmApp, field: str, told: str) -> None:
    done = app.run("x=1,2", "hydra.launcher.dry_run=true", f"hydra.launcher.{field}")
    assert (done.returncode, told in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


def test_gpus_of_a_task_are_a_jobs_times_its_slots(app: SlurmApp) -> None:
    ask_for = [f"hydra.launcher.{field}" for field in ("gpus_per_task=1", "slots=2", "tasks_per_job=2")]
    done = app.run("x=1,2", *ask_for)
    assert (done.returncode, app.states()) == (0, {"completed": 2}), done.stderr
    assert "gres:gpu:2" in ask("scontrol", "show", "job", app.native_ids()[0])


def test_what_is_in_texts_and_lists_follows_the_task(app: SlurmApp) -> None:
    resources = "hydra.launcher.resources='--comment=of-${x} --time=${x}'"
    done = app.run("x=1,2", resources, "hydra.launcher.directives=['--nice=${x}']", "hydra.launcher.queue=main")
    assert (done.returncode, app.states()) == (0, {"completed": 2}), done.stderr
    for number, native_id in enumerate(app.native_ids(), 1):
        told = ask("scontrol", "show", "job", native_id)
        assert all(word in told for word in (f"Comment=of-{number}", f"Nice={number}", f"TimeLimit=00:0{number}:00"))


def test_resources_follow_the_task(app: SlurmApp) -> None:
    source = app.folder / "app.py"
    source.write_text(source.read_text().replace("    x: int = 0\n", "    x: int = 0\n    mem: int = 1\n"))
    done = app.run("x=range(2)", "mem=1,2", "hydra.launcher.mem_gb=${mem}")
    assert done.returncode == 0, done.stderr
    assert len(app.handed()) == 2
    rows = dict(
        line.split() for line in ask("squeue", "-h", "-r", "-t", "all", "-o", "%i %m").splitlines()
    )
    assert [rows[one] for one in app.native_ids()] == ["1G", "2G", "1G", "2G"]


# users


NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def python_of_all() -> tuple[str, str]:
    """An interpreter that any user can run, and where it finds our packages; empty if there is none."""
    path = os.pathsep.join([str(ROOT), *(one for one in sys.path if one.endswith("site-packages"))])
    for python in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        trial = [*AS_NOBODY, "sh", "-c", f"PYTHONPATH={shlex.quote(path)} {shlex.quote(python)} -c 'import hydra'"]
        if subprocess.run(trial, capture_output=True, check=False, cwd="/").returncode == 0:
            return python, path
    return "", ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_whose_temporary_directory_no_node_sees(slurm: Cluster, weird_tmp_path: Path) -> None:
    python, path = python_of_all()
    if not python:
        pytest.skip("no python here that other users can run")
    folder, private = weird_tmp_path / "his $HOME", weird_tmp_path / "not shared"
    folder.mkdir()
    private.mkdir()
    app = SlurmApp(folder, slurm)
    app.launcher = (*app.launcher[:1], f"hydra.launcher.python={hydra_text(python)}")
    for one in (folder, private, *folder.iterdir()):
        os.chown(one, NOBODY, NOBODY)
    home = {"TMPDIR": str(private), "XDG_STATE_HOME": str(folder / "state"), "HOME": str(folder)}
    setup = "hydra.launcher.setup=['export TMPDIR=/nowhere/at/all']"
    command = [python, *app.command("x=1,2", setup)[1:]]
    done = subprocess.run(
        [*AS_NOBODY, "sh", "-c", shlex.join(command)], cwd=folder, capture_output=True, text=True, timeout=90,
        env={**os.environ, **home, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert app.states() == {"completed": 2}
    owners = ask("squeue", "-h", "-r", "-t", "all", "-o", "%i %U").splitlines()
    assert {f"{one} {NOBODY}" for one in app.native_ids()} <= set(owners)


def test_later_batches_have_resources_of_their_own(app: SlurmApp) -> None:
    done = app.run("x=1,2,3", "hydra.sweeper.max_batch_size=2", "hydra.launcher.comment=n${x}-${hydra.job.num}")
    assert done.returncode == 0
    assert app.states() == {"completed": 3}
    told = ask("squeue", "-h", "-t", "all", "-o", "%k").split()
    assert {"n1-0", "n2-1", "n3-2"} <= {*told}


def test_a_job_that_never_gets_to_its_worker_shows_its_log(app: SlurmApp) -> None:
    setup = "hydra.launcher.setup=['echo no such module >&2','exit 3']"
    assert app.run("x=1,2", "hydra.launcher.detach=true", setup).returncode == 0
    errors = wait_until(lambda: found if "launch" in (found := app.hsm("errors", str(app.sweep)).stdout) else "")
    assert "2 × launch: a set-up line ended the job" in errors
    log = app.hsm("logs", str(app.sweep), "1")
    assert "no such module" in log.stdout
    assert log.stderr.strip() in errors.replace("_0.log", "_1.log")
