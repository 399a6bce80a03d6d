"""Lists the user's jobs in a batch system, with their sweeps and tasks."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from hsm_core.model import State
from hsm_core.overrides import quoted
from hsm_core.text import advice, task_ranges

from .status.sweep_json import enveloped
from .text import GLYPH, clean, iso_time, paint, shorten

#: elements of an array that run, named one by one
_ONE_BY_ONE = 4
_JOB, _STATE, _QUEUE, _TASKS = 18, 12, 9, 12
_BEFORE_WHY = 2 + _JOB + 2 + _STATE + 1 + _QUEUE + 1 + _TASKS + 1
#: columns that no terminal has
_NO_TERMINAL = 10_000
#: ``680_3``; ``12[3].server``
_ELEMENT = re.compile(r"(\d+)(?:_(\d+)|\[(\d+)\](.*))")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:[+-]\d\d:\d\d)?")


@dataclass(frozen=True)
class QueuedJob:
    """A job that waits or runs, or one element of an array.

    Args:
        state, reason: in the scheduler's words; the reason is why it waits, or what is odd about its running.
        system: the batch system that it is in: ``Slurm``, ``PBS``, ``Torque``.
        hopeless: for this reason it will never start, unless it is asked for anew with something else.
        until: what somebody must do before it can start.
        remedy: a line to copy that lets it start.
        start: when it is expected to start, as the scheduler says it.
        sweep, dir, tasks: what it is of hsm's; empty if it isn't.
    """

    job: str
    phase: Literal["waiting", "running"]
    state: str
    system: str = ""
    name: str = ""
    queue: str = ""
    reason: str = ""
    hopeless: bool = False
    until: str = ""
    remedy: str = ""
    node: str = ""
    start: str = ""
    sweep: str = ""
    dir: str = ""
    tasks: tuple[int, ...] = ()


class _Place(NamedTuple):
    """A job's array and its element there."""

    array: str
    number: int
    rest: str


def queue_json(jobs: Sequence[QueuedJob]) -> dict[str, object]:
    """Returns the JSON of ``hsm queue --json``: an object for each job or array element."""
    return enveloped(jobs=[{**asdict(job), "start": iso_time(job.start) or None} for job in jobs])


def queue_text(jobs: Sequence[QueuedJob], *, width: int = 80, colour: bool = False) -> str:
    """Returns the text of ``hsm queue``: jobs by sweep, those that wait for the same reason on one line."""
    head = f"  {'job':{_JOB}}  {'state':{_STATE}} {'queue':{_QUEUE}} {'tasks':{_TASKS}} node, or why it waits"
    lines = [paint(head, "dim", colour)]
    by_sweep: dict[str, list[QueuedJob]] = {}
    for job in jobs:
        by_sweep.setdefault(job.sweep, []).append(job)
    for sweep in sorted(by_sweep, key=lambda name: not name):  # others last
        for system in dict.fromkeys(job.system for job in by_sweep[sweep]):
            there = [job for job in by_sweep[sweep] if job.system == system]
            lines.append(_heading(sweep, system, there, colour))
            for group in _groups(there):
                lines += _lines(group, width, colour)
    return "\n".join([*lines, *_next(by_sweep)])


def _next(by_sweep: Mapping[str, Sequence[QueuedJob]]) -> Iterator[str]:
    """Yields lines to copy for jobs that never start: release them, or cancel them and ask for less."""
    mine = [sweep for sweep in by_sweep if sweep]
    for sweep in mine:
        if remedy := next((job.remedy for job in by_sweep[sweep] if job.remedy), ""):
            yield advice(remedy)
            return
        never = {number for job in by_sweep[sweep] if job.hopeless for number in job.tasks}
        if never:
            yield f"next: hsm cancel {quoted(sweep)} --task {task_ranges(never)}    # they will never start"
            return
    if mine:
        yield f"next: hsm-status -w {quoted(mine[0])}"


def _heading(sweep: str, system: str, jobs: Sequence[QueuedJob], colour: bool) -> str:
    counts = Counter(job.phase for job in jobs)
    told = ", ".join(f"{phase} {counts[phase]}" for phase in ("running", "waiting") if counts[phase])
    whose = paint(clean(sweep), "bold", colour) if sweep else "not from hsm"
    return f"{whose}: {system + ' ' if system else ''}jobs {told}"


def _groups(jobs: Sequence[QueuedJob]) -> Iterator[list[QueuedJob]]:
    """Yields elements of one array that are in the same state for the same reason, those that run first."""
    found: dict[tuple[str, ...], list[QueuedJob]] = {}
    for job in sorted(jobs, key=lambda job: (job.phase, *_order(job))):
        what = (job.state, job.queue, job.reason, str(job.hopeless), job.until)
        key = (job.phase, _place(job).array, *what, job.name if not job.sweep else "")
        found.setdefault(key, []).append(job)
    for group in found.values():
        if group[0].phase == "running" and len(group) <= _ONE_BY_ONE:
            yield from ([job] for job in group)
        else:
            yield group


def _lines(group: Sequence[QueuedJob], width: int, colour: bool) -> Iterator[str]:
    first = group[0]
    tasks = task_ranges(number for job in group for number in job.tasks) if first.sweep else clean(first.name)
    line = f"  {_fit(_ids(group), _JOB, width)}  {_state(first, colour)} "
    line += f"{_fit(clean(first.queue), _QUEUE, width)} {_fit(tasks, _TASKS, width)}"
    why = _where(group) if first.phase == "running" else _why(group)
    if len(why) <= width - _BEFORE_WHY:
        yield f"{line} {why}".rstrip()
    else:
        yield line.rstrip()
        yield from textwrap.wrap(why, width, initial_indent="      ", subsequent_indent="      ")


def _fit(text: str, size: int, width: int) -> str:
    """Returns a table cell, cut only if the terminal is too narrow."""
    return f"{text if width >= _NO_TERMINAL else shorten(text, size):{size}}"


def _state(job: QueuedJob, colour: bool) -> str:
    alike: State = "running" if job.phase == "running" else "queued"
    word = f"{GLYPH[alike]} {shorten(clean(job.state), _STATE - 2)}"
    return paint(f"{word:{_STATE}}", alike, colour)


def _where(group: Sequence[QueuedJob]) -> str:
    nodes = list(dict.fromkeys(job.node for job in group if job.node))
    told = ", ".join(nodes) if len(nodes) < 4 else f"on {len(nodes)} nodes"
    return clean(", ".join(filter(None, [told, group[0].reason])))


def _why(group: Sequence[QueuedJob]) -> str:
    """Returns the scheduler's reason for waiting, and when it expects to start the first job, if it does."""
    if group[0].hopeless or group[0].until:
        return clean(f"{group[0].reason}: {group[0].until or 'will never start'}")
    start = next((job.start for job in group if job.start), "")
    if start:
        which = "first expected" if len(group) > 1 else "expected"
        start = f"{which} {_ISO.sub(_date_and_minute, iso_time(start) or start)}"
    return clean(", ".join(filter(None, [group[0].reason, start])))


def _date_and_minute(iso: re.Match[str]) -> str:
    return f"{iso[1]} {iso[2]}"


def _ids(group: Sequence[QueuedJob]) -> str:
    """Returns the ids of a group as one: ``680_[3-7]``, ``12[3-7].server``."""
    if len(group) == 1:
        return clean(group[0].job)
    place = _place(group[0])
    between = "_" if "_" in group[0].job else ""
    return clean(f"{place.array}{between}[{task_ranges(_place(job).number for job in group)}]{place.rest}")


def _place(job: QueuedJob) -> _Place:
    match = _ELEMENT.fullmatch(job.job)
    if match is None:
        return _Place(job.job, 0, "")
    return _Place(match[1], int(match[2] or match[3]), match[4] or "")


def _order(job: QueuedJob) -> tuple[int, str, int]:
    place = _place(job)
    number = re.match(r"\d+", place.array)
    return int(number[0]) if number else 0, place.array, place.number
