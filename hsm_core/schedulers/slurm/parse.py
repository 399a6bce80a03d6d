"""Parses the output of squeue and sacct."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from hsm_core.model import Reason, State

from ..interface import JobStatus
from .states import exit_of_status, exit_text, full_word, is_hopeless, meaning, phase, remedy, until

#: between fields; printable ones occur in the names of jobs
SEPARATOR = "\x1f"
#: id, state, reason, nodes, partition, account, QOS, start, name; the name comes last, for it may hold anything
SQUEUE_FORMAT = SEPARATOR.join(("%i", "%T", "%r", "%N", "%P", "%a", "%q", "%S", "%j"))
#: both in columns: this kind of format knows no separators in older versions
EXIT_FORMAT = "JobArrayID:60,exit_code:60"
SACCT_FIELDS = "JobID,State,ExitCode,NodeList,Partition,JobName"
NOTHING = frozenset({"", "N/A", "None", "(null)", "None assigned", "Unknown"})
_GOES_ON: tuple[State, Reason, str] = ("lost", "unknown", "")
_ONE = re.compile(r"\d+(_\d+)?")
_ARRAY = re.compile(r"(\d+)_\[([\d,:-]+)(?:%\d+)?\]")


def read_squeue(text: str) -> dict[str, JobStatus]:
    """Returns statuses by native id, from ``squeue -h -r -o SQUEUE_FORMAT``."""
    seen: dict[str, JobStatus] = {}
    for native, word, why, node, queue, account, qos, start, name in _lines(text, 9):
        why = "" if why in NOTHING else why
        status = _status(native, word, name, why, node, queue, account, qos, "" if start in NOTHING else start)
        seen |= {one: status if one == native else replace(status, native_id=one) for one in elements(native)}
    return seen


def read_sacct(text: str) -> dict[str, JobStatus]:
    """Returns statuses by native id, from ``sacct -X -n -P --delimiter=SEPARATOR -o SACCT_FIELDS``."""
    seen: dict[str, JobStatus] = {}
    for native, state, exit_code, node, queue, name in _lines(text, 6):
        node = "" if node in NOTHING else node
        status = with_exit_code(_status(native, full_word(state), name, "", node, queue), exit_code)
        by = state.partition(" by ")[2]
        if by and status.phase == "ended":
            status = replace(status, evidence=f"{status.evidence}, by user {by}")
        seen |= {one: replace(status, native_id=one) for one in elements(native)}
    return seen


def read_exit_codes(text: str) -> dict[str, str]:
    """Returns exit codes (``3:0``) by native id, from ``squeue -h -r -O EXIT_FORMAT``."""
    rows = [line.split() for line in text.split("\n")]
    return {row[0]: exit_of_status(row[1]) for row in rows if len(row) == 2}


def with_exit_code(status: JobStatus, exit_code: str) -> JobStatus:
    """Returns an ended job's status with its exit code (``3:0``) taken into account."""
    if status.phase != "ended":
        return status
    state, reason, evidence = _ending(status.word, exit_code, status.why, status.node)
    return replace(status, state=state, reason=reason, evidence=evidence)


def _ending(word: str, exit_code: str, why: str, node: str) -> tuple[State, Reason, str]:
    """Returns what a final word means for a task that left no word of its own, and what was seen."""
    meant = meaning(word, exit_code)
    seen = exit_text(exit_code) or why
    where = f", on {node}" if node else ""
    return meant.state, meant.reason, f"{meant.story}: Slurm says {word}" + (f", {seen}" if seen else "") + where


def elements(native_id: str) -> Iterator[str]:
    """Yields ``680_3`` as it is, and four ids for ``680_[5-7,9%2]``; none for what is cut short (``…``)."""
    if _ONE.fullmatch(native_id):
        yield native_id
        return
    match = _ARRAY.fullmatch(native_id.replace(",...", ""))
    if not match:
        return
    for part in match[2].split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", part)
        if bounds:
            first, step = int(bounds[1]), int(bounds[3] or 1)
            yield from (f"{match[1]}_{n}" for n in range(first, int(bounds[2] or first) + 1, step))


def _lines(text: str, fields: int) -> Iterator[list[str]]:
    for line in text.split("\n"):
        values = line.split(SEPARATOR, fields - 1)
        if len(values) == fields:
            yield [*(value.strip() for value in values[:-1]), values[-1]]


def _status(
    native: str, word: str, name: str, why: str, node: str, queue: str, account: str = "", qos: str = "",
    start: str = "",
) -> JobStatus:  # fmt: skip
    """Makes it in one go: an answer has a line for each of the user's jobs."""
    found = phase(word, node)
    waits = found == "waiting"
    state, reason, evidence = _ending(word, "", why, node) if found == "ended" else _GOES_ON
    never, let_go = waits and is_hopeless(why), until(why) if waits else ""
    expected = start if waits and not never and not let_go else ""  # Slurm keeps the start that it once expected
    return JobStatus(
        native, found, word, name, "" if found == "running" else why,  # of one that runs it names the nodes
        node, queue, account, qos, expected, state, reason, evidence, hopeless=never, until=let_go,
        remedy=remedy(why, native) if waits else "",
    )  # fmt: skip
