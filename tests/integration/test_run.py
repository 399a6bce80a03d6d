"""A sweep on this machine as its user meets it: start, interrupt, detach, look, go on."""

from __future__ import annotations

import itertools
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from hsm_core.store.files import read_json
from hsm_core.store.layout import TaskPaths
from tests.integration.queue_sweeping import finish
from tests.integration.sweeping import SweepingApp, kill
from tests.waiting import wait_until

SWEEPERS = pytest.mark.parametrize("sweeper", [pytest.param("basic", marks=pytest.mark.slow), "hsm"])


@pytest.fixture
def app(weird_tmp_path: Path) -> SweepingApp:
    return SweepingApp(weird_tmp_path)


@SWEEPERS
@pytest.mark.usefixtures("unmeasured")
def test_a_failing_sweep_tells_failures_first_and_exits_3(app: SweepingApp, sweeper: str) -> None:
    done = app.run(f"hydra/sweeper={sweeper}", "x=1,2,3,4", "bad=[2,3]")
    assert done.returncode == 3
    assert app.states() == {"completed": 2, "failed": 2}
    lines = done.stderr.splitlines()
    told = [line for line in lines if "bad x: N" in line or "✓ 2 completed" in line]
    assert told[0].startswith("✗ 2 × exception: ValueError: bad x: N")
    assert len(told) == 2
    assert any(str(app.sweep / "1" / ".hsm/stderr.log") in line for line in lines)
    alone = next(line.split("rerun: ")[1] for line in lines if "rerun: " in line)
    again = subprocess.run(alone, shell=True, cwd=app.folder, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "ValueError: bad x: 2" in again.stderr
    assert "Traceback" not in done.stderr
    assert "HYDRA_FULL_ERROR" not in done.stderr


@SWEEPERS
def test_interrupted_once_tasks_end_as_cancelled_and_resume_completes(app: SweepingApp, sweeper: str) -> None:
    process = app.start(f"hydra/sweeper={sweeper}", "x=range(5)")
    app.wait_for_begun(2)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert app.states() == {"cancelled": 5}
    assert f"hsm resume {app.state().record.id}" in err
    app.open_gate()
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 5}
    assert [found[-1].attempt for found in app.intervals().values()] == [2] * 5


def test_interrupted_twice_deaf_tasks_are_killed(app: SweepingApp) -> None:
    process = app.start("x=0,1", "deaf=true", "hydra.launcher.grace_s=600")
    app.wait_for_begun(2)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: "interrupted" in (journal_text(app)), what="the first Ctrl-C")
    process.send_signal(signal.SIGINT)
    code, _, _ = finish(process)
    assert code == 130
    assert app.states() == {"cancelled": 2}


def journal_text(app: SweepingApp) -> str:
    return "".join(path.read_text() for path in app.state().paths.events.glob("conductor-*.jsonl"))


@SWEEPERS
def test_detached_it_returns_at_once_and_names_the_sweep(app: SweepingApp, sweeper: str) -> None:
    silent = "hydra/hydra_logging=disabled"
    done = app.run(f"hydra/sweeper={sweeper}", "x=1,2,3", "hydra.launcher.detach=true", silent, gate=True)
    assert done.returncode == 0
    identifier = app.state().record.id
    assert f"hsm-status -w {identifier}" in done.stdout
    assert "completed" not in done.stdout
    app.wait_for_begun(2)
    app.open_gate()
    wait_until(lambda: app.states() == {"completed": 3})
    app.wait_for_seal()


def test_killed_launcher_the_worker_goes_on_and_resume_attaches(app: SweepingApp) -> None:
    process = app.start("x=range(4)")
    app.wait_for_begun(2)
    process.kill()
    process.communicate()
    resumed = subprocess.Popen(
        [*app.command()[:1], "-m", "hsm_core.cli.hsm", "resume", str(app.sweep)], cwd=app.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(lambda: len(list(app.state().paths.leases.glob("2.json"))) == 1, what="a second conductor")
    app.open_gate()
    assert finish(resumed)[0] == 0
    assert app.states() == {"completed": 4}
    assert all(len(found) == 1 for found in app.intervals().values())


def test_killed_worker_and_launcher_resume_runs_the_rest_and_nothing_twice(app: SweepingApp) -> None:
    app.open_gate()
    process = app.start("x=range(8)", "hydra.launcher.slots=1")
    app.wait_for_begun(2)
    app.close_gate()
    process.kill()
    kill(app.worker_pid())
    process.communicate()
    wait_until(lambda: not app.state().numbers_in("running", "queued"), what="the end of all that it held")
    before = app.states()
    assert before.get("completed", 0) + before.get("lost", 0) + before.get("pending", 0) == 8
    completed = app.state().numbers_in("completed")
    app.open_gate()
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 8}
    found = app.intervals()
    assert all(len(found[number]) == 1 for number in completed)
    for intervals in found.values():
        assert intervals[-1].end is not None
        for earlier, later in itertools.pairwise(intervals):
            assert earlier.attempt < later.attempt
            assert (earlier.end or earlier.begin) < later.begin


def test_a_killed_worker_is_replaced_while_the_launcher_watches(app: SweepingApp) -> None:
    process = app.start("x=range(5)")
    app.wait_for_begun(2)
    kill(app.worker_pid())
    wait_until(lambda: app.states().get("lost") == 2, what="the loss of what ran")
    app.open_gate()
    code, _, err = finish(process)
    assert code == 3
    assert app.states() == {"completed": 3, "lost": 2}
    assert "a worker died" in err
    assert "process" in app.state().evidence_of(0)
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 5}


def test_an_outcome_that_the_worker_could_not_tell_counts(app: SweepingApp) -> None:
    process = app.start("x=7")
    app.wait_for_begun(1)
    wait_until(lambda: app.state().counts()["running"] == 1)
    worker = app.worker_pid()
    kill(worker, signal.SIGSTOP)
    app.open_gate()
    outcome = app.sweep / "0" / ".hsm/outcome.json"
    wait_until(lambda: read_json(outcome)["state"] == "completed", what="the outcome")
    kill(worker)
    code, out, err = finish(process)
    assert code == 0, out + err
    assert app.states() == {"completed": 1}
    assert len(app.intervals()[7]) == 1


def test_of_two_resumes_one_refuses_and_names_the_other(app: SweepingApp) -> None:
    process = app.start("x=range(3)")
    app.wait_for_begun(2)
    refused = app.resume()
    assert refused.returncode == 1
    assert f"process {process.pid}" in refused.stderr
    app.open_gate()
    assert finish(process)[0] == 0


def test_fail_fast_ends_the_rest(app: SweepingApp) -> None:
    done = app.run("x=range(20)", "bad=[0]", "hydra.launcher.fail_fast=true", "hydra.launcher.slots=1")
    assert done.returncode == 3
    states = app.states()
    assert states["failed"] == 1
    assert states["cancelled"] > 0


def test_resume_leaves_failed_tasks_and_retry_runs_them(app: SweepingApp) -> None:
    assert app.run("x=1,2,3", "bad=[2]").returncode == 3
    left = app.resume()
    assert left.returncode == 3
    assert f"hsm retry {app.state().record.id}" in left.stderr
    source = app.folder / "app.py"
    source.write_text(source.read_text().replace("if cfg.x in cfg.bad:", "if False:"))
    assert app.hsm("retry", str(app.sweep)).returncode == 2  # the app has changed, nobody can be asked
    assert app.hsm("retry", str(app.sweep), "--allow-changed").returncode == 0
    assert app.states() == {"completed": 3}
    assert {x: len(found) for x, found in app.intervals().items()} == {1: 1, 2: 2, 3: 1}
    assert TaskPaths(app.sweep / "1").of_attempt(1).stderr.read_text().count("bad x: 2") == 1
    assert not (app.sweep / "1" / ".hsm/stderr.log").exists()  # nothing was printed, the second time


def test_a_dry_run_writes_nothing(app: SweepingApp) -> None:
    done = app.run("hydra/sweeper=hsm", "x=range(4)", "hydra.sweeper.dry_run=true")
    assert done.returncode == 0
    assert "4 tasks" in done.stdout
    assert not app.sweep.exists()
    assert app.run("x=range(4)", "hydra.launcher.dry_run=true").returncode == 0
    assert not (app.sweep / ".hsm").exists()


def test_batches_of_a_foreign_sweeper_share_one_sweep_and_one_import(app: SweepingApp) -> None:
    assert app.run("x=range(5)", "hydra.sweeper.max_batch_size=2").returncode == 0
    state = app.state()
    assert app.states() == {"completed": 5}
    assert sorted(path.stem for path in state.paths.tasks.glob("*.jsonl")) == ["0", "2", "4"]
    assert len([worker for worker in state.workers() if worker.ready]) == 1


@pytest.mark.usefixtures("unmeasured")
def test_an_unwritable_sweep_directory_is_told_without_a_traceback(app: SweepingApp) -> None:
    app.sweep.write_text("a file stands here")
    done = app.run("hydra/sweeper=hsm", "x=1,2")
    assert done.returncode == 1
    assert "can't write" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cancel_from_elsewhere_ends_all(app: SweepingApp) -> None:
    process = app.start("x=range(4)")
    app.wait_for_begun(2)
    cancelled = app.hsm("cancel", str(app.sweep), "--yes")
    assert cancelled.returncode == 0
    finish(process)
    assert app.states() == {"cancelled": 4}
    app.open_gate()
    assert app.resume().returncode == 0  # the old request means nothing to the new attempts
    assert app.states() == {"completed": 4}


def test_all_batches_run_although_one_fails(app: SweepingApp) -> None:
    done = app.run("hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=1", "x=1,2,3", "bad=[1]")
    assert done.returncode == 3
    assert app.states() == {"completed": 2, "failed": 1}
    assert "1 of 3 tasks did not complete" in done.stderr


def test_another_app_does_not_go_on_with_the_sweep(app: SweepingApp) -> None:
    assert app.run("x=1,2", "bad=[2]").returncode == 3
    (app.folder / "other.py").write_text((app.folder / "app.py").read_text())
    resume = [f"hydra.launcher.resume={hydra_text(str(app.sweep))}", "hydra.launcher.retry_failed=true"]
    command = [sys.executable, "other.py", "-m", "hydra/launcher=hsm_local", "witness=x", *resume]
    done = subprocess.run(command, cwd=app.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "app.py" in done.stderr
    assert "other.py" in done.stderr
    assert app.states() == {"completed": 1, "failed": 1}


def test_a_foreign_sweepers_dry_run_leaves_no_file(app: SweepingApp) -> None:
    before = sorted(app.folder.rglob("*"))
    words = ["-m", "hydra/launcher=hsm_local", "hydra.launcher.dry_run=true", "witness=w", "x=1,2,3"]
    command = [sys.executable, "app.py", *words]
    done = subprocess.run(command, cwd=app.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 x = 3 tasks" in done.stdout
    assert "hydra.mode=RUN" in done.stdout
    assert sorted(app.folder.rglob("*")) == before


def test_an_app_that_cant_be_sent_leaves_no_sweep(app: SweepingApp) -> None:
    source = app.folder / "app.py"
    text = source.read_text().replace("import hydra\n", "import hydra, threading\n", 1)
    locked = "def locked(lock):\n    def task(cfg):\n        with lock: main(cfg)\n    return task\n"
    made = 'hydra.main(config_path=None, config_name="config", version_base=None)(locked(threading.Lock()))()\n'
    source.write_text(text.removesuffix("main()\n") + locked + made)
    done = app.run("hydra/sweeper=hsm", "x=1,2")
    assert done.returncode == 1
    assert "can't be sent to a worker" in done.stderr
    assert not (app.sweep / ".hsm").exists()


@pytest.mark.parametrize(
    ("number", "fields", "code"),
    [
        (signal.SIGTERM, [], 143),
        (signal.SIGHUP, [], 129),
        (signal.SIGINT, ["hydra.launcher.on_interrupt=detach"], 130),
    ],
    ids=["TERM", "HUP", "Ctrl-C that detaches"],
)
def test_told_to_end_it_leaves_the_tasks_to_go_on(
    app: SweepingApp, number: int, fields: list[str], code: int
) -> None:
    process = app.start("x=range(3)", *fields)
    app.wait_for_begun(2)
    process.send_signal(number)
    found, _, err = finish(process)
    assert found == code
    assert "3 tasks run without this process" in err
    app.open_gate()
    wait_until(lambda: app.states() == {"completed": 3})


FIELDS = ["slots=0", "grace_s=-1", "nice=30", "gpus=[0,0]", "task_timeout_min=0", "nodes=2", "code=frozen"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_means_nothing_is_refused(app: SweepingApp, field: str) -> None:
    done = app.run("hydra/sweeper=hsm", "x=1,2", f"hydra.launcher.{field}")
    assert done.returncode == 1
    assert re.search(r"(next: .* |fix: )hydra\.launcher\.", done.stderr)
    assert not app.sweep.exists()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("sweeper", ["hsm", "basic"])
@pytest.mark.parametrize(
    ("field", "meant"), [("+hydra.launcher.wall_time", "walltime"), ("hydra.launcher.mem_gbb", "mem_gb")]
)
def test_a_misspelt_field_is_refused_though_hydra_takes_it(
    app: SweepingApp, sweeper: str, field: str, meant: str
) -> None:
    done = app.run(f"hydra/sweeper={sweeper}", "x=1,2", f"{field}=3")
    assert done.returncode == 1
    assert f"hydra.launcher has no field '{field.rpartition('.')[2]}'" in done.stderr
    assert re.search(rf"next: .* hydra\.launcher\.{meant}=3", done.stderr)
    assert "Traceback" not in done.stderr
    assert not app.sweep.exists()


@pytest.mark.parametrize("sweeper", ["hsm", "basic"])
def test_a_variable_of_the_whole_sweep_that_would_follow_a_task_is_refused(app: SweepingApp, sweeper: str) -> None:
    done = app.run(f"hydra/sweeper={sweeper}", "x=1,2", "+hydra.launcher.env.MY_X=${x}")
    assert done.returncode == 1
    assert "hydra.launcher.env={'MY_X': '${x}'} is the same for all tasks" in done.stderr
    assert "fix: in the task's function: os.environ" in done.stderr
    assert not (app.sweep / ".hsm" / "sweep.json").exists()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("sweeper", ["hsm", "basic"])
@pytest.mark.parametrize(
    ("field", "told", "fix"),
    [
        ("mem_gb=${xx}", "hydra.launcher.mem_gb can't be resolved: Interpolation key 'xx' not found", "${x}"),
        ("comment=${HOME}", "hydra.launcher.comment can't be resolved", "${oc.env:HOME}"),
        ("account=${nobody.there}", "'nobody.there' not found", "give the config a key nobody.there"),
        ("mem_gb=${witness}", "of type 'str' could not be converted to Float", "hydra.launcher.mem_gb=…"),
        ("setup=['export MY_H=${HOME}/x']", "hydra.launcher.setup can't be resolved", r"$NAME or \${NAME}"),
        ("setup=['export MY_H=${HOME:-/x}']", "hydra.launcher.setup can't be resolved", r"$NAME or \${NAME}"),
    ],
)
def test_a_reference_to_nothing_is_told_by_its_field(
    app: SweepingApp, sweeper: str, field: str, told: str, fix: str
) -> None:
    slurms = ("hydra/launcher=hsm_slurm", "hydra.launcher.dry_run=true")
    done = app.run(f"hydra/sweeper={sweeper}", "x=1,2", *slurms, f"hydra.launcher.{field}")
    assert done.returncode == 1
    assert told in done.stderr
    assert f"fix: {fix}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not app.sweep.exists()


@pytest.mark.slow
def test_a_foreign_sweeper_that_was_killed_is_not_called_completed(app: SweepingApp) -> None:
    process = app.start("x=range(4)", "hydra.sweeper.max_batch_size=2")
    app.wait_for_begun(2)
    process.kill()
    process.communicate()
    app.open_gate()
    wait_until(lambda: app.states() == {"completed": 2})
    app.wait_for_seal()
    assert "stopped" in app.hsm("status", str(app.sweep)).stdout.splitlines()[0]
    assert "unknown, so they do not run" in app.resume().stderr
    assert "completed" in app.hsm("status", str(app.sweep)).stdout.splitlines()[0]
    assert "unknown, so they do not run" in app.resume().stderr
