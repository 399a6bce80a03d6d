"""Tells which of numpy's generators the app seeded, and gives the others new numbers."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from .find_alive import followed

#: So many times 624 numbers are drawn from a Mersenne Twister to see whether one state leads to another.
_FAR, _NEAR = 1000, 8
#: So many draws are repeated for SFC64.
_SFC_DRAWS = 10**6
#: Where a generator has what it was seeded with: its public name came with numpy 1.25.
_SEQUENCE = ("seed_seq", "_seed_seq")
#: Where a legacy generator has the one that it draws from; nothing public tells.
_DRAWN_FROM = "_bit_generator"
#: What sets a seed sequence in place; the second is its name before numpy 2.
_RESTORE = ("__setstate_cython__", "__setstate__")


class SeedSequence(Protocol):
    """Where generators take their seeds from."""

    entropy: object

    def __init__(self, entropy: object = None) -> None: ...


class BitGenerator(Protocol):
    """Draws random bits; its members have the names that numpy gives them."""

    state: Any  #: nested dicts and arrays, another form for each kind

    def __init__(self, seed: object = None) -> None: ...

    def random_raw(self, size: int, output: bool) -> object: ...


class LegacyGenerator(Protocol):
    """``numpy.random.RandomState``."""

    def get_state(self, legacy: bool) -> dict[str, object]: ...

    def set_state(self, state: dict[str, object]) -> None: ...


class Seeding(Enum):
    """Whether the app chose the state of a generator."""

    SEEDED = "seeded"
    UNSEEDED = "unseeded"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class NumpyGenerators:
    """The generators of numpy in this process.

    Args:
        sequences: where unseeded generators come from.
        unseeded: bit generators.
        halves: legacy generators on one of those, which keep half of a pair of normal numbers.
        unknown: generators that may be seeded or not, and what this numpy has no known way to renew.
    """

    sequences: list[SeedSequence]
    unseeded: list[BitGenerator]
    halves: list[LegacyGenerator]
    unknown: list[object]

    @classmethod
    def find(cls, drawn: Collection[int] | None) -> NumpyGenerators:
        """Finds the generators that are alive.

        Args:
            drawn: what the operating system gave while they were made; None if that could not be seen.
        """
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is None:
            return cls([], [], [], [])
        base, sequence, legacy = (
            getattr(numpy_random, name) for name in ("BitGenerator", "SeedSequence", "RandomState")
        )
        found: list[Any] = followed(base, sequence, legacy)
        bits = [one for one in found if isinstance(one, base)]
        if drawn is None:
            return cls([], [], [], [*bits])
        judged = {id(one): seeding_of(one, drawn) for one in bits}
        unseeded = [one for one in bits if judged[id(one)] is Seeding.UNSEEDED]
        sequences = [one for one in found if type(one) is sequence and _is_drawn(one, drawn)]
        closed = [one for one in found if isinstance(one, legacy) and not hasattr(one, _DRAWN_FROM)]
        if sequences and not _can_be_renewed(sequence):
            closed, sequences = [*closed, *sequences], []
        return cls(
            sequences=sequences,
            unseeded=unseeded,
            halves=[
                one for one in found
                if isinstance(one, legacy) and any(getattr(one, _DRAWN_FROM, None) is bits for bits in unseeded)
                and one.get_state(legacy=False)["has_gauss"]
            ],
            unknown=[*(one for one in bits if judged[id(one)] is Seeding.UNKNOWN), *closed],
        )  # fmt: skip

    def renew(self) -> None:
        """Gives new numbers to all generators that are not seeded; no object is replaced."""
        for sequence in self.sequences:
            _renew_sequence(sequence)
        for generator in self.unseeded:
            generator.state = _anew(generator).state
        for legacy in self.halves:
            legacy.set_state({**legacy.get_state(legacy=False), "has_gauss": 0, "gauss": 0.0})


def seeding_of(generator: BitGenerator, drawn: Collection[int]) -> Seeding:
    """Returns whether a bit generator's state comes from entropy of the operating system.

    Args:
        drawn: what it gave.
    """
    numpy_random = sys.modules["numpy.random"]
    kind = type(generator)
    if not any(hasattr(generator, name) for name in _SEQUENCE):
        return Seeding.UNKNOWN
    if kind.__name__ not in _LEADS_TO or getattr(numpy_random, kind.__name__, None) is not kind:
        return Seeding.UNKNOWN
    sequence = _sequence_of(generator)
    if sequence is None:  # by seed(3); also by seed(), and by seed(3) between get_state and set_state
        given = (kind(numpy_random.SeedSequence(entropy)) for entropy in list(drawn))
        is_given = any(_leads_to(start, generator, _NEAR) for start in given)
        return Seeding.UNSEEDED if is_given else Seeding.SEEDED
    if not _is_drawn(sequence, drawn):
        return Seeding.SEEDED
    is_given = _leads_to(kind(sequence), generator, _FAR)
    return Seeding.UNSEEDED if is_given else Seeding.UNKNOWN  # by ``.state = …``


def _is_drawn(sequence: object, drawn: Collection[int]) -> bool:
    entropy = getattr(sequence, "entropy", None)
    return isinstance(entropy, int) and entropy in drawn


def _sequence_of(generator: BitGenerator) -> SeedSequence | None:
    """Returns what a generator was seeded with; None if it was not by one."""
    return next((getattr(generator, name) for name in _SEQUENCE if hasattr(generator, name)), None)


def _can_be_renewed(kind: type[SeedSequence]) -> bool:
    """Returns whether seed sequences of this numpy take another's entropy."""
    sample = kind(1)
    try:
        _renew_sequence(sample)
    except (AttributeError, IndexError, StopIteration, TypeError, ValueError):
        return False
    return sample.entropy != 1


def _renew_sequence(sequence: SeedSequence) -> None:
    """Renews a seed sequence in place, so that generators which hold it spawn new ones too."""
    fresh = type(sequence)()
    reduced = fresh.__reduce__()
    restore = next(getattr(sequence, name) for name in _RESTORE if hasattr(sequence, name))
    restore(reduced[2] if len(reduced) > 2 else reduced[1][2])


def _anew(generator: BitGenerator) -> BitGenerator:
    sequence = _sequence_of(generator)
    return type(generator)() if sequence is None else type(generator)(sequence)


def _leads_to(start: BitGenerator, now: BitGenerator, limit: int) -> bool:
    return _LEADS_TO[type(now).__name__](start, now, limit)


def _is_same_stream(start: BitGenerator, now: BitGenerator, _limit: int) -> bool:
    """Returns whether two states of PCG64 have the same increment: it draws without end from one stream."""
    return bool(start.state["state"]["inc"] == now.state["state"]["inc"])


def _is_same_key(start: BitGenerator, now: BitGenerator, _limit: int) -> bool:
    """Returns whether two states of Philox have the same key: it draws by counting."""
    return bool(start.state["state"]["key"].tobytes() == now.state["state"]["key"].tobytes())


def _twists_to(start: BitGenerator, now: BitGenerator, limit: int) -> bool:
    """Returns whether a Mersenne Twister comes from ``start`` to ``now``, 624 words at once."""
    wanted = now.state["state"]["key"].tobytes()
    start.random_raw(1, output=False)  # a new one has a word left
    for _ in range(limit):
        if start.state["state"]["key"].tobytes() == wanted:
            return True
        start.random_raw(624, output=False)
    return False


def _counts_to(start: BitGenerator, now: BitGenerator, _limit: int) -> bool:
    """Returns whether SFC64 comes from ``start`` to ``now``: its state has the number of its draws."""
    draws = int(now.state["state"]["state"][3]) - int(start.state["state"]["state"][3])
    if not 0 <= draws <= _SFC_DRAWS:
        return False
    start.random_raw(draws, output=False)
    return bool(start.state["state"]["state"].tobytes() == now.state["state"]["state"].tobytes())


_LEADS_TO = {
    "MT19937": _twists_to, "PCG64": _is_same_stream, "PCG64DXSM": _is_same_stream, "Philox": _is_same_key,
    "SFC64": _counts_to,
}  # fmt: skip
