"""Draws some of many tasks at random, in no more time than it takes to list them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import compress

from .product import indices_of

#: From this share on, marking all is cheaper than drawing one by one.
_SHARE = 20
_MARKED_AT_MOST = 50_000_000


def sampled(items: Sequence[int], count: int, seed: int) -> Sequence[int]:
    """``count`` of ``items`` in their own order, each choice equally likely; all if there are fewer."""
    total = len(items)
    if count >= total:
        return items
    rng = random.Random(seed)
    if count * _SHARE < total or total > _MARKED_AT_MOST:
        return indices_of(items[place] for place in sorted(rng.sample(range(total), count)))
    return indices_of(compress(items, _marks(total, count, rng)))


def _marks(total: int, count: int, rng: random.Random) -> Iterable[int]:
    """``total`` flags, ``count`` of them set: those with the smallest random bytes, ties drawn."""
    drawn = rng.randbytes(total)
    left = count
    for level in range(256):
        here = drawn.count(level)
        if here > left:
            break
        left -= here
    marks = bytearray(drawn.translate(bytes(byte < level for byte in range(256))))
    ties = list(compress(range(total), drawn.translate(bytes(byte == level for byte in range(256)))))
    for place in rng.sample(ties, left):
        marks[place] = 1
    return marks
