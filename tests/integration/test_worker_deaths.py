"""Processes of a worker are killed; what they ran is lost with evidence, what waits goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hsm_core.model import Span
from hsm_core.processes.dead_workers import end_leftovers
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from tests.integration.apps.worker_plain.harness import PlainSweep, is_gone, sweep, tasks
from tests.waiting import wait_until

__all__ = ["sweep"]  # a fixture
FINE = "result = 1"
LONG = "import time; print(os.getpid(), os.getppid(), flush=True); time.sleep(1000)"
LEAVES = """
import multiprocessing, subprocess, time
p = multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,))
q = subprocess.Popen(['sleep', '1000'], start_new_session=True)
p.start(); print(os.getpid(), p.pid, q.pid, flush=True); time.sleep(1000)
"""


@tasks(LONG, LONG, FINE, FINE)
def test_a_killed_importer_costs_what_ran_in_it(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit())
    sweep.wait_for("start", 2)
    pids = [int(pid) for pid in wait_until(lambda: sweep.text("0/.hsm/stdout.log")).split()]
    os.kill(pids[1], signal.SIGKILL)
    sweep.wait_for("end", 2)
    assert sweep.wait() == 1
    state = sweep.state()
    assert [state.state_of(number) for number in range(4)] == ["lost", "lost", "completed", "completed"]
    assert state.evidence_of(0) == "its parent process ended first (signal 9)"
    assert is_gone(pids[0])
    assert len(sweep.events("ready")) == 2


@tasks(*["import time\nos.kill(os.getppid(), 9); time.sleep(1000)"] * 5)
def test_an_importer_that_is_killed_again_and_again_is_given_up(sweep: PlainSweep) -> None:
    state = sweep.run(slots=1)
    assert state.counts() == {"lost": 3, "failed": 2, "pending": 0}
    assert {sweep.ends()[number]["reason"] for number in (3, 4)} == {"launch"}
    assert "keeps dying (signal 9)" in sweep.events("broken")[0]["message"]


@tasks(FINE, FINE, at_import="import os, pathlib\nif not os.path.exists('tried'):\n"
       "  open('tried', 'x').close(); os.kill(os.getpid(), 9)")  # fmt: skip
def test_an_import_that_is_killed_is_tried_again(sweep: PlainSweep) -> None:
    assert sweep.run().counts()["completed"] == 2


@tasks(LEAVES, FINE, FINE)
def test_nothing_outlives_a_killed_worker_once_the_next_one_starts(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit(Span(0, 1), slots=1))
    pids = [
        int(pid) for pid in wait_until(lambda: sweep.events("start") and sweep.text("0/.hsm/stdout.log")).split()
    ]
    os.kill(sweep.workers["w1"].pid, signal.SIGKILL)
    sweep.wait()
    wait_until(lambda: is_gone(pids[0]), what="the end of the task")
    wait_until(lambda: sweep.state().state_of(0) == "lost", what="the end of all that held the lock")
    state = sweep.state()
    assert f"process {sweep.workers['w1'].pid}" in state.evidence_of(0)
    assert [is_gone(pid) for pid in pids[1:]] == [False, False]
    inbox = JournalWriter(sweep.paths.inbox("w2"))
    submission = sweep.submit(Span(1, 2))
    inbox.append(events.Assigned(submission.batch_id(0)))
    inbox.seal()
    sweep.start(submission, "w2", inbox=True)
    assert sweep.wait("w2") == 0
    assert [is_gone(pid) for pid in pids[1:]] == [True, True]
    assert sweep.state().counts() == {"lost": 1, "completed": 2, "pending": 0}


@tasks(LONG)
def test_what_runs_for_a_worker_of_the_same_name_in_another_sweep_is_not_touched(
    sweep: PlainSweep, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = PlainSweep(tmp_path / "elsewhere" / "sweep", [LONG])
    for one in (sweep, other):
        one.start(one.submit())
        one.wait_for("start")
    os.kill(sweep.workers["w1"].pid, signal.SIGKILL)
    sweep.wait()
    end_leftovers(sweep.paths.journal("w1"))
    theirs = wait_until(lambda: other.text("0/.hsm/stdout.log"))
    assert [is_gone(int(pid)) for pid in theirs.split()] == [False, False]
    other.close()


#: A process that is killed when it has written its outcome, before it could say so.
MUTE = """
import hsm_core.worker.protocol as o
o.Channel.send = lambda self, message, *_: message["said"] == "end" and os._exit(9)
result = 5
"""


@tasks(MUTE, FINE)
def test_an_outcome_on_disk_is_believed_though_its_writer_died(sweep: PlainSweep) -> None:
    state = sweep.run()
    assert [state.state_of(number) for number in (0, 1)] == ["completed", "completed"]
    assert sweep.ends()[0]["code"] == 9
