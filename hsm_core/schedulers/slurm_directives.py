"""Reads what users say to sbatch in its own words, and refuses what hsm must say itself."""

from __future__ import annotations

import re
import shlex

from hsm_core.errors import ConfigError

#: would make another submission of it than the one that was asked for
_NOT_YOURS = {
    "--array": "hydra.launcher.mode=array hydra.launcher.array_parallelism=4",
    "-a": "hydra.launcher.mode=array hydra.launcher.array_parallelism=4",
    "--wait": "hydra.launcher.detach=false",
    "-W": "hydra.launcher.detach=false",
    "--test-only": "hydra.launcher.dry_run=true",
    "--wrap": "hydra.launcher.setup=[…]",
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


def raw_lines(raw: str) -> list[str]:
    """``--nodes=1 --gres gpu:1`` as a line for each option.

    Raises:
        ConfigError: it is not in sbatch's words.
    """
    lines: list[str] = []
    for word in _split(raw):
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            lines.append(f"#SBATCH {shlex.quote(name)}{equals}{shlex.quote(value) if equals else ''}")
        elif lines and "=" not in lines[-1] and lines[-1].count(" ") == 1:
            lines[-1] += f" {shlex.quote(word)}"
        else:
            raise ConfigError(
                f"hydra.launcher.resources: {word!r} is no option of sbatch",
                evidence=raw,
                fix="hydra.launcher.resources='--nodes=1 --gres=gpu:1'",
            )
    return lines


def _split(raw: str) -> list[str]:
    try:
        return shlex.split(raw)
    except ValueError as error:
        raise ConfigError(f"hydra.launcher.resources can't be read: {error}", evidence=raw) from error


def directive(line: str) -> str:
    return line if line.startswith("#SBATCH") else f"#SBATCH {line}"


def said_in(script: str) -> set[str]:
    """The variables of sbatch's environment that would go before what the head of a script says.

    Source: "INPUT ENVIRONMENT VARIABLES" of sbatch(1); an option that is not named here has its own name there.
    """
    found: set[str] = set()
    for option in re.findall(r"^#SBATCH\s+(--[\w-]+|-\w)", script, re.MULTILINE):
        name = _LETTERS.get(option) or option.lstrip("-").upper().replace("-", "_")
        found.update(f"SBATCH_{variable}" for variable in _VARIABLES.get(name, (name,)))
    return found


def check_line(line: str) -> None:
    """A directive is one line, and none that changes what is submitted."""
    if "\n" in line or "\r" in line:
        raise ConfigError("what is asked of Slurm must be on one line", evidence=repr(line))
    option = re.match(r"#SBATCH\s+(--[\w-]+|-[aW])", line)
    if option and option[1] in _NOT_YOURS:
        raise ConfigError(
            f"{option[1]} can't be asked of Slurm: hsm says it itself",
            evidence=line,
            fix=_NOT_YOURS[option[1]],
        )
