"""Guards the user's set-up lines, so that one which fails ends its job and says so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hsm_core.errors import ConfigError
from hsm_core.hosts.interface import Host

#: How a job's log says that one failed.
FAILED = "hsm: a set-up line failed"
#: How it says that one ended the script.
ENDED = "hsm: a set-up line ended the job"
#: Lines that it printed before that, which are told.
_LAST_LINES = 3
_CHECK_S = 10.0
# A line counts as a whole: of what a sourced file or a function does inside, nothing is judged but its end.
# The line itself is read from the script, as BASH_COMMAND may be one of a function; a script on stdin has no file.
_TRAP = (
    """trap 'HSM_CODE=$?; if [ "${#BASH_SOURCE[@]}" -le 1 ]; then """
    """HSM_LINE=$(sed -n "${LINENO}p" "$0" 2>/dev/null) || :; """
    f"""echo "{FAILED} """
    """(exit code $HSM_CODE): ${HSM_LINE:-$BASH_COMMAND}" >&2; unset HSM_SETTING_UP; exit "$HSM_CODE"; fi' ERR"""
)
# Bash runs it also when a signal ends the script, then mostly with the code of the last line that went well.
_EXIT_TRAP = (
    """trap 'HSM_CODE=$?; if [ -n "${HSM_SETTING_UP-}" ]; then case "$HSM_CODE $BASH_COMMAND" in """
    f""""0 exit"*|[1-9]*) echo "{ENDED} (exit code $HSM_CODE): $BASH_COMMAND" >&2; esac; fi' EXIT"""
)


def guarded(lines: Sequence[str], *, strict: bool) -> list[str]:
    """Returns the lines as they stand in a script.

    Args:
        strict: the first one that fails ends the script with its exit code.
    """
    if not lines:
        return []
    guards, after = ([_TRAP], ["trap - ERR"]) if strict else ([], [])
    return ["HSM_SETTING_UP=1", _EXIT_TRAP, *guards, *lines, *after, "unset HSM_SETTING_UP"]


def require_shell(lines: Sequence[str], host: Host) -> None:
    """Refuses lines that bash can't read.

    Raises:
        ConfigError: a quote or an ``if`` is left open, or the like.
    """
    try:
        done = host.run(["bash", "-n", "-c", "\n".join(lines)], _CHECK_S)
    except OSError:
        return  # its machine has no bash: the jobs' will tell
    if done.code not in (0, None):
        told = done.err.strip().splitlines()
        raise ConfigError(
            "bash can't read hydra.launcher.setup", evidence=told[0] if told else f"exit code {done.code}",
            fix="hydra.launcher.setup='[\"module load cuda\", \"source env.sh\"]'    # a line each",
        )  # fmt: skip


def failed_line(log: str, how: str = FAILED) -> str:
    """Returns what a log says of a failed line, with the output before it; empty if it says nothing.

    Args:
        log: the end of a job's log.
        how: ``FAILED``, or ``ENDED`` for one that ended the script.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    at = next((n for n in reversed(range(len(lines))) if lines[n].startswith(how)), None)
    if at is None:
        return ""
    before = [re.sub(r"^\S*slurm_script: ", "", line) for line in lines[max(0, at - _LAST_LINES) : at]]
    return lines[at].removeprefix("hsm: ") + (f"; it said: {' / '.join(before)}" if before else "")
