"""What a job's own log says of its end: the scheduler's words, or those of a set-up line that failed."""

from __future__ import annotations

import re

from hsm_core.model import Reason

from .setup_lines import failed_line

_WORDS: tuple[tuple[Reason, str], ...] = (
    ("oom", r"exceeded memory limit|oom[-_ ]kill|Out Of Memory|job killed: v?mem "),
    ("walltime", r"DUE TO TIME LIMIT|job killed: walltime "),
    ("preempted", r"DUE TO PREEMPTION"),
    ("node", r"DUE TO NODE FAILURE"),
    ("launch", r"Could not run prolog"),
)


def reason_in(log: str) -> tuple[Reason, str] | None:
    """Why a job ended, and the line that says so.

    Args:
        log: the end of the job's log.
    """
    if told := failed_line(log):
        return "launch", told
    for line in reversed(log.splitlines()):
        for reason, words in _WORDS:
            if re.search(words, line):
                return reason, line.strip()
    return None
