"""What a job that PBS refused could ask for instead: its queues, and their limit of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import BackendError, NoAnswer

from .limits import attributes_of
from .parse import Attributes


def explained(error: BackendError, path: Path) -> BackendError:
    """The same error with the field to be changed, as far as PBS tells it, and values that it may have.

    Args:
        path: the script that was refused.
    """
    if error.field not in ("queue", "walltime"):
        return error
    try:
        queues = attributes_of(["qstat", "-Q", "-f"])
        server = next(iter(attributes_of(["qstat", "-B", "-f"]).values()), {})
    except NoAnswer:
        return error
    usual = server.get("default_queue", "")
    if error.field == "queue":
        error.choices = tuple(sorted(_open(queues), key=lambda name: name != usual))
    else:
        script = path.read_text(errors="replace")
        said = re.search(r"^#PBS -q (\S+)", script, re.MULTILINE)
        places = [server, queues.get(said[1] if said else usual, {})]
        error.choices = tuple(_minutes(places, script))
        error.field = "walltime" if error.choices else ""  # another limit was met
    return error


def _open(queues: dict[str, Attributes]) -> Iterator[str]:
    for name, attributes in queues.items():
        if attributes.get("enabled", "True") == "True" and attributes.get("started", "True") == "True":
            yield name


def _minutes(places: list[Attributes], script: str) -> Iterator[str]:
    """The longest time that server and queue take, if that is less than was asked for."""
    said = re.search(r"\bwalltime=([\d:]+)", script)
    limits = [_seconds(text) for place in places if (text := place.get("resources_max.walltime", ""))]
    if said and limits and min(limits) < _seconds(said[1]):
        yield str(min(limits) // 60)


def _seconds(clock: str) -> int:
    """Of ``90``, ``10:00``, ``1:00:00``."""
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part or 0)
    return seconds
