"""The PBS of the tests breaks as OpenPBS 23.06 was measured to break, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.services.pbs.asking import ended, lines, shown, submit
from tests.services.pbs.pbs import Pbs, running_pbs
from tests.services.pbs.processes import stat_fields
from tests.services.pbs.transcript import state
from tests.waiting import wait_until

pytestmark = pytest.mark.pbs


def test_a_killed_server_says_so_and_its_jobs_go_on(pbs: Pbs, folder: Path) -> None:
    pbs.turn(established_s=0.0)
    native_id = submit(pbs, 'while [ ! -e "$PBS_O_WORKDIR/go" ]; do sleep 0.05; done; exit 5')
    wait_until(lambda: shown(pbs, native_id)["substate"] == 42, what="the job to be established")
    pbs.kill_server()
    down = pbs.run("qstat", "-f", "-F", "json", native_id)
    assert down.returncode == 255
    assert down.stderr == "Connection refused\nqstat: cannot connect to server pbs (errno=15010)\n"
    assert "Jobs" not in json.loads(down.stdout)
    assert pbs.run("qsub", "job.sh").returncode == 162
    assert pbs.run("qdel", native_id).stderr.endswith("Couldn't connect to cluster: pbs\n")
    (folder / "go").touch()
    wait_until(lambda: not list(pbs.base.glob("nodes/*/pids/*")), what="the job to end meanwhile")
    pbs.start_server()
    job = ended(pbs, native_id)
    assert (job["Exit_status"], job["run_count"]) == (5, 1)
    assert int(submit(pbs, "true", "-h").split(".")[0]) % 1000 == 0  # numbers jump


def test_a_young_job_runs_twice_when_the_server_restarts(pbs: Pbs, folder: Path) -> None:
    pbs.turn(established_s=60.0)
    native_id = submit(
        pbs, 'echo ran >> "$PBS_O_WORKDIR/ran"; [ $(wc -l < "$PBS_O_WORKDIR/ran") = 2 ] || sleep 60'
    )
    wait_until(lambda: lines(folder / "ran"), what="the job to run")
    pbs.restart_server()
    assert ended(pbs, native_id)["run_count"] == 2
    assert lines(folder / "ran") == ["ran", "ran"]


def test_jobs_of_a_dead_mom_live_on_and_run_twice(pbs: Pbs, folder: Path) -> None:
    pbs.turn(node_fail_requeue_s=0.5)
    text = 'echo $$ >> "$PBS_O_WORKDIR/ran"; while [ ! -e "$PBS_O_WORKDIR/go" ]; do sleep 0.1; done'
    native_id = submit(pbs, text)
    wait_until(lambda: lines(folder / "ran"), what="the job to run")
    pbs.kill_mom(shown(pbs, native_id)["exec_host"].split("/")[0])
    assert "state = down" in pbs.run("pbsnodes", "-a").stdout
    wait_until(lambda: len(lines(folder / "ran")) == 2, what="the second run")
    first, second = map(int, lines(folder / "ran"))
    os.kill(first, 0)
    os.kill(second, 0)
    assert shown(pbs, native_id)["run_count"] == 2
    (folder / "go").touch()
    assert ended(pbs, native_id)["Exit_status"] == 0


def test_a_mom_that_comes_back_kills_what_it_ran(pbs: Pbs, folder: Path) -> None:
    pbs.turn(node_fail_requeue_s=60.0, nodes=1)
    text = 'echo $$ >> "$PBS_O_WORKDIR/ran"; sleep 60'
    again, never = submit(pbs, text, "-r", "y"), submit(pbs, "sleep 60", "-r", "n")
    wait_until(lambda: lines(folder / "ran") and state(pbs, never) == "R", what="both to run")
    for node in ("node1", "node2"):
        pbs.kill_mom(node)
        pbs.start_mom(node)
    wait_until(lambda: len(lines(folder / "ran")) == 2, what="the second run")
    assert ended(pbs, never)["Exit_status"] == -4
    assert shown(pbs, again)["run_count"] == 2
    assert stat_fields(int(lines(folder / "ran")[0]))[:1] in ([], ["Z"])


def test_a_job_that_can_not_start_is_held_for_ever(pbs: Pbs, folder: Path) -> None:
    pbs.turn(failing_starts=True)
    native_id = submit(pbs, "true", "-J", "0-1")
    wait_until(lambda: state(pbs, native_id) == "H", what="the hold")
    element = native_id.replace("[]", "[0]")
    assert shown(pbs, native_id)["comment"] == (
        f"Job Array Held, too many failed attempts to run subjob {element}"
    )
    assert shown(pbs, element)["Exit_status"] == -3
    assert [shown(pbs, e)["run_count"] for e in (element, native_id.replace("[]", "[1]"))] == [21, 21]
    assert pbs.run("qrls", native_id).stderr == f"qrls: Unauthorized Request {native_id}\n"


def test_only_so_many_of_a_user_run(pbs: Pbs, folder: Path) -> None:
    pbs.turn(max_run_user=1)
    native_id = submit(pbs, "sleep 60")
    wait_until(lambda: state(pbs, native_id) == "R", what="the first to run")
    second = submit(pbs, "sleep 60")
    wait_until(lambda: "comment" in shown(pbs, second), what="a comment")
    assert shown(pbs, second)["comment"] == "Not Running: User has reached server running job limit."
    assert "max_run = [u:PBS_GENERIC=1]" in pbs.run("qstat", "-Bf").stdout


def test_commands_that_are_late_or_hang_or_lose_their_answer(pbs: Pbs, folder: Path) -> None:
    pbs.turn(slow={"qstat": 0.5}, hanging=("qdel",))
    began = time.monotonic()
    pbs.run("qstat")
    assert time.monotonic() - began >= 0.5
    with pytest.raises(subprocess.TimeoutExpired):
        pbs.run("qdel", "0", timeout=0.5)
    pbs.lose_answers("qsub", how="die")
    lost = pbs.run("qsub", "-h", "-N", "token", "short.sh")
    assert (lost.returncode, lost.stdout) == (-signal.SIGKILL, "")
    pbs.lose_answers("qsub")
    with pytest.raises(subprocess.TimeoutExpired):
        pbs.run("qsub", "-h", "-N", "token", "short.sh", timeout=1)
    assert len(pbs.run("qselect", "-N", "token").stdout.split()) == 2


def test_nothing_of_it_stays(folder: Path) -> None:
    with running_pbs(nodes=1) as server:
        submit(server, 'echo $$ > "$PBS_O_WORKDIR/pid"; setsid sleep 60 & sleep 60')
        wait_until(lambda: lines(folder / "pid"), what="the job to run")
        pids = [*map(int, lines(folder / "pid")), *(p.pid for p in server.processes.values())]
    wait_until(lambda: not any(Path("/proc", str(pid)).exists() for pid in pids), what="all to be gone")
    assert not server.base.exists()
