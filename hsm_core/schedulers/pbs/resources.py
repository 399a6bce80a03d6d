"""Writes nodes, cores, memory and time in PBS Pro's words or in Torque's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from hsm_core.errors import ConfigError

from .settings import PbsResources

#: a resource of a whole chunk, in raw words
_CHUNK = re.compile(r"\b(?:select|nodes|ncpus|ppn|mem|ngpus|gpus)=")
_FIELDS = ("cpus_per_task", "mem_gb", "gpus_per_node")


def resource_lines(asked: PbsResources) -> Iterator[str]:
    """Yields the ``-l`` lines, and other options that ``raw`` holds.

    Raises:
        ConfigError: two fields say the same thing, or this flavour can't say it.
    """
    _check(asked)
    if asked.raw:
        yield from _raw_lines(asked.raw, asked.flavour)
    if asked.select:
        yield from _select(asked.select, asked.flavour)
    elif not _has_chunk(asked.raw) and (chunk := _chunk(asked)):
        yield f"-l {chunk}"
    if place := asked.place or _spread(asked):
        yield f"-l place={place}"
    if asked.walltime_min:
        yield f"-l walltime={_clock(asked.walltime_min)}"
    if asked.storage:
        yield f"-l storage={asked.storage}"


def _check(asked: PbsResources) -> None:
    """Refuses a resource that would be set twice: PBS would silently take one of the two."""
    whole = "resources" if _has_chunk(asked.raw) else "select" if asked.select else ""
    words = str(asked.raw if whole == "resources" else asked.select)
    if whole == "resources" and asked.select:
        raise _twice(whole, words, "select")
    named = [name for name in _FIELDS if getattr(asked, name) is not None]
    if whole and named:
        raise _twice(whole, words, named[0])
    if asked.raw and asked.walltime_min and "walltime=" in asked.raw:
        raise _twice("resources", asked.raw, "walltime")
    if asked.place and asked.flavour == "torque":
        raise ConfigError("Torque does not know hydra.launcher.place", fix="hydra.launcher.place=null")
    if whole:
        said = words if whole == "resources" else f"select={words}"
        check_processes(whole, said, asked.ranks, asked.ranks_by)


def _twice(whole: str, words: str, field: str) -> ConfigError:
    return ConfigError(
        f"{whole} and {field} exclude each other",
        evidence=f"{whole}={words!r}",
        fix=f"hydra.launcher.{whole}=null    # or hydra.launcher.{field}=null",
    )


def _has_chunk(raw: str | None) -> bool:
    return bool(raw and _CHUNK.search(raw))


def _chunk(asked: PbsResources) -> str:
    return _pro_chunk(asked) if asked.flavour == "pbspro" else _torque_nodes(asked)


def _pro_chunk(asked: PbsResources) -> str:
    """Returns ``select=2:ncpus=8:mpiprocs=2:mem=16gb:ngpus=1``; empty if all is left to the site."""
    ranks = asked.ranks > 1
    cores = (asked.cpus_per_task or 1) * asked.tasks_per_node if asked.cpus_per_task or ranks else None
    parts = {
        "ncpus": cores,
        "mpiprocs": asked.tasks_per_node if ranks else None,
        "mem": _memory(asked.mem_gb),
        "ngpus": asked.gpus_per_node,
    }
    said = [f":{name}={value}" for name, value in parts.items() if value is not None]
    return f"select={asked.nodes}{''.join(said)}" if said else ""


def _torque_nodes(asked: PbsResources) -> str:
    """Returns ``nodes=2:ppn=8:gpus=1,mem=32gb``; memory is that of the whole job."""
    ranks = asked.ranks > 1
    cores = (asked.cpus_per_task or 1) * asked.tasks_per_node if asked.cpus_per_task or ranks else None
    parts = [f":ppn={cores}" if cores else "", f":gpus={asked.gpus_per_node}" if asked.gpus_per_node else ""]
    memory = _memory(None if asked.mem_gb is None else asked.mem_gb * asked.nodes)
    if not any(parts) and not memory:
        return ""
    return f"nodes={asked.nodes}{''.join(parts)}" + (f",mem={memory}" if memory else "")


def _spread(asked: PbsResources) -> str:
    """Asks for separate hosts if there are several nodes: PBS Pro may put several chunks on one."""
    own_words = _has_chunk(asked.raw) or asked.select
    return "scatter" if asked.nodes > 1 and asked.flavour == "pbspro" and not own_words else ""


def _raw_lines(raw: str, flavour: str) -> Iterator[str]:
    """Yields lines of ``select=1:ncpus=4 walltime=1:00:00``, ``nodes=1:ppn=4,mem=16gb``, ``-l nodes=1 -q long``."""
    text = " ".join(raw.split())
    if text.startswith("-"):
        if flavour == "torque" and re.search(r"\bselect=", text):
            raise _no_select(text)
        yield text
        return
    for part in text.split(" "):
        head, _, value = part.partition("=")
        if head == "select" and flavour == "torque":
            yield from _select(value, flavour)
        else:
            yield f"-l {part}"


def _select(value: str, flavour: str) -> Iterator[str]:
    """Yields ``select`` as it is for PBS Pro; in Torque's words for Torque, which would take but ignore it."""
    yield f"-l select={value}" if flavour == "pbspro" else f"-l {_as_nodes(value)}"


def _as_nodes(select: str) -> str:
    """Returns ``nodes=2:ppn=4:gpus=1,mem=32gb`` for ``2:ncpus=4:mem=16gb:ngpus=1``."""
    chunk, *further = select.split(",")
    count, *parts = chunk.split(":")
    if not count.isdigit():
        count, parts = "1", [count, *parts]
    said = dict(part.partition("=")[::2] for part in parts)
    memory = re.fullmatch(r"(\d+)([kmgt]?b)", said.pop("mem", "0gb"), re.IGNORECASE)
    cores, gpus = said.pop("ncpus", ""), said.pop("ngpus", "")
    said.pop("mpiprocs", "")
    if said or "+" in select or memory is None:
        raise _no_select(f"select={select}")
    nodes = f"nodes={count}" + (f":ppn={cores}" if cores else "") + (f":gpus={gpus}" if gpus else "")
    total = int(memory[1]) * int(count)
    return ",".join([nodes, *([f"mem={total}{memory[2]}"] if total else []), *further])


def _no_select(words: str) -> ConfigError:
    return ConfigError(
        "Torque does not know select",
        evidence=words,
        fix="hydra.launcher.resources='\"nodes=1:ppn=4,mem=16gb\"'",
    )


def _memory(gib: float | None) -> str | None:
    """Returns ``16gb``, or ``1536mb``: PBS takes no fractions."""
    if gib is None:
        return None
    return f"{int(gib)}gb" if gib == int(gib) else f"{math.ceil(gib * 1024)}mb"


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}:00"


_SELECT = re.compile(r"\bselect=([^\s,]+)")


def check_processes(field: str, words: str, ranks: int, ranks_by: str | None) -> None:
    """Refuses places for processes that don't match a task's number of ranks.

    Args:
        field: where the words stand.
        words: ``select=2:ncpus=4:mpiprocs=4``, perhaps among others.

    Raises:
        ConfigError: with the fields that say the same.
    """
    chunks = list(_chunks(words))
    processes = sum(count * each for count, each in chunks)
    if processes in (0, 1, ranks):
        return
    alike = len({each for _, each in chunks}) == 1
    nodes = sum(count for count, _ in chunks) if alike else 1
    starter = "" if ranks_by else " hydra.launcher.ranks_by=mpiexec"
    raise ConfigError(
        f"{field} asks for {processes} MPI processes, but your task has {ranks} rank{'s' * (ranks > 1)}",
        evidence=words,
        fix=f"hydra.launcher.nodes={nodes} hydra.launcher.tasks_per_node={processes // nodes}{starter}",
    )


def _chunks(words: str) -> Iterator[tuple[int, int]]:
    """Yields for each chunk its count and its processes; nothing where none is named.

    Where others name theirs, PBS counts one of a chunk that has a core.
    """
    value = "".join(_SELECT.findall(words)[:1])
    for chunk in value.split("+") if "mpiprocs=" in value else ():
        count, said = re.match(r"\d+(?=:|$)", chunk), re.search(r"\bmpiprocs=(\d+)", chunk)
        by_itself = 0 if re.search(r"\bncpus=0\b", chunk) else 1
        yield int(count[0]) if count else 1, int(said[1]) if said else by_itself
