"""Draws some of many tasks at random, or all of them in a random order, without listing them."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import overload

from .product import indices_of

#: From this share on, marking all is cheaper than drawing one by one.
_SHARE = 20
_MARKED_AT_MOST = 50_000_000


def sampled(items: Sequence[int], count: int, seed: int) -> Sequence[int]:
    """Returns ``count`` of ``items`` in their order, each choice equally likely; all if there are fewer."""
    total = len(items)
    if count >= total:
        return items
    rng = random.Random(seed)
    if count * _SHARE < total or total > _MARKED_AT_MOST:
        return indices_of(items[place] for place in sorted(rng.sample(range(total), count)))
    return indices_of(compress(items, _marks(total, count, rng)))


def _marks(total: int, count: int, rng: random.Random) -> Iterable[int]:
    """Returns ``total`` flags, ``count`` of them set: those with the smallest random bytes, ties drawn."""
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


_MASK = (1 << 64) - 1
_ROUNDS = 5


class Shuffled(Sequence[int]):
    """``items`` in a seeded random order, without a copy of them.

    A Feistel network permutes the smallest square power of two that holds all positions; positions outside
    are permuted again until they fall inside ("cycle walking", Black and Rogaway 2002).
    """

    def __init__(self, items: Sequence[int], seed: int) -> None:
        self.items = items
        self._half = max(1, (max(len(items) - 1, 1).bit_length() + 1) // 2)
        self._keys = tuple(_mix(_mix(seed & _MASK) + turn) for turn in range(_ROUNDS))

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, position: int) -> int: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[int]: ...
    def __getitem__(self, position: int | slice) -> int | Sequence[int]:
        if isinstance(position, slice):
            return array("Q", (self[at] for at in range(*position.indices(len(self)))))
        return self.items[self._place(range(len(self))[position])]

    def _place(self, position: int) -> int:
        position = self._permute(position)
        while position >= len(self.items):
            position = self._permute(position)
        return position

    def _permute(self, position: int) -> int:
        half = self._half
        low_bits = (1 << half) - 1
        left, right = position >> half, position & low_bits
        for key in self._keys:
            mixed = ((right ^ key) * 0x9E3779B97F4A7C15) & _MASK
            left, right = right, left ^ ((mixed ^ (mixed >> 29)) >> 7 & low_bits)
        return left << half | right


def _mix(number: int) -> int:
    """Returns SplitMix64's finaliser of a number (Steele, Lea and Flood 2014)."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
