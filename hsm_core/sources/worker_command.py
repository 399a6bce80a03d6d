"""The line of a job's script that starts a worker."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

#: The file that starts a worker; run by path, see there.
ENTRY = Path(__file__).parent.parent / "worker" / "__main__.py"


def worker_line(python: str, sweep: Path, submission: str, job: Sequence[str]) -> str:
    """Shell that becomes a worker.

    Args:
        python: the app's interpreter.
        submission: its name.
        job: the worker's name, and further words, already in shell's own quoting: ``"$ID"``.
    """
    words = [shlex.quote(word) for word in (python, str(ENTRY), "supervise", str(sweep))]
    return " ".join([*words, job[0], shlex.quote(submission), *job[1:]])
