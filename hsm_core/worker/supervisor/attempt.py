"""Follows an attempt for its supervisor: its words, what was done to it, and the verdict at its end."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from hsm_core.model import Reason, State
from hsm_core.store.events import DETAILS
from hsm_core.store.files import Document
from hsm_core.store.layout import TaskPaths

from ..os.processes import kill_group
from ..protocol import Channel, Message, Order
from .importers import Importer


@dataclass(frozen=True)
class AttemptEnding:
    """The final state of an attempt, and why."""

    state: State
    reason: Reason | None = None
    message: str = ""
    details: Document = field(default_factory=dict)


@dataclass
class Attempt:
    """A running attempt.

    Attributes:
        limit_s: seconds that it may take; None is no limit.
        ended_for: why we end it: ``cancelled``, ``limit``, ``walltime`` (our job's time is over), ``interrupted``
            (our job is ended by others), ``expired`` (nothing is heard of the launcher), ``superseded``, ``rank`` (it
            failed on another one) or ``over`` (rank 0's part has ended).
        goes_on: its job was warned of its end, and is going to be run again.
        kill_at: when TERM is followed by KILL, on the monotonic clock.
        oom_kills: the kernel's count when it began.
        begun: what it said when it had its directory.
        returned: it said that its function has returned.
        said: its last word.
        exited: how its process ended, while other ranks still run what it has completed.
        elsewhere: what became of it on another rank, if that failed.
    """

    order: Order
    slot: int
    importer: Importer
    channel: Channel
    oom_kills: int
    limit_s: float | None = None
    began: float = field(default_factory=time.monotonic)
    begun: Message | None = None
    returned: bool = False
    said: Message | None = None
    ended_for: str = ""
    goes_on: bool = False
    kill_at: float | None = None
    exited: Message | None = None
    elsewhere: AttemptEnding | None = None

    @property
    def wall(self) -> float:
        return round(time.monotonic() - self.began, 3)

    @property
    def files(self) -> TaskPaths | None:
        """Returns where its files are; None before it said so."""
        begun = self.begun
        return None if begun is None else TaskPaths(Path(self.order.sweep) / begun["dir"], begun["suffix"])

    def send_signal(self, number: int) -> None:
        """Sends a signal through the importer, which alone knows that the number is still its child's."""
        if self.exited is not None:
            return
        if self.importer.mode == "fork":
            self.importer.channel.send({"ask": "kill", "key": self.order.key, "signal": number})
        elif number == signal.SIGUSR2:
            os.kill(self.importer.pid, number)
        else:
            kill_group(self.importer.pid, number)


def judge(attempt: Attempt, exited: Message, oom_kills: int) -> AttemptEnding:
    """Returns how an attempt ended: by its own word, by what we did, by what the kernel says.

    Args:
        exited: ``code`` or ``signal`` of the process, CPU and memory.
        oom_kills: the kernel's count now.
    """
    here, elsewhere = _judge_here(attempt, exited, oom_kills), attempt.elsewhere
    if elsewhere is None or here.state == "lost":
        return here
    if attempt.ended_for == "rank" or here.state == "completed":
        return replace(elsewhere, details={**here.details, **elsewhere.details})
    return replace(here, message=f"{here.message}; {elsewhere.message}") if here.state == "failed" else here


def _judge_here(attempt: Attempt, exited: Message, oom_kills: int) -> AttemptEnding:
    details = {name: exited[name] for name in ("code", "signal", "cpu", "mem") if exited.get(name) is not None}
    said = attempt.said
    if said and said["state"] in ("completed", "failed") and _holds(said, attempt):
        words = {name: said[name] for name in DETAILS if said.get(name)}
        return AttemptEnding(said["state"], said.get("reason"), said.get("message", ""), {**details, **words})
    if attempt.ended_for == "interrupted":
        return AttemptEnding("lost", None, "its job received SIGTERM", details)
    if attempt.ended_for == "expired":
        return AttemptEnding("lost", None, "nothing was heard of its launcher", details)
    if said and said["state"] == "checkpointed":
        told = "it wrote a checkpoint near the end of its job's time"
        if attempt.goes_on:
            return AttemptEnding("lost", None, told, details)
        return AttemptEnding("failed", "walltime", f"{told}; the job does not restart by itself", details)
    if attempt.ended_for == "limit":
        told = f"ended after {attempt.wall:.0f} s: the task's time limit"
        return AttemptEnding("failed", "walltime", told, {**details, "limit": attempt.limit_s})
    if attempt.ended_for == "walltime":
        return AttemptEnding("failed", "walltime", f"ended after {attempt.wall:.0f} s: the job's time limit", details)
    if attempt.ended_for:
        return AttemptEnding("cancelled", "cancelled", "cancelled on request", details)
    return _judge_silent(exited, oom_kills > attempt.oom_kills, details)


def _holds(said: Message, attempt: Attempt) -> bool:
    """Returns whether the attempt's own word says how it ended, rather than our ending it."""
    return not attempt.ended_for or (said["state"] == "completed" and not attempt.order.is_shared)


def _judge_silent(exited: Message, out_of_memory: bool, details: Document) -> AttemptEnding:
    number = exited.get("signal")
    if number == signal.SIGKILL and out_of_memory:
        return AttemptEnding("failed", "oom", "killed by the kernel: out of memory", details)
    if number:
        return AttemptEnding("failed", "signal", f"killed by signal {number} ({_signal_name(number)})", details)
    message = f"its process exited with code {exited.get('code')} and reported no result"
    return AttemptEnding("failed", "unknown", message, details)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"
