"""Runs tests, and what fails beside others once more, alone; names what needed that.

``python -m tests.twice [--coverage] PYTEST-ARGUMENTS…`` is 0 only if all passed, be it the second time.
``python -m tests.twice --told`` says at the end of ``make`` what needed it in the runs since ``--forget``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Most tests wait for processes that they started: several files at once keep two cores busy, the long ones first.
TOGETHER = (
    "-n", "4", "--dist", "loadfile", "--no-loadscope-reorder", "--max-worker-restart=1",
    "--durations=25", "--durations-min=4",
)  # fmt: skip
#: Two cores make no promise about time.
ALONE = ("-n", "0", "--last-failed", "--last-failed-no-failures=none")
#: Pytest ran all it was asked for, and some failed. Anything else is no matter of load.
SOME_FAILED = 1
NOTES = Path(".venv/twice.txt")
FAILED_LAST = Path(".pytest_cache/v/cache/lastfailed")


def run_twice(arguments: Sequence[str], command: Sequence[str], notes: Path = NOTES) -> int:
    """Runs pytest, and what failed once more.

    Args:
        arguments: pytest's, as for the first run.
        command: how pytest is started.
        notes: where the names of what only passed alone are added.

    Returns:
        the exit code of the last run.
    """
    first = pytest(command, [*TOGETHER, *arguments, "--cache-clear"])
    if first != SOME_FAILED:
        return first
    failed = failed_last()
    print(f"\n{count(failed)} failed beside others; once more, alone:", *failed, sep="\n  ", flush=True)
    code = pytest(command, [*arguments, *ALONE])
    again = set(failed_last())
    with notes.open("a", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in failed if name not in again)
    return code


def pytest(command: Sequence[str], arguments: Sequence[str]) -> int:
    return subprocess.run([*command, *arguments], check=False).returncode


def failed_last() -> list[str]:
    """Returns the names of the tests that failed in pytest's last run."""
    return sorted(json.loads(FAILED_LAST.read_text(encoding="utf-8"))) if FAILED_LAST.exists() else []


def told(names: Sequence[str]) -> str:
    """Returns what is said at the end of a run about the tests that passed only alone."""
    if not names:
        return "No test needed a second run."
    return "\n  ".join([f"FLAKY: {count(names)} failed beside others and passed alone:", *names])


def count(names: Sequence[str]) -> str:
    return f"{len(names)} test" + ("" if len(names) == 1 else "s")


def main(arguments: list[str]) -> int:
    if arguments == ["--forget"]:
        NOTES.unlink(missing_ok=True)
        return 0
    if arguments == ["--told"]:
        print(told(NOTES.read_text(encoding="utf-8").splitlines() if NOTES.exists() else []))
        return 0
    python = [sys.executable, "-m"]
    if arguments[:1] == ["--coverage"]:
        return run_twice(arguments[1:], [*python, "coverage", "run", "-m", "pytest"])
    return run_twice(arguments, [*python, "pytest"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
