"""A worker does what it is told: claims, cancels, gives way to a later attempt, ends on a signal."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hsm_core.model import Span
from hsm_core.store import events
from hsm_core.store.files import read_json
from hsm_core.store.journal import JournalWriter
from hsm_core.store.requests import request_cancel
from tests.integration.apps.worker_plain.harness import PlainSweep, is_gone, sweep, tasks
from tests.waiting import wait_until

__all__ = ["sweep"]  # a fixture
FINE = "result = 1"
LONG = "import time; print(os.getpid(), flush=True); time.sleep(1000)"


@tasks(*["open('count-' + str(order['task']), 'x').close()"] * 6)
def test_two_workers_on_one_batch_one_runs_it(sweep: PlainSweep) -> None:
    submission = sweep.submit()
    sweep.start(submission, "w1")
    sweep.start(submission, "w2")
    codes = [sweep.wait("w1"), sweep.wait("w2")]
    owner = read_json(sweep.paths.claim(submission.batch_id(0)))["worker"]
    assert [len(sweep.ends(name)) for name in ("w1", "w2")] == ([6, 0] if owner == "w1" else [0, 6])
    assert codes == [0, 0]
    assert sweep.state().counts() == {"completed": 6, "pending": 0}


@tasks(LONG, LONG, FINE)
def test_a_later_attempt_silences_the_earlier_one(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit())
    sweep.wait_for("start", 2)
    pid = int(wait_until(lambda: sweep.text("0/.hsm/stdout.log")))
    later = sweep.submit(Span(0, 1, 2), Span(2, 1, 2))
    conductor = sweep.conductor()
    conductor.append(events.Submit(later.name, token="t", tasks=later.spans, source="local"))
    wait_until(lambda: is_gone(pid), what="the end of the earlier attempt")
    os.kill(sweep.workers["w1"].pid, signal.SIGTERM)
    sweep.wait()
    conductor.seal()
    assert sorted(sweep.ends()) == [1]  # of task 0 it says nothing more, task 2 it did not start
    assert sorted(line["t"] for line in sweep.events("start")) == [0, 1]
    assert sweep.events("cancel") == []


@tasks(LONG, LONG, LONG, FINE)
def test_a_request_to_cancel_is_obeyed(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit())
    sweep.wait_for("start", 2)
    request_cancel(sweep.paths, [Span(1, 2)])
    end, *_ = sweep.wait_for("end")
    assert (end["t"], end["state"], end["reason"]) == (1, "cancelled", "cancelled")
    sweep.wait_for("end", 2)
    assert sweep.ends()[3]["state"] == "completed"
    assert [(line["t"], line["a"]) for line in sweep.events("cancel")] == [(2, 1)]
    request_cancel(sweep.paths, None)
    sweep.wait()
    state = sweep.state()
    assert [state.state_of(number) for number in range(4)] == ["cancelled"] * 3 + ["completed"]


IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LONG


@tasks(LONG, IGNORES, *[FINE] * 1000)
def test_term_ends_the_tasks_and_int_kills_them(sweep: PlainSweep) -> None:
    pid = sweep.start(sweep.submit(grace_s=1000.0))
    sweep.wait_for("start", 2)
    stubborn = int(wait_until(lambda: sweep.text("1/.hsm/stdout.log")))
    os.kill(pid, signal.SIGTERM)
    sweep.wait_for("end", 1)
    assert not is_gone(stubborn)
    os.kill(pid, signal.SIGINT)
    assert sweep.wait() == 1
    assert {number: end["state"] for number, end in sweep.ends().items()} == {0: "cancelled", 1: "cancelled"}
    assert len(sweep.events("cancel")) == 1000
    assert sweep.state().counts()["cancelled"] == 1002


@tasks(FINE)
def test_a_worker_beats_when_it_has_nothing_else_to_say(sweep: PlainSweep, tmp_path: Path) -> None:
    inbox = JournalWriter(sweep.paths.inbox("w1"))
    inbox.append(events.Assigned(sweep.submit().batch_id(0)))
    submission = sweep.submit()
    sweep.start(submission, inbox=True)
    sweep.wait_for("end")
    sweep.wait_for("beat", 2)
    inbox.append(events.Assigned(submission.batch_id(0)))
    os.kill(sweep.workers["w1"].pid, signal.SIGCONT)
    sweep.wait_for("end", 2)
    inbox.seal()
    assert sweep.wait() == 0
    lines = sweep.events("claim") + sweep.events("start") + sweep.events("end") + sweep.events("beat")
    said = sorted((line["s"], line["at"], line["e"]) for line in lines)
    quiet = [at - said[index][1] for index, (_, at, kind) in enumerate(said[1:]) if kind == "beat"]
    assert min(quiet) >= 0.29  # seconds: a beat follows silence only
    assert len(sweep.events("ready")) == 1  # the app was imported once
