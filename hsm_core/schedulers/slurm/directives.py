"""Reads options that users write in sbatch's own words, and refuses those that hsm must set itself."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from hsm_core.errors import ConfigError

#: instead of --chdir, with which Slurm's log would leave the sweep
_WHERE_TASKS_RUN = "cd /data && python …    # or hydra.job.chdir=true, for each task in its own directory"
_WHERE_LOGS_ARE = "hsm logs SWEEP TASK    # what a task prints; Slurm's own log is in .hsm/logs of the sweep"
#: would make another submission of it than the one that was asked for
_NOT_YOURS = {
    "--array": "hydra.launcher.mode=array hydra.launcher.array_parallelism=4",
    "-a": "hydra.launcher.mode=array hydra.launcher.array_parallelism=4",
    "--wait": "hydra.launcher.detach=false",
    "-W": "hydra.launcher.detach=false",
    "--test-only": "hydra.launcher.dry_run=true",
    "--wrap": "hydra.launcher.setup=[…]",
    "--chdir": _WHERE_TASKS_RUN,
    "-D": _WHERE_TASKS_RUN,
    **dict.fromkeys(("--job-name", "-J"), "hydra.launcher.name=…"),
    **dict.fromkeys(("--output", "-o", "--error", "-e"), _WHERE_LOGS_ARE),
}
#: options of one letter, by the name of their variable
_LETTERS = {
    "-A": "ACCOUNT", "-C": "CONSTRAINT", "-G": "GPUS", "-M": "CLUSTERS", "-k": "NO_KILL", "-p": "PARTITION",
    "-q": "QOS", "-s": "OVERSUBSCRIBE", "-t": "TIME",
}  # fmt: skip
_MEMORY = ("MEM_PER_CPU", "MEM_PER_GPU", "MEM_PER_NODE")
#: variables with another name than their option, or that contradict it
_VARIABLES = {
    "TIME": ("TIMELIMIT",), "MEM": _MEMORY, "MEM_PER_CPU": _MEMORY, "MEM_PER_GPU": _MEMORY,
    "REQUEUE": ("REQUEUE", "NO_REQUEUE"), "NO_REQUEUE": ("REQUEUE", "NO_REQUEUE"),
}  # fmt: skip
#: Sizes of the parts of a time, as sbatch counts them: from the right, but from the left after days.
_CLOCK = {1: (60,), 2: (60, 1), 3: (3600, 60, 1)}
_AFTER_DAYS = (3600, 60, 1)


def raw_lines(raw: str) -> list[str]:
    """Splits ``--nodes=1 --gres gpu:1`` into a line for each option.

    Raises:
        ConfigError: it is not in sbatch's words.
    """
    lines: list[str] = []
    for word in _split(raw, "hydra.launcher.resources"):
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            lines.append(f"#SBATCH {shlex.quote(name)}{equals}{shlex.quote(value) if equals else ''}")
        elif lines and "=" not in lines[-1] and lines[-1].count(" ") == 1:
            lines[-1] += f" {shlex.quote(word)}"
        else:
            raise ConfigError(
                f"hydra.launcher.resources: sbatch has no option {word!r}",
                evidence=raw,
                fix="hydra.launcher.resources='--nodes=1 --gres=gpu:1'",
            )
    return lines


def _split(text: str, what: str, *, comments: bool = False) -> list[str]:
    try:
        return shlex.split(text, comments)
    except ValueError as error:
        raise ConfigError(f"{what} can't be read: {error}", evidence=text) from error


def directive(line: str) -> str:
    """Returns a line for the script's head, from one that users copy from their own scripts; comments stay."""
    line = line.strip()
    return line if line.startswith("#") or not line else f"#SBATCH {line}"


def escaped(line: str) -> str:
    """Escapes a line so that sbatch, which removes backslashes in all quotes, reads it as a shell would."""
    return line.replace("\\", "\\\\")


def options_in(script: str) -> dict[str, str]:
    """Returns the options in the head of a script, by their variables' names (``PARTITION``); the last one counts."""
    return {_variable(option): value for option, value in _options(script.splitlines())}


def said_in(script: str) -> set[str]:
    """Returns the variables of sbatch's environment that would override the head of a script.

    Source: "INPUT ENVIRONMENT VARIABLES" of sbatch(1); an option that is not named here has its own name there.
    """
    found: set[str] = set()
    for option, _ in _options(script.splitlines()):
        name = _variable(option)
        found.update(f"SBATCH_{variable}" for variable in _VARIABLES.get(name, (name,)))
    return found


def _variable(option: str) -> str:
    return _LETTERS.get(option) or option.lstrip("-").upper().replace("-", "_")


def _options(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields each option in lines of a script with its value: the next word, unless one is joined to it."""
    for line in lines:
        if not line.startswith("#SBATCH"):
            continue
        words = _split(line.removeprefix("#SBATCH"), "a directive", comments=True)
        for word, following in zip_longest(words, words[1:], fillvalue=""):
            if word.startswith("--"):
                name, equals, value = word.partition("=")
                yield name, value if equals else following
            elif word.startswith("-"):
                yield word[:2], word[2:] or following


def place_in(lines: Iterable[str]) -> tuple[str | None, str | None, str | None]:
    """Returns partition, account and QOS from lines of a script, where the last counts, or else the environment."""
    said = {_variable(option): value for option, value in _options(lines)}
    partition, account, qos = (
        said.get(name) or os.environ.get(f"SBATCH_{name}") or None for name in ("PARTITION", "ACCOUNT", "QOS")
    )
    return partition, account, qos


def says_time(lines: Iterable[str]) -> bool:
    """Returns whether lines of a script set a time limit."""
    return any(option in ("--time", "-t", "--time-min") for option, _ in _options(lines))


def time_limit(lines: Iterable[str]) -> float:
    """Returns the time limit in seconds that lines of a script set, where the last counts; infinity without one.

    Source: ``--time`` of sbatch(1): minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]].
    """
    told = [value for option, value in _options(lines) if option in ("--time", "-t")]
    return (_seconds(told[-1]) if told else 0) or math.inf


def _seconds(text: str) -> int:
    """Returns the seconds that sbatch reads in a time; 0, which means no limit, also for a word."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+(?::\d+){0,2})", text)
    if match is None:
        return 0
    parts = [int(part) for part in match[2].split(":")]
    sizes = _CLOCK[len(parts)] if match[1] is None else _AFTER_DAYS
    return int(match[1] or 0) * 86_400 + sum(part * size for part, size in zip(parts, sizes, strict=False))


def check_line(line: str) -> None:
    """Refuses a directive of more than one line, or one that changes what is submitted."""
    if "\n" in line or "\r" in line:
        raise ConfigError("Slurm's options can't contain line breaks", evidence=repr(line))
    for option, _ in _options([line]):
        if option in _NOT_YOURS:
            raise ConfigError(
                f"{option} can't be set: hsm sets it itself", evidence=line, fix=_NOT_YOURS[option]
            )
