"""A scheduler that says what a test wants it to, and a sweep that was submitted to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.schedulers.interface import Allowed, JobStatus, NoAnswer, Script
from hsm_core.sources.source_thread import Answer, T
from hsm_core.store import events
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from tests.unit.store.making import MadeSweep


class AtOnce:
    """Makes each call at once, in the thread that asks."""

    def ask(self, work: Callable[[], T], *, quietly: bool = False) -> Answer[T]:
        answer = Answer(work)
        answer.work()
        return answer

    def close(self) -> None:
        pass


class Later:
    """Makes calls when the test says so, in the order in which they came."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def ask(self, work: Callable[[], T], *, quietly: bool = False) -> Answer[T]:
        answer = Answer(work)
        self.asked.append(answer.work)
        return answer

    def close(self) -> None:
        pass

    def answer(self) -> None:
        """Makes the first call that was asked for."""
        self.asked.pop(0)()


@dataclass
class StandIn:
    """See ``Scheduler``.

    Attributes:
        statuses: what it knows, by element; None: it does not answer.
        past: what its accounting knows.
        mute: elements that it does not call unknown, though it names them nowhere; None: it does not answer.
        keeps_s: for how long it knows what has ended.
        answers: what ``submit`` does next: a native id, or an error to raise; then numbers, counted up.
        found: what ``find`` says.
        limits_of: of accounts that have others than ``limits``.
        told: every call, by its verb.
    """

    statuses: dict[str, JobStatus] | None = field(default_factory=dict)
    past: dict[str, JobStatus] | None = field(default_factory=dict)
    mute: set[str] | None = field(default_factory=set)
    keeps_s: float = 300.0
    answers: list[str | Exception] = field(default_factory=list)
    found: str | Exception | None = None
    limits: Allowed = field(default_factory=Allowed)
    limits_of: dict[str | None, Allowed] = field(default_factory=dict)
    queued: list[JobStatus] | None = field(default_factory=list)
    told: list[tuple[str, object]] = field(default_factory=list)
    name: str = field(default_factory=lambda: f"stand-in-{nonce()}")
    throttles: bool = True
    why_dropped: str = ""

    def calls(self, verb: str) -> list[object]:
        return [what for called, what in self.told if called == verb]

    def submit_command(self, script: Script) -> list[str]:
        return ["submit", script.path.name]

    def submit(self, script: Script) -> str:
        self.told.append(("submit", script))
        answer = self.answers.pop(0) if self.answers else str(len(self.told))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find(self, token: str) -> str | None:
        self.told.append(("find", token))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def poll(self, ids: Collection[str]) -> Mapping[str, JobStatus]:
        self.told.append(("poll", sorted(ids)))
        if self.statuses is None:
            raise NoAnswer("no answer", evidence="squeue: exit code 1")
        return self.statuses

    def poll_accounting(self, ids: Collection[str], since: float) -> Mapping[str, JobStatus]:
        self.told.append(("poll_accounting", sorted(ids)))
        if self.past is None:
            raise NoAnswer("no answer")
        return self.past

    def unknown(self, ids: Collection[str]) -> Collection[str]:
        self.told.append(("unknown", sorted(ids)))
        if self.mute is None:
            raise NoAnswer("no answer", evidence="scontrol: exit code 1")
        return set(ids) - self.mute

    def keeps_ended_s(self) -> float:
        return self.keeps_s

    def queue(self) -> Sequence[JobStatus]:
        self.told.append(("queue", None))
        if self.queued is None:
            raise NoAnswer("no answer")
        return self.queued

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        self.told.append(("cancel", sorted(ids)))

    def is_id(self, native_id: str) -> bool:
        return re.fullmatch(r"[0-9]+(_[0-9]+)?", native_id) is not None

    def element(self, native_id: str, index: int) -> str:
        return f"{native_id}_{index}"

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        return self.limits_of.get(account, self.limits)

    def throttle(self, native_id: str, elements: int) -> bool:
        self.told.append(("throttle", (native_id, elements)))
        return True

    # what a test makes of it

    def shows(self, phase: str, *elements: str, **facts: str) -> None:
        """From now on these elements are seen so, and no others."""
        words = {"waiting": "PENDING", "running": "RUNNING", "ended": "FAILED"}
        word = facts.pop("word", words[phase])
        self.statuses = {one: JobStatus(one, phase, word, **facts) for one in elements}  # type: ignore[arg-type]


def logs_of(scheduler: StandIn) -> tuple[str, ...]:
    """The names of its jobs' logs."""
    return (f"{scheduler.name}-{{id}}_{{index}}.log", "{token}.{index}.log", "{token}.log", "{token}.log-{index}")


def submitted(root: Path, scheduler: StandIn, total: int, *, each: int = 1, native_id: str = "7") -> MadeSweep:
    """A sweep whose tasks were all handed to the scheduler an hour ago, by a conductor that lives."""
    sweep = MadeSweep(root, total)
    sweep.paths.make_directories()
    journal = JournalWriter(sweep.paths.journal("conductor-a"))
    journal.append(events.ConductorHead("conductor-a", this_process()))
    tasks, at = (Span(0, total),), time.time() - 3600.0
    facts = {"each": each, "logs": logs_of(scheduler), "at": at}
    journal.append(events.Submit("launch-0/submit-0", "demo-abcdefgh", tasks, scheduler.name, **facts))
    journal.append(events.HandedOver("launch-0/submit-0", native_id=native_id, job=None))
    journal.sync()
    return sweep
