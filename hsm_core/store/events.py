"""The facts that are written down while a sweep runs: every kind of line of ``events/*.jsonl``, format 1.

Each line is a JSON object with ``e`` (its kind), ``s`` (the writer's sequence) and mostly ``at`` (the
writer's clock, seconds since 1970: for showing only, clocks differ). ``t`` is a task's number, ``a`` its
attempt. Spans are ``[first, count, attempt]``.

of a worker
    worker   format id source native_id host boot pid start lock slots log     the first line; ``log``: below logs/
             resources                          what its job asked for
    claim    batch tasks                            this worker alone runs these (task, attempt) pairs
    ready    launch mode threads seconds notes gpus the app is imported; how tasks start (fork, spawn, none)
             against_forks                          (if so) why a task would be better off in a fresh interpreter
    broken   launch message output                  the app can't be imported; its tasks fail, reason launch
    start    t a dir suffix slot pid host           its directory is known and its function about to run
    end      t a state reason message kind where trace warning code signal wall cpu mem resources
    beat                                            alive, nothing else to say
    warned                                          the scheduler says that the job's time is nearly over
    trouble  message                                e.g. the disk was full for a while
of a conductor
    conductor  format id host boot pid start        the first line
    submit   submission token tasks each backend    about to be handed over; ``each``: tasks a batch, 0: all in one;
             at_once                                elements of the array that may run together
    handed   submission native_id job               it was accepted; ``job``: a local process
    refused  submission message evidence fix field choices
                                                    its scheduler said no for good, and nothing of it will run;
                                                    ``field``: of the launcher, ``choices``: what it may be
    withdrawn  submission message                   it was not handed over after all, and nothing of it will run
    waits    message                                why tasks are not submitted yet; until something is handed over
    gone     tasks state reason evidence            their scheduler's job has ended without a word about them
    lost     t a evidence                           the holder is proven dead; a worker's importer, too
             final                                  (if so) its worker lives and goes on without it
    cancel   t a                                    never started, and never will
    interrupted  how
of both
    seal                                            the last line: the writer says nothing more
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from hsm_core.model import ProcessIdentity, Reason, Span, State

from .layout import FORMAT

Line = dict[str, Any]

#: What an outcome says of an exception or a value that can't be kept, and its ``end`` line as well.
DETAILS = ("kind", "where", "trace", "warning")


def now() -> float:
    """Seconds since 1970, to the millisecond."""
    return round(time.time(), 3)


def worker(
    identifier: str, identity: ProcessIdentity, *, source: str, native_id: str, lock: str, slots: int,
    log: str = "", resources: dict[str, Any] | None = None, node: str = "",
) -> Line:  # fmt: skip
    """The first line of a worker.

    Args:
        node: what its scheduler calls the machine, where that may not be the machine's own name.
    """
    return {
        "e": "worker", "format": FORMAT, "id": identifier, "source": source, "native_id": native_id,
        **asdict(identity), "lock": lock, "slots": slots, "at": now(),
        **({"log": log} if log else {}), **({"resources": resources} if resources else {}),
        **({"node": node} if node else {}),
    }  # fmt: skip


def claim(batch: str, tasks: Iterable[Span]) -> Line:
    return {"e": "claim", "batch": batch, "tasks": [span.to_json() for span in tasks], "at": now()}


def ready(launch: str, mode: str, threads: int, seconds: float, found: dict[str, list[str]]) -> Line:
    """The app is imported.

    Args:
        found: ``notes`` on where its code came from, names of ``gpus``, what is ``against_forks``.
    """
    line = {"e": "ready", "launch": launch, "mode": mode, "threads": threads, "seconds": seconds, "at": now()}
    return line | {name: values for name, values in found.items() if values}


def broken(launch: str, message: str, output: str) -> Line:
    return {"e": "broken", "launch": launch, "message": message, "output": output, "at": now()}


def start(task: int, attempt: int, *, directory: str, suffix: str, slot: int, pid: int, host: str) -> Line:
    return {
        "e": "start", "t": task, "a": attempt, "dir": directory, "suffix": suffix, "slot": slot, "pid": pid,
        "host": host, "at": now(),
    }  # fmt: skip


def end(
    task: int, attempt: int, state: State, reason: Reason | None = None, message: str = "", **details: Any
) -> Line:
    """How an attempt ended.

    Args:
        details: ``kind`` of exception, ``where`` in the app, ``trace``, ``warning``, exit ``code``, ``signal``,
            ``wall`` and ``cpu`` in seconds, ``mem`` in MiB (peak), the ``rank`` that failed, the task's own
            ``limit`` in seconds where that ended it.
    """
    line: Line = {"e": "end", "t": task, "a": attempt, "state": state, "at": now()}
    if reason:
        line["reason"] = reason
    if message:
        line["message"] = message
    line.update((key, value) for key, value in details.items() if value is not None)
    return line


def adopted(task: int, attempt: int, outcome: Mapping[str, Any]) -> Line:
    """The ``end`` that an outcome on disk stands for, where its worker died before it could tell."""
    words = {name: outcome.get(name) for name in DETAILS}
    reason, message = outcome.get("reason"), outcome.get("message", "")
    return end(task, attempt, outcome["state"], reason, message, adopted=True, **words)


def beat() -> Line:
    return {"e": "beat", "at": now()}


def warned() -> Line:
    return {"e": "warned", "at": now()}


def waits(message: str) -> Line:
    return {"e": "waits", "message": message, "at": now()}


def trouble(message: str) -> Line:
    return {"e": "trouble", "message": message, "at": now()}


def conductor(identifier: str, identity: ProcessIdentity, by: str = "") -> Line:
    """A process takes charge of a sweep.

    Args:
        by: the command that it is, if it is not a launcher.
    """
    line = {"e": "conductor", "format": FORMAT, "id": identifier, **asdict(identity), "at": now()}
    return line | ({"by": by} if by else {})


def submit(
    submission: str, *, token: str, tasks: Iterable[Span], backend: str, each: int = 0, at_once: int | None = None,
    logs: Iterable[str] = (),
) -> Line:  # fmt: skip
    """A submission is on disk, and is handed over next.

    Args:
        backend: its source's name.
        each: how many tasks a worker claims together; 0: all.
        at_once: elements of its array that may run together; None: all.
        logs: names of its jobs' own logs, see ``job_logs``.
    """
    return {
        "e": "submit", "submission": submission, "token": token, "tasks": [span.to_json() for span in tasks],
        "each": each, "at_once": at_once, "backend": backend,
        "logs": list(logs), "at": now(),
    }  # fmt: skip


def handed(submission: str, *, native_id: str, job: ProcessIdentity | None) -> Line:
    found = asdict(job) if job else None
    return {"e": "handed", "submission": submission, "native_id": native_id, "job": found, "at": now()}


def refused(
    submission: str, message: str, *, evidence: str = "", fix: str = "", field: str = "", choices: Iterable[str] = ()
) -> Line:
    """A scheduler's no.

    Args:
        submission: its name, or the one that it would have been given.
        field: the launcher's field to be changed, if it is known.
        choices: values that the field may have, the likeliest first.
    """
    line: Line = {"e": "refused", "submission": submission, "message": message, "at": now()}
    more = {"evidence": evidence, "fix": fix, "field": field, "choices": list(choices)}
    return line | {name: value for name, value in more.items() if value}


def withdrawn(submission: str, message: str) -> Line:
    return {"e": "withdrawn", "submission": submission, "message": message, "at": now()}


def gone(tasks: Iterable[Span], state: State, reason: Reason, evidence: str, node: str = "") -> Line:
    """A scheduler's job has ended, and these tasks of it had not.

    Args:
        state: what becomes of those that had begun; of the others only ``cancelled`` is taken over.
        node: where it ran, if that is known.
    """
    line = {
        "e": "gone", "tasks": [span.to_json() for span in tasks], "state": state, "reason": reason,
        "evidence": evidence, "message": evidence, "at": now(),
    }  # fmt: skip
    return line | {"node": node} if node else line


def lost(task: int, attempt: int, evidence: str, *, final: bool = False) -> Line:
    line = {"e": "lost", "t": task, "a": attempt, "evidence": evidence, "at": now()}
    return line | {"final": True} if final else line


def cancel(task: int, attempt: int) -> Line:
    return {"e": "cancel", "t": task, "a": attempt, "at": now()}


def interrupted(how: str) -> Line:
    return {"e": "interrupted", "how": how, "at": now()}
