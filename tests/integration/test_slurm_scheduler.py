"""Slurm's dialect on a real Slurm: the contract, and the traps that are Slurm's own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.interface import Limit, LimitReached, NoAnswer, Refused
from hsm_core.schedulers.slurm import dialect as dialect
from hsm_core.schedulers.slurm.dialect import Slurm
from hsm_core.schedulers.slurm.script import script_text
from hsm_core.schedulers.slurm.settings import SlurmResources
from hsm_core.testing.scheduler import Place, SchedulerContract
from tests.conftest import open_to_all
from tests.integration.slurm_sweeping import wrapped
from tests.services.cluster import Cluster, running_cluster
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm
ROOT = Path(__file__).resolve().parents[2]
LIMITS = "AccountingStorageEnforce=associations,limits,qos"


@contextmanager
def without_controller(cluster: Cluster) -> Iterator[None]:
    cluster("stop-ctld")
    try:
        yield
    finally:
        cluster("start-ctld")


def bound(cluster: Cluster, directory: Path) -> Place:
    return Place(
        scheduler=Slurm(LocalHost()),
        directory=directory,
        refused="#SBATCH --partition=nowhere",
        index="${SLURM_ARRAY_TASK_ID:-0}",
        outage=lambda: without_controller(cluster),
    )


@pytest.fixture
def place(slurm: Cluster, weird_tmp_path: Path) -> Iterator[Place]:
    place = bound(slurm, weird_tmp_path)
    yield place
    place.scheduler.cancel(place.submitted, at_once=True)


class TestSlurm(SchedulerContract):
    """The contract."""


def order(*argv: object) -> str:
    done = LocalHost().run([str(word) for word in argv], 30)
    assert done.code == 0, done.evidence
    return done.out.strip()


# ---- what is told of jobs


def test_a_pending_element_that_was_cancelled_vanishes(place: Place) -> None:
    whole = place.submit(place.script("sleep 60", size=3, throttle=1))
    element = place.scheduler.element(whole, 2)
    place.wait_for(element, "waiting", whole=whole)
    place.scheduler.cancel([element])
    place.wait_for(element, "gone", whole=whole)
    living = place.scheduler.element(whole, 1)
    assert place.phase(living, whole) == "waiting"
    assert place.scheduler.unknown([element, living, whole, "999999", "999999_0"]) == {element, "999999", "999999_0"}
    assert place.scheduler.keeps_ended_s() > 0


@pytest.mark.parametrize("body", ["exit 0", '"$REAL" "$@" | head -c 150', '"$REAL" "$@" | tail -n +2'])
def test_an_answer_that_is_not_whole_is_none(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    script = place.script("sleep 60", size=3)
    whole = place.submit(script)
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "squeue", body))
    for question in (lambda: place.scheduler.poll([whole]), lambda: place.scheduler.queue()):
        with pytest.raises(NoAnswer, match="squeue's answer is incomplete"):
            question()
    if "head" not in body:
        with pytest.raises(NoAnswer):
            place.scheduler.find(script.token)
    monkeypatch.setenv("PATH", wrapped(tmp_path / "other", "scontrol", "exit 0"))
    assert place.scheduler.unknown([whole, place.scheduler.element(whole, 1)]) == set()


def test_the_users_settings_of_squeue_change_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "SQUEUE_FORMAT": "%u",
        "SQUEUE_FORMAT2": "username",
        "SQUEUE_STATES": "COMPLETED",
        "SQUEUE_PARTITION": "off",
        "SQUEUE_SORT": "u",
        "SLURM_TIME_FORMAT": "relative",
        "SLURM_BITSTR_LEN": "5",
        "SCANCEL_STATE": "PENDING",
        "SCANCEL_INTERACTIVE": "true",
    }
    whole = place.submit(place.script("sleep 60", size=12, throttle=1))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    place.wait_for(place.scheduler.element(whole, 0), "running", whole=whole)
    assert place.phase(place.scheduler.element(whole, 11), whole) == "waiting"
    place.scheduler.cancel([whole])
    place.wait_for(place.scheduler.element(whole, 0), "ended", whole=whole)


def test_a_waiting_job_says_why(place: Place) -> None:
    native_id = place.submit(place.script("true", head="#SBATCH --partition=off"))
    seen = wait_until(lambda: place.scheduler.poll([native_id])[native_id].why, what="a reason")
    assert seen == "PartitionDown"


def test_a_killed_job_is_lost_with_its_signal(place: Place) -> None:
    whole = place.submit(place.script("kill -9 $$", size=2))
    for index in (0, 1):
        element = place.scheduler.element(whole, index)
        place.wait_for(element, "ended", whole=whole)
        status = place.scheduler.poll([whole])[element]
        assert (status.word, status.state, status.reason) == ("FAILED", "lost", "unknown")
        assert "killed by SIGKILL" in status.evidence


def test_a_job_whose_log_cannot_be_opened_was_never_launched(place: Place) -> None:
    script = place.script("true", head="#SBATCH --error=/nowhere/at/all")
    native_id = place.submit(script)
    place.wait_for(native_id, "ended")
    status = place.scheduler.poll([native_id])[native_id]
    assert (status.state, status.reason) == ("lost", "launch")
    assert "could not open the job's log" in status.evidence


def test_a_job_that_ended_well_did_not_complete_its_task(place: Place) -> None:
    native_id = place.submit(place.script("true"))
    place.wait_for(native_id, "ended")
    status = place.scheduler.poll([native_id])[native_id]
    assert (status.word, status.state, status.reason) == ("COMPLETED", "lost", "unknown")


ALL_NODES = "#SBATCH --nodes=4 --exclusive"


def test_a_preempted_job_waits_again_or_is_lost(place: Place) -> None:
    stays = place.submit(place.script("sleep 60", head=f"{ALL_NODES} --no-requeue"))
    place.wait_for(stays, "running")
    place.submit(place.script("sleep 1", head=f"{ALL_NODES} --partition=high"))
    place.wait_for(stays, "ended")
    status = place.scheduler.poll([stays])[stays]
    assert (status.word, status.state, status.reason) == ("PREEMPTED", "lost", "preempted")
    again = place.submit(place.script("sleep 60", head=f"{ALL_NODES} --requeue"))
    place.wait_for(again, "running")
    place.submit(place.script("sleep 1", head=f"{ALL_NODES} --partition=high"))
    place.wait_for(again, "waiting")
    place.wait_for(again, "running")


@pytest.mark.slow
def test_a_job_is_lost_with_its_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_cluster() as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.conf)
        place = bound(cluster, tmp_path)
        native_id = place.submit(place.script("sleep 300", head="#SBATCH --no-requeue --nodelist=node2"))
        place.wait_for(native_id, "running")
        cluster("kill-node", 2)
        wait_until(lambda: place.phase(native_id) == "ended", timeout=90, every=0.5)
        status = place.scheduler.poll([native_id])[native_id]
        assert (status.word, status.state, status.reason) == ("NODE_FAIL", "lost", "node")
        assert "node2" in status.evidence


@pytest.mark.slow
def test_a_job_beyond_its_time_failed_for_it(place: Place) -> None:
    native_id = place.submit(place.script("sleep 300"))
    place.wait_for(native_id, "running")
    end = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 2))
    order("scontrol", "update", f"jobid={native_id}", f"EndTime={end}")
    wait_until(lambda: place.phase(native_id) == "ended", timeout=120, every=0.5)
    status = place.scheduler.poll([native_id])[native_id]
    assert (status.state, status.reason) == ("failed", "walltime")


def counted(name: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a command first on PATH that does what the real one does, and leaves a line for each call."""
    asked, script = directory / f"{name}-asked", directory / name
    script.write_text(
        f'#!/bin/sh\necho asked >> {shlex.quote(str(asked))}\nexec {order("which", name)} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return asked


def test_a_look_is_one_question_and_one_more_for_those_that_failed(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wholes = [place.submit(place.script(body, size=2)) for body in ("sleep 60", "exit 3", "exit 4")]
    for one in wholes[1:]:
        for index in (0, 1):
            place.wait_for(place.scheduler.element(one, index), "ended", whole=one)
    asked = counted("squeue", tmp_path, monkeypatch)
    fresh = Slurm(LocalHost())
    first = fresh.poll(wholes)
    assert "exit code 4" in first[fresh.element(wholes[2], 1)].evidence
    assert asked.read_text() == "asked\n" * 2
    assert fresh.poll(wholes) == first
    assert asked.read_text() == "asked\n" * 3


def test_an_array_that_has_ended_has_no_throttle(place: Place) -> None:
    whole = place.submit(place.script("true", size=2, throttle=1))
    for index in (0, 1):
        place.wait_for(place.scheduler.element(whole, index), "ended", whole=whole)
    assert place.scheduler.throttle(whole, 2) is False
    assert place.scheduler.throttle("99999", 2) is False


# ---- submission


@pytest.mark.parametrize("name", ["50%j off", "back\\slash", "both %u \\"])
def test_a_directory_that_looks_like_a_pattern(place: Place, name: str) -> None:
    (place.directory / name).mkdir()
    elsewhere = Place(
        place.scheduler, place.directory / name, place.refused, place.index, place.outage, place.submitted
    )
    script = elsewhere.script("echo printed; echo ran > ran")
    native_id = place.submit(script)
    place.wait_for(native_id, "ended")
    assert (script.cwd / "ran").exists()
    assert "\\" in name or (script.cwd / f"slurm-{native_id}.log").read_text() == "printed\n"


def test_the_command_line_goes_before_the_script(place: Place) -> None:
    lines = ("--job-name=other", "--output=other.log", "--open-mode=truncate", "--comment=mine")
    head = "\n".join(f"#SBATCH {line}" for line in lines)
    script = place.script("echo printed", head=head, size=2)
    whole = place.submit(script)
    for index in (0, 1):
        element = place.scheduler.element(whole, index)
        place.wait_for(element, "ended", whole=whole)
        assert (script.cwd / f"slurm-{element}.log").read_text() == "printed\n"
        assert place.scheduler.poll([whole])[element].name == script.token
    assert not (script.cwd / "other.log").exists()


def test_the_users_settings_of_sbatch_are_wishes_but_for_two(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "high")
    monkeypatch.setenv("SBATCH_WAIT", "1")
    monkeypatch.setenv("SBATCH_ARRAY_INX", "0-5")
    native_id = place.submit(place.script("sleep 30"))
    assert place.scheduler.poll([native_id])[native_id].queue == "high"


def test_what_the_script_says_goes_before_the_users_settings(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PARTITION": "off", "ACCOUNT": "nope", "TIMELIMIT": "soon", "MEM_PER_NODE": "1T"}.items():
        monkeypatch.setenv(f"SBATCH_{name}", value)
    head = "#SBATCH -p high\n#SBATCH --account=root\n#SBATCH --time=5\n#SBATCH --mem-per-cpu=50M"
    native_id = place.submit(place.script("sleep 30", head=head))
    assert place.scheduler.poll([native_id])[native_id].queue == "high"


def test_a_job_that_submits_gives_its_own_description_to_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLURM_JOB_ID", "SLURM_MEM_PER_CPU", "SLURM_OLD_FRIEND"):
        monkeypatch.setenv(name, "7")
    script = place.script("env > seen; mv seen told")
    native_id = place.submit(script)
    told = wait_until(lambda: (script.cwd / "told").exists() and (script.cwd / "told").read_text())
    assert f"SLURM_JOB_ID={native_id}\n" in str(told)
    assert "SLURM_OLD_FRIEND" not in str(told)
    assert "SLURM_CONF=" in str(told)


def test_an_array_beyond_the_highest_index_is_refused(place: Place) -> None:
    most = place.scheduler.allowed(None, None, None).array_index
    assert most == 101
    place.submit(place.script("true", head="#SBATCH --hold", size=most))
    with pytest.raises(Refused, match="Invalid job array specification") as refused:
        place.scheduler.submit(place.script("true", size=most + 1))
    assert "MaxArraySize" in refused.value.fix


def test_a_full_queue_means_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "SUBMIT_S", 2.0)
    with running_cluster(HSM_EXTRA="MaxJobCount=5") as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.conf)
        place = bound(cluster, tmp_path)
        assert place.scheduler.allowed(None, None, None).lowest == Limit(5, "MaxJobCount")
        with pytest.raises(LimitReached, match="queue is full"):
            place.submit(place.script("true", size=7))


SLOW = """#!/bin/bash
{sbatch} "$@" > {out} 2>&1
touch {done}
sleep 2 > /dev/null 2>&1
cat {out}
"""


def slow_sbatch(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An sbatch, first on PATH, that is 2 s late to say what the real one said; the file that tells when it said."""
    real = order("which", "sbatch")
    bin_directory, done = directory / "bin", directory / "accepted"
    bin_directory.mkdir()
    script = bin_directory / "sbatch"
    names = {"sbatch": real, "out": directory / "out", "done": done}
    script.write_text(SLOW.format_map({name: shlex.quote(str(value)) for name, value in names.items()}))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_directory}:{os.environ['PATH']}")
    return done


def test_a_slow_sbatch_is_waited_for(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_sbatch(tmp_path, monkeypatch)
    script = place.script("echo ran >> ran")
    native_id = place.submit(script)
    assert place.scheduler.find(script.token) == native_id
    place.wait_for(native_id, "ended")
    assert (script.cwd / "ran").read_text() == "ran\n"


def test_an_sbatch_that_ran_out_of_time_after_acceptance_is_found_by_its_token(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = slow_sbatch(tmp_path, monkeypatch)
    monkeypatch.setattr(dialect, "SUBMIT_S", 1.0)
    script = place.script("sleep 60")
    with pytest.raises(NoAnswer):
        place.scheduler.submit(script)
    wait_until(accepted.exists, what="Slurm to accept it")
    native_id = place.scheduler.find(script.token)
    assert native_id is not None
    place.submitted.append(native_id)
    assert place.phase(native_id) in ("waiting", "running")


def test_commands_that_are_not_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place.directory))
    with pytest.raises(Refused, match="can't run sbatch"):
        place.scheduler.submit(place.script("true"))
    with pytest.raises(NoAnswer, match="can't run squeue"):
        place.scheduler.poll([])


# ---- scripts


def test_what_is_asked_for_arrives(place: Place) -> None:
    comment = 'it\'s # "mine" $HOME'
    asked = SlurmResources(
        walltime_min=7,
        cpus_per_task=2,
        mem_gb=0.5,
        nodes=1,
        comment=comment,
        queue="main",
        raw="--gres gpu:1",
        directives=("--nice=3",),
    )
    script = place.script("true")
    script.path.write_text(script_text(asked, "exec sleep 60", setup=["export LC_ALL=C"], ranks=False))
    native_id = place.submit(script)
    shown = order("scontrol", "-o", "show", "job", native_id)
    for words in ("TimeLimit=00:07:00", "CPUs/Task=2", "MinMemoryNode=512M", "gres:gpu:1", "Nice=3"):
        assert words in shown
    assert f"Comment={comment} " in shown


def test_the_signal_before_the_end_reaches_the_scripts_own_process(place: Place) -> None:
    body = "import signal, pathlib, time; signal.signal(signal.SIGUSR2, lambda *_: pathlib.Path('told').touch());"
    body += "pathlib.Path('ready').touch(); [time.sleep(0.1) for _ in range(600)]"
    script = place.script("true")
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(body)}"
    script.path.write_text(script_text(SlurmResources(walltime_min=9), command, setup=[], ranks=False))
    native_id = place.submit(script)
    assert "#SBATCH --signal=B:USR2@120\n" in script.path.read_text()
    wait_until((script.cwd / "ready").exists, what="the process to be ready")
    order("scancel", "--batch", "--signal=USR2", native_id)
    wait_until((script.cwd / "told").exists, what="the signal")


def test_ranks_run_on_all_nodes_and_one_that_fails_ends_no_other(place: Place) -> None:
    asked = SlurmResources(nodes=2, tasks_per_node=2, cpus_per_task=2)
    command = (
        "bash -c 'test $SLURM_PROCID = 1 && exit 1; sleep 1; echo $SLURM_CPUS_PER_TASK > rank-$SLURM_PROCID'"
    )
    script = place.script("true")
    script.path.write_text(script_text(asked, command, setup=[], ranks=True))
    place.wait_for(place.submit(script), "ended")
    ranks = {path.name: path.read_text() for path in script.cwd.glob("rank-*")}
    assert ranks == dict.fromkeys(("rank-0", "rank-2", "rank-3"), "2\n")


# ---- accounting


@pytest.fixture(scope="module")
def accounted() -> Iterator[Cluster]:
    with running_cluster(accounting=True, HSM_EXTRA=LIMITS, HSM_MINJOBAGE=2) as cluster:
        yield cluster


@pytest.fixture
def limited(accounted: Cluster, weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A cluster with accounting, where the user may have 12 jobs, and 5 in the QOS ``small``."""
    monkeypatch.setenv("SLURM_CONF", accounted.conf)
    user = order("id", "-un")
    LocalHost().run(["sacctmgr", "-i", "add", "account", "lab", "GrpSubmitJobs=40"], 30)
    LocalHost().run(["sacctmgr", "-i", "add", "qos", "small", "MaxSubmitJobsPerUser=5"], 30)
    limits = ["account=lab", "MaxSubmitJobs=12", "qos=normal,small"]
    LocalHost().run(["sacctmgr", "-i", "add", "user", user, *limits], 30)
    LocalHost().run(["sacctmgr", "-i", "add", "account", "group", "parent=lab"], 30)
    LocalHost().run(["sacctmgr", "-i", "add", "user", user, "account=group"], 30)
    place = bound(accounted, weird_tmp_path)
    yield place
    place.scheduler.cancel(place.submitted, at_once=True)


def test_limits_of_account_and_qos_are_read(limited: Place) -> None:
    allowed = limited.scheduler.allowed(None, "lab", None)
    assert allowed.array_index == 101
    assert allowed.lowest == Limit(12, "account lab: MaxSubmitJobs", account="lab")
    assert "account lab: MaxSubmitJobs=12" in allowed.evidence
    small = limited.scheduler.allowed(None, "lab", "small")
    assert small.lowest == Limit(5, "QOS small: MaxSubmitJobsPU", qos="small")
    below = limited.scheduler.allowed(None, "group", None)
    assert below.lowest == Limit(40, "account lab: GrpSubmitJobs", account="group")
    assert limited.scheduler.allowed("high", "root", None).limits == (Limit(20000, "MaxJobCount"),)


def test_a_limit_counts_the_jobs_of_its_own_account_and_qos(limited: Place) -> None:
    limited.submit(limited.script("true", head="#SBATCH --hold\n#SBATCH --account=lab\n#SBATCH --qos=small", size=2))
    limited.submit(limited.script("true", head="#SBATCH --hold\n#SBATCH --account=root", size=3))
    queue = limited.scheduler.queue()
    limits = limited.scheduler.allowed(None, "lab", "small").limits
    found = {limit.source: sum(map(limit.counts, queue)) for limit in limits}
    assert found == {
        "MaxJobCount": 5, "account lab: MaxSubmitJobs": 2, "account lab: GrpSubmitJobs": 2,
        "QOS small: MaxSubmitJobsPU": 2,
    }  # fmt: skip


@pytest.mark.parametrize(("head", "size", "limit"), [("", 13, "Assoc"), ("#SBATCH --qos=small", 6, "QOS")])
def test_a_submit_limit_means_wait(limited: Place, head: str, size: int, limit: str) -> None:
    head = f"#SBATCH --account=lab\n{head}"
    with pytest.raises(LimitReached, match=limit):
        limited.scheduler.submit(limited.script("true", head=head, size=size))
    limited.submit(limited.script("true", head=head, size=size - 1))


def test_the_accounting_knows_what_the_queue_forgot(limited: Place) -> None:
    since = time.time()
    script = limited.script(f"exit {limited.index}", size=2)
    whole = limited.submit(script)
    elements = [limited.scheduler.element(whole, index) for index in (0, 1)]
    for one in elements:
        limited.wait_for(one, "gone", whole=whole)
    told = wait_until(
        lambda: (found := limited.scheduler.poll_accounting([whole], since)).keys() >= set(elements) and found,
        what="the accounting to tell of them",
        every=0.3,
    )
    assert told
    assert [told[one].word for one in elements] == ["COMPLETED", "FAILED"]
    assert "exit code 1" in told[elements[1]].evidence
    assert told[elements[0]].name == script.token
    assert limited.scheduler.find(script.token) == whole


def test_without_its_database_the_accounting_gives_no_answer(limited: Place, accounted: Cluster) -> None:
    native_id = limited.submit(limited.script("sleep 60"))
    accounted("stop-dbd")
    try:
        with pytest.raises(NoAnswer):
            limited.scheduler.poll_accounting([native_id], time.time())
        with pytest.raises(NoAnswer):
            limited.scheduler.find("t-nobodys")
        assert limited.phase(native_id) in ("waiting", "running")
    finally:
        accounted("start-dbd")
    wait_until(lambda: limited.scheduler.find("t-nobodys") is None, what="the accounting", every=0.3)


def test_without_accounting_nothing_is_asked_of_it_twice(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted("sacct", tmp_path, monkeypatch)
    for _ in range(3):
        assert place.scheduler.poll_accounting(["1"], time.time()) == {}
    assert asked.read_text() == "asked\n"


# ---- as an ordinary user

AS_USER = """
import sys
from pathlib import Path
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.interface import Script
from hsm_core.schedulers.slurm.dialect import Slurm
cwd, slurm = Path(sys.argv[1]), Slurm(LocalHost())
native_id = slurm.submit(Script(cwd / "job.sh", cwd, "t-ordinary", 2, 1))
assert slurm.find("t-ordinary") == native_id
print(native_id, slurm.allowed(None, None, None).array_index, *slurm.poll([native_id]))
slurm.cancel([native_id])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_an_ordinary_user_sees_jobs_of_its_own(place: Place) -> None:
    mine = place.submit(place.script("sleep 60"))
    script = place.script("sleep 60")
    os.chown(script.cwd, 65534, 65534)
    open_to_all(script.cwd)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", AS_USER]
    env = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        [*argv, str(script.cwd)], env=env, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    theirs, index, *seen = done.stdout.split()
    assert index == "101"
    assert {f"{theirs}_0", f"{theirs}_1"} <= set(seen)
    assert mine not in {native.partition("_")[0] for native in seen}
