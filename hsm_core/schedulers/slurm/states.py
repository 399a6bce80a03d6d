"""Tells what Slurm's words for a job's state mean for the task that the job ran."""

from __future__ import annotations

import re
import signal
from typing import Literal, NamedTuple

from hsm_core.model import Reason, State


class Meaning(NamedTuple):
    """The meaning of a final word for a task that left no word of its own."""

    state: State
    reason: Reason
    story: str


#: Final words only: https://slurm.schedmd.com/job_state_codes.html
ENDED = {
    "BOOT_FAIL": Meaning("lost", "node", "its node did not boot"),
    "CANCELLED": Meaning("cancelled", "cancelled", "the job was cancelled"),
    "COMPLETED": Meaning("lost", "unknown", "the job ended, but its worker reported nothing"),
    "DEADLINE": Meaning("failed", "walltime", "the job reached its deadline"),
    "FAILED": Meaning("lost", "unknown", "the job failed, and its worker reported nothing"),
    "NODE_FAIL": Meaning("lost", "node", "its node failed"),
    "OUT_OF_MEMORY": Meaning("failed", "oom", "the job used more memory than it asked for"),
    "PREEMPTED": Meaning("lost", "preempted", "the job was preempted"),
    "REVOKED": Meaning("lost", "unknown", "the job was given to another cluster"),
    "TIMEOUT": Meaning("failed", "walltime", "the job reached its time limit"),
}
#: Reasons for which a job waits for what it will never get as it is.
#: Source: https://slurm.schedmd.com/job_reason_codes.html
_HOPELESS = frozenset({
    "AccountNotAllowed", "AssocMaxCpuPerJobLimit", "AssocMaxMemPerJob", "AssocMaxNodePerJobLimit",
    "AssocMaxWallDurationPerJobLimit", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount", "InvalidQOS",
    "JobArrayTaskLimitZero", "MaxMemPerLimit", "PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit",
    "QOSMaxCpuPerJobLimit", "QOSMaxGRESPerJob", "QOSMaxMemoryPerJob", "QOSMaxNodePerJobLimit",
    "QOSMaxWallDurationPerJobLimit", "QOSNotAllowed",
})  # fmt: skip
#: The same in slurmctld's own words, which squeue shows instead of a reason where there are any: its ``state_desc``.
#: Source: the texts of slurmctld 22.05 (job_mgr.c, job_scheduler.c, partition_mgr.c, reservation.c)
_HOPELESS_TEXT = re.compile(
    r"Reservation .+ was deleted"
    r"|Job's (account|QOS) not (permitted to|known, so it can't) use this partition .+"
)
#: Reasons for which a job waits until somebody lets it go: nothing is wrong with it.
_UNTIL = {
    "JobHeldUser": "until you release it", "JobHeldAdmin": "until an administrator releases it",
    "PartitionDown": "until the partition is up", "PartitionInactive": "until the partition is active",
}  # fmt: skip
_HELD_TEXT = re.compile(r"launch failed requeued held|job requeued in (held|special exit) state")
NEVER_STARTED = Meaning("lost", "launch", "Slurm could not start the job")
WAITING = frozenset({
    "CONFIGURING", "PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT",
})  # fmt: skip
#: slurmd's exit "signal" where it can't open a job's log, or enter its directory
NO_LOG = "0:53"


def full_word(written: str) -> str:
    """Returns ``CANCELLED`` for ``CANCELLED by 1000``, ``OUT_OF_MEMORY`` for ``OUT_OF_ME+``."""
    word = written.split()[0] if written.split() else ""
    if not word.endswith("+"):
        return word
    fitting = [known for known in (*ENDED, *WAITING) if known.startswith(word[:-1])]
    return fitting[0] if len(fitting) == 1 else word


def is_hopeless(why: str) -> bool:
    """Returns whether a job that waits for this reason will never start unless it asks for something else."""
    return why.partition(",")[0] in _HOPELESS or _HOPELESS_TEXT.fullmatch(why) is not None


def until(why: str) -> str:
    """Returns until when a job waits for this reason, if somebody has to act first; else nothing."""
    return _UNTIL["JobHeldUser"] if _HELD_TEXT.fullmatch(why) else _UNTIL.get(why, "")


def remedy(why: str, native_id: str) -> str:
    """Returns a line to type that lets a job start which waits for this reason; for an array, the whole of it."""
    return f"scontrol release {native_id.partition('_')[0]}" if until(why) == _UNTIL["JobHeldUser"] else ""


def phase(word: str, node: str) -> Literal["waiting", "running", "ended"]:
    """Returns the phase for Slurm's word; an unknown word means alive."""
    if word in ENDED:
        return "ended"
    return "waiting" if word in WAITING or not node else "running"


def meaning(word: str, exit_code: str) -> Meaning:
    """Returns what a final word means, together with the exit code (``3:0``).

    The reason that squeue gives for a failure tells nothing: a job that was killed has ``JobLaunchFailure`` too.
    """
    return NEVER_STARTED if (word, exit_code) == ("FAILED", NO_LOG) else ENDED[word]


def exit_text(exit_code: str) -> str:
    """Returns ``exit code 3`` for ``3:0``, ``killed by SIGKILL`` for ``0:9``; empty where it says nothing."""
    match = re.fullmatch(r"(\d+):(\d+)", exit_code)
    if not match or exit_code == "0:0":
        return ""
    code, number = int(match[1]), int(match[2])
    if exit_code == NO_LOG:
        return "Slurm could not open the job's log on its node (0:53)"
    return f"killed by {_signal_name(number)}" if number else f"exit code {code}"


def exit_of_status(written: str) -> str:
    """Returns ``3:0`` for what squeue prints: ``768``, a wait status, in older versions; ``3:0`` in newer ones."""
    if not written.isdigit():
        return written
    status = int(written)
    number = status & 0x7F
    return f"0:{number}" if number else f"{status >> 8}:0"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
