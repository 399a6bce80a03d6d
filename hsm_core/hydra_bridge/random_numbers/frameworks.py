"""Tells which generators of torch and tensorflow the app seeded, and gives the others new numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from .find_alive import followed, unfollowed

#: A seed below was chosen by somebody; what torch takes from the operating system has 64 bits.
_CHOSEN = 2**32
#: What ``torch.Generator()`` starts from, in every process.
TORCH_CONSTANT = 67280421310721
#: What is asked of tensorflow's context, and changed there.
_OF_CONTEXT = ("_initialized", "_seed", "_set_global_seed")
#: Classes of other libraries' generators, which don't tell whether they were given a seed.
_SILENT = {
    "tensorflow.python.ops.stateful_random_ops": "Generator", "keras.src.random.seed_generator": "SeedGenerator",
}  # fmt: skip


class TorchGenerator(Protocol):
    """``torch.Generator``."""

    def manual_seed(self, seed: int) -> object: ...


class EagerContext(Protocol):
    """Tensorflow's state of this process."""

    _initialized: bool
    _seed: int | None

    def _set_global_seed(self, seed: int) -> None: ...


@dataclass(frozen=True)
class TorchGenerators:
    """The generators of torch in this process, except those of GPUs.

    Those are made when the process first uses its GPU, and take their seed from the operating system, or from a
    ``torch.manual_seed`` that waits for them; a process that has used a GPU can't be forked.

    Args:
        unseeded: generators that the app did not seed.
        unknown: those that it may have seeded.
    """

    unseeded: list[TorchGenerator]
    unknown: list[TorchGenerator]

    @classmethod
    def find(cls, first_seed: int | None) -> TorchGenerators:
        """Finds the generators that are alive.

        Args:
            first_seed: what the default generator was given when torch was loaded; None if that was not seen.
        """
        torch = sys.modules.get("torch")
        kind, default = getattr(torch, "Generator", None), getattr(torch, "default_generator", None)
        if kind is None or default is None:
            return cls([], [])
        found: list[Any] = unfollowed(kind)
        others = [one for one in found if one is not default and one.device.type == "cpu"]
        untouched = [(default, first_seed), *((one, TORCH_CONSTANT) for one in others)]
        return cls(
            [one for one, seed in untouched if one.initial_seed() == seed],
            [one for one, seed in untouched if one.initial_seed() != seed and one.initial_seed() >= _CHOSEN],
        )

    def renew(self) -> None:
        """Gives new numbers to all generators that are not seeded."""
        for generator in self.unseeded:
            generator.manual_seed(int.from_bytes(os.urandom(8), "big"))


def renew_tensorflow() -> None:
    """Seeds tensorflow anew: operations that the parent process ran keep their generators in a fork otherwise."""
    context = _eager_context()
    if context is None or isinstance(context, ModuleType):  # ``silent_generators`` told of the latter
        return
    if context._initialized and context._seed is None:
        context._set_global_seed(int.from_bytes(os.urandom(4), "big") >> 1)


def _eager_context() -> EagerContext | ModuleType | None:
    """Returns tensorflow's; None if it made none, and its module if this release has none that we know."""
    tensorflow = sys.modules.get("tensorflow")
    find = getattr(sys.modules.get("tensorflow.python.eager.context"), "context_safe", None)
    context: EagerContext | None = find() if find is not None else None
    if find is not None and (context is None or all(hasattr(context, name) for name in _OF_CONTEXT)):
        return context
    return tensorflow


def silent_generators() -> Iterator[object]:
    """Yields the generators that don't tell whether they were given a seed.

    A module stands for the generators that it may have, where this release has none that we know.
    """
    loaded = {module: name for module, name in _SILENT.items() if module in sys.modules}
    known = {module: getattr(sys.modules[module], name, None) for module, name in loaded.items()}
    yield from (sys.modules[module] for module, kind in known.items() if not isinstance(kind, type))
    if isinstance(context := _eager_context(), ModuleType):
        yield context
    kinds = [kind for kind in known.values() if isinstance(kind, type)]
    yield from followed(*kinds) if kinds else ()
    ctypes = sys.modules.get("ctypes")
    for library in followed(ctypes.CDLL) if ctypes is not None else ():
        if _C_NAMES & vars(library).keys():
            yield library


#: Functions of the C library that draw from a state of its own; ``ctypes`` keeps those that were called.
_C_NAMES = {"rand", "srand", "random", "srandom", "drand48", "lrand48", "mrand48", "srand48"}
