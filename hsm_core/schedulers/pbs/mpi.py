"""The MPI processes that PBS's own words ask for: nobody starts them unless the fields say so too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hsm_core.errors import ConfigError

_SELECT = re.compile(r"\bselect=([^\s,]+)")


def check_processes(field: str, words: str, ranks: int, ranks_by: str | None) -> None:
    """Refuse places for processes where a task has another number of ranks.

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
    """Of each chunk, how many and with how many processes; nothing where none is named.

    Where others name theirs, PBS counts one of a chunk that has a core.
    """
    value = "".join(_SELECT.findall(words)[:1])
    for chunk in value.split("+") if "mpiprocs=" in value else ():
        count, said = re.match(r"\d+(?=:|$)", chunk), re.search(r"\bmpiprocs=(\d+)", chunk)
        by_itself = 0 if re.search(r"\bncpus=0\b", chunk) else 1
        yield int(count[0]) if count else 1, int(said[1]) if said else by_itself
