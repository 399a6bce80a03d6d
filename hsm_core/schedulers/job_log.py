"""Reads from a job's log why it ended: by the scheduler, a set-up line that failed, or a shell."""

from __future__ import annotations

import re

from hsm_core.model import Reason

from .setup_lines import ENDED, failed_line

_WORDS: tuple[tuple[Reason, str], ...] = (
    ("oom", r"exceeded memory limit|oom[-_ ]kill|Out Of Memory|job killed: v?mem "),
    ("walltime", r"DUE TO TIME LIMIT|job killed: walltime "),
    ("preempted", r"DUE TO PREEMPTION"),
    ("node", r"DUE TO NODE FAILURE"),
    ("launch", r"Could not run prolog"),
)

#: How a log ends whose shell or interpreter could not do what the job's script says: another start would end alike.
_CANNOT_START = re.compile(
    r"No such file|(?:command )?not found$|Permission denied|cannot execute|bad interpreter"
    r"|Exec format error|can't open file|error while loading shared libraries|^\w*(?:Error|Exception): "
)
#: Where schedulers keep a job's script, with the job's number in it.
_SCRIPT = re.compile(r"^\S*(?:slurm_script|\.SC): ")
#: Lines of a log that are told.
_LAST_LINES = 3


def could_not_start(log: str) -> str:
    """Returns the last words of a log without a worker, if they say that none could start; else nothing.

    Args:
        log: the end of the job's log.
    """
    lines = [_SCRIPT.sub("", line.strip()) for line in log.splitlines() if line.strip()]
    return " / ".join(lines[-_LAST_LINES:]) if lines and _CANNOT_START.search(lines[-1]) else ""


def reason_in(log: str) -> tuple[Reason, str] | None:
    """Returns why a job ended, and the line that says so; None if the log does not tell.

    Args:
        log: the end of the job's log.
    """
    if told := failed_line(log):
        return "launch", told
    for line in reversed(log.splitlines()):
        for reason, words in _WORDS:
            if re.search(words, line):
                return reason, line.strip()
    ended = failed_line(log, ENDED)  # perhaps by what a scheduler's words tell better
    return ("launch", ended) if ended else None
