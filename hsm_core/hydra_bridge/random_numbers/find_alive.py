"""Finds objects of some types anywhere in this process: in modules, objects, closures, containers."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import islice

_AT_ONCE = 20_000
#: The collector stops to follow these while they hold only what it does not follow.
_CONTAINERS = (dict, tuple)


def followed(*kinds: type) -> list[object]:
    """Returns the live objects of types that the garbage collector tracks: of all that are written in Python."""
    return list(_of(kinds, _all()))


def unfollowed(*kinds: type) -> list[object]:
    """Returns live objects of types that it does not track, found through the tracked ones that refer to them."""
    found: dict[int, object] = {}
    seen: set[int] = set()
    todo = _all()
    while todo:
        given_up: list[object] = []
        for some in _portions(todo):
            referred = gc.get_referents(*some)
            found |= {id(one): one for one in _of(kinds, referred)}
            given_up += [
                one for one in referred if type(one) in _CONTAINERS and not gc.is_tracked(one)
            ]  # fmt: skip
        todo = list({id(one): one for one in given_up if id(one) not in seen}.values())
        seen.update(map(id, todo))
    return list(found.values())


def place_of(wanted: object) -> str:
    """Returns the name under which a module holds an object, such as ``util.RNG``; empty if none does."""
    names = [
        f"{name}.{attribute}"
        for name, module in list(sys.modules.items())
        for attribute, value in list(getattr(module, "__dict__", {}).items())
        if value is wanted
    ]
    return min(names, key=lambda name: ("._" in name, len(name)), default="")


def _all() -> list[object]:
    if gc.get_freeze_count():
        gc.unfreeze()  # what is frozen is not listed
    return gc.get_objects()


def _of(kinds: tuple[type, ...], objects: list[object]) -> Iterator[object]:
    there = {kind for kind in set(map(type, objects)) if issubclass(kind, kinds)}
    return (one for one in objects if type(one) in there) if there else iter(())


def _portions(objects: list[object]) -> Iterator[list[object]]:
    stream = iter(objects)
    while some := list(islice(stream, _AT_ONCE)):
        yield some
