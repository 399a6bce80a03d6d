"""Finds where a routing queue sends a job: PBS accepts it at once, and drops it if no destination takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .parse import Attributes

#: queues that a job may pass, one after the other
_MOST_HOPS = 4
_UNITS = {"b": 1 / 1024, "w": 8 / 1024, "k": 1, "m": 1024, "g": 1024**2, "t": 1024**3, "p": 1024**4}


@dataclass(frozen=True)
class Wish:
    """The part of a job's request that decides which destinations take it; None: not asked for.

    Args:
        walltime: seconds.
        mem: kB, of all its chunks.
    """

    walltime: float | None = None
    mem: float | None = None


def wish_in(words: str) -> Wish:
    """Reads resources in PBS's own words: ``-l select=2:mem=4gb -l walltime=1:00:00``; the first of each counts."""
    walltime = re.search(r"\bwalltime=([\d:.]+)", words)
    select = re.search(r"\bselect=(\S+)", words)
    chunks = list(_memory(select[1])) if select else []
    plain = re.search(r"(?:^|[\s,])mem=(\w+)", words)
    mem = sum(chunks) if chunks else _kb(plain[1]) if plain else None
    return Wish(_seconds(walltime[1]) if walltime else None, mem)


def destinations(
    queue: str, attributes_of: Callable[[str], Attributes], hops: int = 0
) -> list[tuple[str, Attributes]]:
    """Returns the queues where a job may land, with their attributes; the queue alone if it does not route.

    Args:
        attributes_of: of a queue of this server; those of another server, or that can't be seen, are left empty.
    """
    said = attributes_of(queue)
    if said.get("queue_type", "").lower() != "route" or hops == _MOST_HOPS:
        return [(queue, said)]
    names = [name.strip() for name in said.get("route_destinations", "").split(",") if name.strip()]
    found: list[tuple[str, Attributes]] = []
    for name in names:
        found += [(name, {})] if "@" in name else destinations(name, attributes_of, hops + 1)
    return found


def why_not(said: Attributes, wish: Wish) -> str:
    """Returns the limits of a queue that a job exceeds, as the queue writes them; empty if it takes the job."""
    return ", ".join(_broken(said, wish))


def _broken(said: Attributes, wish: Wish) -> Iterator[str]:
    for name, asked, read in (("walltime", wish.walltime, _seconds), ("mem", wish.mem, _kb)):
        for end, is_broken in (("max", float.__gt__), ("min", float.__lt__)):
            limit = said.get(f"resources_{end}.{name}", "")
            number = read(limit) if limit else None
            if asked is not None and number is not None and is_broken(float(asked), float(number)):
                yield f"resources_{end}.{name} = {limit}"


def _memory(select: str) -> Iterator[float]:
    for chunk in select.split("+"):
        count, mem = re.match(r"\d+(?=:|$)", chunk), re.search(r"\bmem=(\w+)", chunk)
        kb = _kb(mem[1]) if mem else None
        if kb is not None:
            yield (int(count[0]) if count else 1) * kb


def _kb(written: str) -> float | None:
    match = re.fullmatch(r"(\d+)([kmgtp]?)([bw]?)", written.lower())
    if match is None:
        return None
    unit = _UNITS[match[2]] if match[2] else _UNITS[match[3] or "b"]
    return int(match[1]) * unit * (8 if match[2] and match[3] == "w" else 1)


def _seconds(written: str) -> float | None:
    total = 0.0
    for part in written.split(":"):
        if not re.fullmatch(r"\d+(?:\.\d*)?", part):
            return None
        total = total * 60 + float(part)
    return total
