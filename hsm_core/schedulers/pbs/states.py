"""Tells from PBS's attributes of a job whether it waits, runs or has ended, and how."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping

from hsm_core.model import Reason, State

from ..interface import JobStatus, Phase
from .parse import Attributes

Ending = tuple[State, Reason]

_ELEMENT = re.compile(r"(?P<job>[^\[]+)\[(?P<index>\d*)\](?P<rest>.*)")
#: X: an element of an array that goes on; F: PBS Pro's history; C: Torque, for a while
_ENDED = frozenset("XFC")
#: S and U: suspended; E: exiting
_RUNNING = frozenset("RESUB")
_OLD_NEWS = ("Job Array Began", "Job run at", "Job started")
#: starts of a job from which on they are told; a node's failure makes one more
_MANY_STARTS = 3
_UNTIL = {"u": "until you release it", "o": "until an operator releases it"}
_NEVER = "can never run"
_GIVEN_UP = "too many failed attempts"
_UNTOLD: Ending = ("lost", "unknown")
_TERMINATED = "91"
#: the job's first process, the user's shell, got TERM, or KILL 10 s later; nobody but PBS sends it these
_BY_DELETION = (256 + signal.SIGTERM, 256 + signal.SIGKILL)

#: what PBS itself writes where a job has no exit code of its own (job.h, pbs_job.h)
_BY_PBS: Mapping[str, Mapping[int, Ending]] = {
    "pbspro": {
        -1: ("failed", "launch"), -2: ("failed", "launch"),
        -24: ("failed", "unknown"), -25: ("failed", "unknown"), -26: ("failed", "oom"), -27: ("failed", "oom"),
        -28: ("failed", "walltime"), -29: ("failed", "walltime"), -4: ("lost", "node"), -5: ("lost", "node"),
        -6: ("lost", "node"), -14: ("lost", "node"), -20: ("lost", "node"), -11: ("lost", "node"),
    },
    "torque": {
        -1: ("failed", "launch"), -2: ("failed", "launch"),
        -4: ("lost", "node"), -5: ("lost", "node"), -6: ("lost", "node"), -10: ("failed", "oom"),
        -11: ("failed", "walltime"), -12: ("failed", "walltime"),
    },
}  # fmt: skip


def statuses(answers: Mapping[str, Attributes], flavour: str, *, history: bool) -> dict[str, JobStatus]:
    """Returns the status of each plain job and element; what only the whole array says goes to its elements.

    Args:
        history: whether the server keeps what has ended.
    """
    return {
        native_id: _status(native_id, said, answers.get(array_of(native_id), {}), flavour, history)
        for native_id, said in answers.items()
        if not is_array(native_id)
    }


def is_array(native_id: str) -> bool:
    """Returns whether an id is that of a whole array, ``12[].server``."""
    return "[]" in native_id


def array_of(native_id: str) -> str:
    """Returns ``12[].server`` for ``12[3].server``; empty for a plain job."""
    match = _ELEMENT.fullmatch(native_id)
    return f"{match['job']}[]{match['rest']}" if match else ""


def name_of(said: Attributes) -> str:
    """Returns the name that was submitted, without the element's index that Torque adds."""
    index = said.get("job_array_id")
    name = said.get("Job_Name", "")
    return name.removesuffix(f"-{index}") if index is not None else name


def _status(native_id: str, said: Attributes, array: Attributes, flavour: str, history: bool) -> JobStatus:
    phase, held = _phase(said, array), _given_up(said, array)
    hold = _hold(said, array) if phase == "waiting" and not held else ""
    why = held or ("" if phase == "ended" else _why(said, array, hold))
    dropped = "" if held or phase != "ended" else _dropped(native_id, said, array, history)
    state, reason = _ending(native_id, said, flavour, held or dropped, history) if phase == "ended" else _UNTOLD
    return JobStatus(
        native_id,
        phase,
        said.get("job_state", "?"),
        name=name_of(said),
        why=why,
        node=_nodes(said),
        queue=said.get("queue", ""),
        start=said.get("estimated.start_time", ""),
        state=state,
        reason=reason,
        evidence=" · ".join(_evidence(native_id, said, state, held or dropped)) if phase == "ended" else "",
        hopeless=_NEVER in why.lower(),
        until=_UNTIL.get(hold, ""),
        remedy=f"qrls '{array_of(native_id) or native_id}'" if hold == "u" else "",
        stuck=bool(held),
        untold=phase == "ended" and not held and _is_untold(native_id, said, history),
    )


def _why(said: Attributes, array: Attributes, hold: str) -> str:
    """Returns why it waits; for a job that ran before, or an array that has begun, only the comment tells.

    For a running job too: that it was started again and again.
    """
    waits = said.get("job_state") not in _RUNNING
    comments = [attributes.get("comment", "") for attributes in (said, array)] if waits else []
    comment = next((words for words in comments if words and not words.startswith(_OLD_NEWS)), "")
    starts = _number(said.get("run_count", "")) or 0
    depend = (array or said).get("depend", "")
    parts = (
        comment,
        f"Hold_Types = {hold}" if hold else "",
        f"depend = {depend}" if hold == "s" and depend else "",
        f"started {starts} times (run_count = {starts})" if starts >= _MANY_STARTS else "",
    )
    return " · ".join(filter(None, parts))


def _hold(said: Attributes, array: Attributes) -> str:
    """Returns who holds it, by PBS's letters: ``u`` its user, ``o`` an operator, ``s`` PBS itself.

    PBS shows the waiting elements of a held array as queued.
    """
    if "H" not in (said.get("job_state"), array.get("job_state")):
        return ""
    held = said if said.get("job_state") == "H" else array
    return held.get("Hold_Types", "").replace("n", "")


def _phase(said: Attributes, array: Attributes) -> Phase:
    """Returns the phase for PBS's letter; an unknown letter means alive."""
    letter = said.get("job_state", "")
    if letter in _ENDED or _given_up(said, array):
        return "ended"
    return "running" if letter in _RUNNING else "waiting"


def _given_up(said: Attributes, array: Attributes) -> str:
    """Returns PBS's words if it holds a job that never started: for ever, as only an operator can release it.

    Of an array that is held so, PBS shows the waiting elements as ``Q``; they won't start either.
    """
    if said.get("job_state") not in ("H", "Q"):
        return ""
    for attributes in (array, said):  # of elements that were held or wait behind one, the same words
        comment = attributes.get("comment", "")
        if attributes.get("job_state") == "H" and _GIVEN_UP in comment:
            return comment
    return ""


def _ending(native_id: str, said: Attributes, flavour: str, given_up: str, history: bool) -> Ending:
    """Returns what its end means for a task whose worker left no word; PBS would drop again what it dropped."""
    code = exit_status(native_id, said)
    if given_up:
        return "lost" if _GIVEN_UP in given_up else "failed", "launch"
    if "exceeded resource walltime" in said.get("comment", ""):
        return "failed", "walltime"
    if code is None:
        return _ended_untold(native_id, said, history)
    if code < 0:
        return _BY_PBS[flavour].get(code, ("lost", "launch"))
    if said.get("substate") == _TERMINATED or code in _BY_DELETION:
        return ("failed", "walltime") if _used_up(said) else ("cancelled", "cancelled")
    if code in (126, 127):
        return "lost", "launch"
    return "lost", "signal" if code > 128 else "unknown"


def _dropped(native_id: str, said: Attributes, array: Attributes, history: bool) -> str:
    """Returns what became of a job that PBS itself dropped from its queue before it began; else nothing.

    A job that a user deletes has a substate of its own.
    """
    whole = array or said
    if exit_status(native_id, said) is not None or _started(said) or "run_count" in said:
        return ""
    if _TERMINATED in (said.get("substate"), whole.get("substate")):
        return ""
    depend = whole.get("depend", "")
    if depend and "s" in whole.get("Hold_Types", ""):
        return f"PBS removed the job before it started: its dependency failed (depend={depend})"
    if history and not array_of(native_id) and said.get("job_state") == "F":
        return " · ".join(filter(None, ["PBS removed the job before it started", said.get("comment", "")]))
    return ""


def _is_untold(native_id: str, said: Attributes, history: bool) -> bool:
    """Returns whether nothing tells how it ended: without a history, PBS Pro's elements show their array's end."""
    is_pro = said.get("job_state") != "C"
    return is_pro and not history and bool(array_of(native_id)) and "run_count" not in said


def _ended_untold(native_id: str, said: Attributes, history: bool) -> Ending:
    """Returns the end of a job without an exit status: deleted while it waited, or the status is not kept.

    The history tells that of each element that ran, unless it was deleted; Torque tells that of each job that ran.
    """
    deleted = history and array_of(native_id) and "run_count" not in said
    if said.get("job_state") == "C" and not _started(said):
        return "cancelled", "cancelled"
    if deleted or said.get("substate") == _TERMINATED:
        return "cancelled", "cancelled"
    is_untold = _is_untold(native_id, said, history)
    return "lost", "unknown" if is_untold or _started(said) else "launch"


def exit_status(native_id: str, said: Attributes) -> int | None:
    """Returns the job's own exit status; None if there is none.

    PBS Pro shows that of the array for an element that never ran, for a deleted one, and for each if the server
    keeps no history; what is shown so has no ``run_count``.
    """
    if "exit_status" in said:
        return _number(said["exit_status"])
    own = not array_of(native_id) or "run_count" in said
    return _number(said.get("Exit_status", "")) if own else None


def _number(written: str) -> int | None:
    return int(written) if re.fullmatch(r"-?\d+", written) else None


def _started(said: Attributes) -> bool:
    return bool(said.get("stime") or said.get("start_time") or said.get("exec_host"))


def _used_up(said: Attributes) -> bool:
    """Returns whether it ran for all its time: before 22.05 a job ended by its walltime looks like a deleted one."""
    used, asked = said.get("resources_used.walltime", ""), said.get("Resource_List.walltime", "")
    return bool(used and asked) and _seconds(used) >= _seconds(asked)


def _seconds(clock: str) -> int:
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part) if part.isdigit() else total
    return total


def _nodes(said: Attributes) -> str:
    hosts = (part.split("/")[0] for part in said.get("exec_host", "").split("+"))
    return "+".join(dict.fromkeys(host for host in hosts if host))


def _evidence(native_id: str, said: Attributes, state: State, given_up: str) -> Iterator[str]:
    if given_up:
        yield given_up
        return
    code = exit_status(native_id, said)
    if code is None and state == "cancelled":
        yield "it was deleted" if _started(said) else "it was deleted before it started"
        return
    yield f"Exit_status {code}{_meaning(code)}" if code is not None else "PBS has no exit status"
    if code == 0:
        yield "the job ended, but its worker reported nothing"
    if words := said.get("comment"):
        yield words


def _meaning(code: int) -> str:
    """Explains an exit code: ``271`` is SIGTERM to the job's first process, ``137`` SIGKILL to its script."""
    for offset in (256, 128):
        if code - offset in set(signal.Signals):
            return f" ({signal.Signals(code - offset).name})"
    return ""
