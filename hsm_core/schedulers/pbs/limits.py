"""Reads the limits of a PBS server and its queues for one user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from ..interface import Allowed, Limit
from .commands import Commands, no_answer
from .parse import Attributes, read
from .routing import destinations, why_not, wish_in

_ARRAY_SIZE = ("max_array_size", "max_job_array_size")
#: limits on waiting and running jobs of a user: Torque's queue, PBS Pro's own, those on waiting ones alone
_OF_A_USER = ("max_user_queuable", "max_queued", "queued_jobs_threshold")
#: ``[u:PBS_GENERIC=5]``: user, group, project or all, a name, a number
_LIMIT = re.compile(r"\[([ugpo]):\"?([^=\"\]]+)\"?=(\d+)\]")
_ALL = {"o": "PBS_ALL", "u": "PBS_GENERIC", "g": "PBS_GENERIC", "p": "PBS_GENERIC"}


def allowed(commands: Commands, queue: str | None, project: str | None = None, asked: str = "") -> Allowed:
    """Returns the stricter of the server's and the queue's limits; of the default queue if none is named.

    For a routing queue, only destinations that take such a job count: the one with the largest arrays.

    Args:
        asked: the job's resources in PBS's own words.

    Raises:
        NoAnswer: nothing is known.
    """
    queue_of = partial(_queue, commands)
    server = next(iter(attributes_of(commands, ["qstat", "-B", "-f"]).values()), {})
    chosen = queue or server.get("default_queue", "")
    places = {"server": server}
    if chosen:
        places[f"queue {chosen}"] = queue_of(chosen)
    ends = destinations(chosen, queue_of) if _is_routing(places.get(f"queue {chosen}", {})) else []
    broken = {name: why_not(said, wish_in(asked)) for name, said in ends}
    taking = [(name, said) for name, said in ends if not broken[name]]
    sizes = [size for place, attributes in places.items() for size in _sizes(place, attributes)]
    size, sizes_from = min([*sizes, *_largest(taking or ends)], default=(None, ""))
    told = "; ".join(f"queue {name}: {why}" for name, why in broken.items())
    limits = [
        Limit(count, f"{place}: {name}", queue="" if place == "server" else chosen)
        for place, attributes in places.items()
        for name, count in _counts(attributes, commands.host.user, project)
    ]
    return Allowed(
        array_size=size, limits=tuple(limits), sizes_from=sizes_from,
        refusal=f"queue {chosen} routes to queues that all refuse it: {told}" if ends and not taking else "",
    )  # fmt: skip


def _queue(commands: Commands, name: str) -> Attributes:
    return attributes_of(commands, ["qstat", "-Q", "-f", name]).get(name, {})


def _is_routing(said: Attributes) -> bool:
    return said.get("queue_type", "").lower() == "route"


def _largest(queues: list[tuple[str, Attributes]]) -> list[tuple[int, str]]:
    """Returns the largest array that any of these queues takes; nothing if one has no limit."""
    sizes = [min(_sizes(f"queue {name}", said), default=None) for name, said in queues]
    known = [size for size in sizes if size is not None]
    return [max(known)] if known and len(known) == len(sizes) else []


def attributes_of(commands: Commands, argv: list[str]) -> dict[str, Attributes]:
    """Asks about the server or its queues, and returns their attributes by name.

    Raises:
        NoAnswer: the command failed.
    """
    done = commands.ask(argv)
    if done.code != 0:
        raise no_answer(done)
    return read(done.out)


def _sizes(place: str, attributes: Attributes) -> Iterator[tuple[int, str]]:
    for name in _ARRAY_SIZE:
        if attributes.get(name, "").isdigit():
            yield int(attributes[name]), f"{place}: {name}={attributes[name]}"


def _counts(attributes: Attributes, user: str, project: str | None) -> Iterator[tuple[str, int]]:
    for name in _OF_A_USER:
        written = attributes.get(name, "")
        counts = [int(written)] if written.isdigit() else _of(written, user, project)
        yield from ((name, count) for count in counts)


def _of(written: str, user: str, project: str | None) -> Iterator[int]:
    """Yields limits that apply to this user; one by name takes precedence over the one for everybody."""
    found = {(kind, name.strip()): int(count) for kind, name, count in _LIMIT.findall(written)}
    for kind, name in (("u", user), ("p", project or ""), ("o", "PBS_ALL"), ("g", "")):
        count = found.get((kind, name), found.get((kind, _ALL[kind])))
        if count is not None:
            yield count
