"""Suggests what a job that Slurm refused could ask for: partitions, accounts, limits of time and nodes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from hsm_core.errors import BackendError, NoAnswer

from .commands import Commands
from .directives import options_in, place_in, time_limit

_GPUS = re.compile(r"gpu(?::[^:,(]+)?:(\d+)")
_UNITS = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}


def explained(error: BackendError, script: str, commands: Commands) -> BackendError:
    """Returns the same error with the field to change and possible values, as far as Slurm tells them.

    Args:
        script: the text of the script that was refused.
    """
    try:
        if error.field in ("partition", "account", "qos"):
            error.choices = tuple(dict.fromkeys(_names(commands, error.field)))
        elif error.field == "constraint":
            found = commands.answer(["sinfo", "-h", "-o", "%f"])
            features = {name for text in found.split() for name in text.split(",")}
            error.choices = tuple(sorted(features - {"(null)"})) or ("null",)
        elif error.field == "walltime":
            error.choices = tuple(_minutes(commands, script))
        elif "node configuration" in error.problem or error.field in ("mem_gb", "gpus_per_node"):
            error.field, error.choices = _above_nodes(commands, script) or (error.field, ())
    except NoAnswer:
        return error
    return error


def _names(commands: Commands, field: str) -> Iterator[str]:
    if field == "partition":
        found = commands.answer(["sinfo", "-h", "-a", "-o", "%P %a"]).split("\n")
        rows = [line.split() for line in found if len(line.split()) == 2]
        rows.sort(key=lambda row: (row[1] != "up", not row[0].endswith("*")))
        yield from (name.rstrip("*") for name, _ in rows)
        return
    mine = f"user={commands.host.user}"
    for line in commands.answer(["sacctmgr", "-nP", "show", "assoc", mine, f"format={field}"]).split():
        yield from (name for name in line.split(",") if name)


def _minutes(commands: Commands, script: str) -> Iterator[str]:
    """Yields the longest time, in minutes, that the job's partition takes, if less than was asked for."""
    limits = [time_limit([f"#SBATCH --time={text}"]) for text in _of_nodes(commands, script, "%l")]
    longest = max(limits, default=math.inf)
    if longest < time_limit(script.splitlines()):
        yield str(math.floor(longest / 60))


def _above_nodes(commands: Commands, script: str) -> tuple[str, tuple[str, ...]] | None:
    """Returns the launcher's field that asks for more than any node of the partition has, and the most there is."""
    asked = options_in(script)
    memory = re.fullmatch(r"(\d+)([KMGT]?)B?", asked.get("MEM", ""))
    has_mb = max(_numbers(commands, script, "%m"), default=math.inf)
    if memory and int(memory[1]) * _UNITS[memory[2] or "M"] > has_mb:
        return "mem_gb", (f"{math.floor(has_mb / 102.4) / 10:g}",)
    cores = max(_numbers(commands, script, "%c"), default=math.inf)
    if asked.get("CPUS_PER_TASK", "").isdigit() and int(asked["CPUS_PER_TASK"]) > cores:
        return "cpus_per_task", (f"{cores:g}",)
    gpus = re.search(r"(\d+)$", asked.get("GPUS_PER_NODE", "") or asked.get("GRES", ""))
    kinds = _of_nodes(commands, script, "%G")
    has_gpus = max((int(number) for text in kinds for number in _GPUS.findall(text)), default=0)
    if gpus and int(gpus[1]) > has_gpus:
        return "gpus_per_node", (str(has_gpus),)
    nodes = sum(_numbers(commands, script, "%D"))
    if asked.get("NODES", "").isdigit() and int(asked["NODES"]) > nodes > 0:
        return "nodes", (f"{nodes:g}",)
    return None


def _numbers(commands: Commands, script: str, column: str) -> list[float]:
    return [float(number[0]) for text in _of_nodes(commands, script, column) if (number := re.match(r"\d+", text))]


def _of_nodes(commands: Commands, script: str, column: str) -> list[str]:
    """Returns what sinfo says of the nodes of the job's partition, one value for each kind of node."""
    partition = place_in(script.splitlines())[0]
    rows = [line.split() for line in commands.answer(["sinfo", "-h", "-o", f"%P {column}"]).split("\n")]
    named = [row for row in rows if len(row) == 2 and row[0].rstrip("*") in (partition or "").split(",")]
    return [row[1] for row in named or [row for row in rows if len(row) == 2 and row[0].endswith("*")]]
