"""A sweep on a PBS as its user meets it: results, failures, detaching, looking, cancelling, going on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from hsm_core.overrides import hydra_text
from tests.integration.pbs_sweeping import PbsApp, pbs_app
from tests.integration.queue_sweeping import finish
from tests.services.pbs.pbs import Pbs
from tests.waiting import wait_until

pytestmark = pytest.mark.pbs


@pytest.fixture(params=["pbs", pytest.param("torque", marks=pytest.mark.slow)])
def app(request: pytest.FixtureRequest, weird_tmp_path: Path) -> Iterator[PbsApp]:
    """In both flavours."""
    with pbs_app(weird_tmp_path, request.getfixturevalue(request.param)) as app:
        yield app


@pytest.fixture
def pro(pbs: Pbs, weird_tmp_path: Path) -> Iterator[PbsApp]:
    with pbs_app(weird_tmp_path, pbs) as app:
        yield app


@pytest.fixture
def on_torque(torque: Pbs, weird_tmp_path: Path) -> Iterator[PbsApp]:
    with pbs_app(weird_tmp_path, torque) as app:
        yield app


# results


@pytest.mark.usefixtures("unmeasured")
def test_a_failing_task_costs_itself_only(app: PbsApp) -> None:
    done = app.run("x=1,2,3", "bad=[2]")
    assert done.returncode == 3
    assert app.states() == {"completed": 2, "failed": 1}, done.stderr
    assert "✗ 1 × exception: ValueError: bad x: 2" in done.stderr
    assert "Traceback" not in done.stderr
    whole = app.handed()[0]
    assert "[]" in whole
    assert app.native_ids() == [app.element(whole, index) for index in range(3)]
    assert "bad x: 2" in (app.sweep / "1" / ".hsm/stderr.log").read_text()
    for number, native_id in enumerate(app.native_ids()):
        told = yaml.safe_load((app.sweep / str(number) / ".hydra" / "hydra.yaml").read_text())
        assert (told["hydra"]["job"]["id"], told["hydra"]["job"]["num"]) == (native_id, number)
    table = app.hsm("results", str(app.sweep)).stdout
    assert "0.5" in table
    assert "1.5" in table


def test_one_task_is_a_plain_job_and_its_words_can_be_read_while_it_runs(app: PbsApp) -> None:
    source = app.folder / "app.py"
    says = '    print("here", flush=True)\n    note("begin", cfg)\n'
    source.write_text(source.read_text().replace('    note("begin", cfg)\n', says))
    process = app.start("x=7")
    app.wait_for_begun(1)
    assert (app.sweep / "0" / ".hsm/stdout.log").read_text() == "here\n"
    app.open_gate()
    assert finish(process)[0] == 0
    assert app.states() == {"completed": 1}
    assert app.native_ids() == app.handed()
    assert "[" not in app.handed()[0]


def test_on_torque_failures_and_results_are_told_as_elsewhere(on_torque: PbsApp) -> None:
    done = on_torque.run("x=1,2", "bad=[2]")
    assert done.returncode == 3
    assert on_torque.states() == {"completed": 1, "failed": 1}, done.stderr
    whole = on_torque.handed()[0]
    assert on_torque.native_ids() == [on_torque.element(whole, index) for index in range(2)]
    logs = on_torque.sweep / ".hsm" / "logs"
    assert len(list(logs.glob("*.0.log"))) == 1, "Torque delivers none into such a directory; the script writes it"


def test_torques_own_words_outlive_what_it_remembers(on_torque: PbsApp) -> None:
    on_torque.server.turn(keep_completed_s=0.0)
    done = on_torque.run(
        "x=1,2", "hydra.launcher.detach=true", 'hydra.launcher.directives=["-l walltime=2"]', gate=True
    )
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not on_torque.queued(), what="the jobs' end")
    assert [log.name[-2:] for log in sorted((on_torque.sweep / ".hsm" / "logs").glob("*.log-*"))] == ["-0", "-1"]
    errors = on_torque.hsm("errors", str(on_torque.sweep)).stdout
    told = re.findall(r"(\d) × walltime: =>> PBS: job killed: walltime", errors)  # perhaps one had not started
    assert sum(map(int, told)) == 2


# without the launcher


def test_detached_it_is_seen_cancelled_and_completed_from_elsewhere(app: PbsApp) -> None:
    done = app.run("x=range(4)", "hydra.launcher.detach=true", "hydra.launcher.array_parallelism=2", gate=True)
    assert done.returncode == 0, done.stderr
    assert "completed" not in done.stdout
    app.wait_for_begun(2)
    assert "2 running" in app.hsm("status", str(app.sweep)).stdout
    cancelled = app.hsm("cancel", str(app.sweep), "--task", "0,3", "--yes")
    assert cancelled.returncode == 0, cancelled.stderr
    assert [app.state().state_of(number) for number in (0, 3)] == ["cancelled", "cancelled"]
    app.open_gate()
    assert app.hsm("wait", str(app.sweep)).returncode == 3
    assert app.states() == {"completed": 2, "cancelled": 2}
    resumed = app.resume()
    assert resumed.returncode == 0, resumed.stderr
    assert app.states() == {"completed": 4}
    assert app.counted() == {0: 2, 1: 1, 2: 1, 3: 1}


@pytest.mark.slow
def test_cancelling_all_leaves_nothing_in_the_queue(app: PbsApp) -> None:
    app.run("x=range(20)", "hydra.launcher.detach=true", "hydra.launcher.array_parallelism=2", gate=True)
    app.wait_for_begun(2)
    done = app.hsm("cancel", str(app.sweep), "--yes")
    assert done.returncode == 0, done.stderr
    assert app.states() == {"cancelled": 20}
    wait_until(lambda: not app.queued(), what="an empty queue")


@pytest.mark.slow
def test_killed_while_it_watches_a_resume_attaches(pro: PbsApp) -> None:
    process = pro.start("x=range(3)", "hydra.launcher.array_parallelism=2")
    pro.wait_for_begun(2)
    process.kill()
    process.communicate()
    pro.open_gate()
    done = pro.resume()
    assert done.returncode == 0, done.stderr
    assert pro.states() == {"completed": 3}
    assert pro.counted() == {0: 1, 1: 1, 2: 1}
    assert len(pro.handed()) == 1


# shapes of submissions


@pytest.mark.slow
def test_a_sparse_rest_is_one_dense_array(app: PbsApp) -> None:
    assert app.run("x=range(6)", "bad=[1,3,4]").returncode == 3
    source = app.folder / "app.py"
    source.write_text(source.read_text().replace("if cfg.x in cfg.bad", "if cfg.x == 3"))
    done = app.resume("--retry-failed", "--allow-changed")
    assert done.returncode != 0, done.stderr
    assert app.states() == {"completed": 5, "failed": 1}
    whole = app.handed()[1]
    assert [app.native_ids()[number] for number in (1, 3, 4)] == [app.element(whole, index) for index in range(3)]


def test_packed_tasks_share_a_job(pro: PbsApp) -> None:
    done = pro.run("x=range(5)", "hydra.launcher.tasks_per_job=3", "hydra.launcher.slots=2")
    assert done.returncode == 0, done.stderr
    whole = pro.handed()[0]
    assert pro.native_ids() == [pro.element(whole, 0)] * 3 + [pro.element(whole, 1)] * 2
    assert len([worker for worker in pro.state().workers() if worker.ready]) == 2


def test_resources_follow_the_task_and_chunks_the_servers_largest_array(pro: PbsApp) -> None:
    pro.server.turn(max_array_size=2)
    source = pro.folder / "app.py"
    source.write_text(source.read_text().replace("    x: int = 0\n", "    x: int = 0\n    mem: int = 1\n"))
    done = pro.run("mem=1,2", "x=range(3)", "hydra.launcher.mem_gb=${mem}")
    assert done.returncode == 0, done.stderr
    assert len(pro.handed()) == 4, "three tasks of each, two at most in an array"
    asked = [script.read_text() for script in sorted(pro.sweep.glob(".hsm/launch-0/submit-*/script.sh"))]
    assert ["mem=2gb" in text for text in asked] == [False, False, True, True]


@pytest.mark.slow
def test_limits_are_topped_up_while_it_watches_and_packed_for_when_detached(pro: PbsApp) -> None:
    pro.server.turn(max_queued_user=2)
    done = pro.run("x=range(5)")
    assert done.returncode == 0, done.stderr
    assert pro.counted() == dict.fromkeys(range(5), 1)
    assert len(pro.handed()) >= 3
    pro.sweep = pro.folder / "second"
    left = pro.run("x=range(5,10)", "hydra.launcher.detach=true")
    assert left.returncode == 0, left.stderr
    assert "3 tasks a job, as there is room for 2 jobs" in left.stderr + left.stdout
    assert pro.hsm("wait", str(pro.sweep)).returncode == 0
    assert pro.states() == {"completed": 5}


@pytest.mark.usefixtures("unmeasured")
def test_one_job_above_a_limit_is_refused_and_not_waited_for(pro: PbsApp) -> None:
    pro.server.turn(max_queued_ncpus=2)
    done = pro.run("x=1,2", "hydra.launcher.cpus_per_task=4")
    assert done.returncode == 1
    assert "would exceed per-user limit on resource ncpus" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("throttled", [True, False])
def test_no_more_run_at_once_than_asked_for(pro: PbsApp, throttled: bool) -> None:
    if not throttled:
        pro.server.turn(throttled_arrays=False)
    done = pro.run("x=range(4)", "hydra.launcher.array_parallelism=1")
    assert done.returncode == 0, done.stderr
    spans = sorted((one.begin, one.end) for (one,) in pro.intervals().values())
    assert all(first[1] and first[1] <= second[0] for first, second in pairwise(spans))


# the script


def test_dry_run_prints_the_script_and_the_line_and_submits_nothing(app: PbsApp) -> None:
    fields = ["walltime=2:00:00", "mem_gb=3", "cpus_per_task=2", "queue=workq", "setup=[module load x]", "account=a1"]
    dry = ("hydra/sweeper=hsm", "hydra.launcher.dry_run=true")
    done = app.run("x=range(25)", *dry, *(f"hydra.launcher.{one}" for one in fields))
    assert done.returncode == 0, done.stderr
    pro = app.server.knobs.flavour == "pbspro"
    chunk = "#PBS -l select=1:ncpus=2:mem=3gb" if pro else "#PBS -l nodes=1:ppn=2,mem=3gb"
    for line in (chunk, "#PBS -l walltime=2:00:00", "#PBS -q workq", "#PBS -A a1", "module load x"):
        assert f"{line}\n" in done.stdout
    assert f"$ qsub {'-f ' if pro else ''}-N TOKEN {'-J' if pro else '-t'} 0-24 script.sh" in done.stdout
    assert not (app.sweep / ".hsm").exists()
    assert app.queued() == []


def test_pbs_own_fields_and_a_users_template_reach_the_script(pro: PbsApp) -> None:
    template = pro.folder / "mine.sh.j2"
    template.write_text('{% extends "pbs.sh.j2" %}{% block command %}export MINE=1\n{{ super() }}{% endblock %}')
    own = ['select="1:ncpus=2:mem=1gb"', "place=pack", "project=ab12", "umask=027", "storage=gdata/ab12+s/ab12"]
    fields = [f"hydra.launcher.{one}" for one in [*own, f"template={hydra_text(str(template))}", "dry_run=true"]]
    done = pro.run("x=1", *fields)
    assert done.returncode == 0, done.stderr
    for line in (
        "#PBS -l select=1:ncpus=2:mem=1gb", "#PBS -l place=pack", "#PBS -P ab12", "#PBS -W umask=027",
        "#PBS -l storage=gdata/ab12+s/ab12", "export MINE=1",
    ):  # fmt: skip
        assert f"{line}\n" in done.stdout, line


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_what_was_refused_is_changed_by_the_line_that_is_told(app: PbsApp) -> None:
    done = app.run("x=1,2", "hydra.launcher.queue=nowhere")
    line = re.search(r"next: (hsm resume \S+ --set hydra\.launcher\.queue=\w+)", done.stderr)
    assert line, done.stderr
    for view in (["status"], ["errors"]):
        told = app.hsm(*view, str(app.sweep)).stdout
        assert "2 × launch: PBS refused the job: " in told
        assert line[1] in told
    again = app.hsm(*shlex.split(line[1])[1:])
    assert again.returncode == 0, again.stderr
    assert app.states() == {"completed": 2}


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_time_above_the_queues_is_changed_to_it(pro: PbsApp) -> None:
    pro.server.turn(queue_max_walltime_s=3600)
    done = pro.run("x=1,2", "hydra.launcher.queue=limits", "hydra.launcher.walltime=540min")
    assert re.search(r"--set hydra\.launcher\.walltime=60min", done.stderr), done.stderr


WRONG = [
    (["nodes=2"], "hydra.launcher.ranks_by=mpiexec"),
    (["mode=rows"], "must be one of auto, array, individual"),
    (['select="1:ncpus=2"', "cpus_per_task=2"], "exclude each other"),
    (["flavour=slurm"], "flavour"),
    (["queue=nowhere"], "Unknown queue"),
    (["template=gone.j2"], "gone.j2"),
]


SLOWLY = [pytest.param(*one, marks=pytest.mark.slow) for one in WRONG[1:]]


@pytest.mark.parametrize(("fields", "told"), [WRONG[0], *SLOWLY])
@pytest.mark.usefixtures("unmeasured")
def test_what_is_wrong_is_told_with_a_way_on(pro: PbsApp, fields: list[str], told: str) -> None:
    done = pro.run("x=1,2", *(f"hydra.launcher.{one}" for one in fields))
    assert done.returncode == 1
    assert told in done.stderr
    assert "  next: " in done.stderr or "  fix: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_what_the_environment_asks_for_gives_way(pro: PbsApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSM_HPC_RESOURCES", "select=1:ncpus=4:mem=2gb")
    done = pro.run("x=1", "hydra.launcher.cpus_per_task=1", "hydra.launcher.dry_run=true")
    assert done.returncode == 0, done.stderr
    assert "#PBS -l select=1:ncpus=1:mem=2gb\n" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a:b,c=d", "comma,and space"])
@pytest.mark.parametrize("flavour", ["pbs", "torque"])
def test_any_directory_will_do(request: pytest.FixtureRequest, tmp_path: Path, name: str, flavour: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with pbs_app(folder, request.getfixturevalue(flavour)) as app:
        done = app.run("x=1,2")
        assert done.returncode == 0, done.stderr
        assert app.states() == {"completed": 2}
