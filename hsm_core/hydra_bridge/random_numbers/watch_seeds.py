"""Notes, while the app is imported, which random generators it seeds; nothing of it stays afterwards."""

from __future__ import annotations

import random
import sys
import weakref
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, FunctionType, ModuleType

#: Methods of ``random.Random`` by which a generator gets another state.
_METHODS = ("seed", "getstate", "setstate")
#: Bytes that numpy takes from the operating system for a generator that nobody seeds.
_NUMPY_TAKES = 16


class Watch:
    """Records how random generators are seeded between ``begin`` and ``end``.

    Python's ``Random`` is watched by the code of its methods, so that ``from random import seed`` is seen as well
    and holds nothing of ours afterwards.

    Attributes:
        drawn: what the operating system gave, as numpy reads it: the entropy of generators that nobody seeded.
            None if a numpy that is loaded takes it in another way.
        torch_seed: what torch gave its default generator when it was loaded; None if it wasn't.
    """

    def __init__(self) -> None:
        self.drawn: set[int] | None = set()
        self.torch_seed: int | None = None
        self._seeded: dict[int, tuple[weakref.ref[random.Random], bool]] = {}
        self._unseeded_states: set[int] = set()
        self._codes: dict[str, CodeType] = {}
        self._urandom: Callable[[int], bytes] | None = None

    def begin(self) -> None:
        """Begins to record."""
        self.note(_shared(), seeded=False)
        self._look_at_torch()
        sys.meta_path.insert(0, self)
        self._urandom = vars(random).get("_urandom")
        if self._urandom is not None:
            vars(random)["_urandom"] = self._draw
        if all(_method(name).__code__.co_freevars == ("__class__",) for name in _METHODS):
            _watching.append(self)
            for name in _METHODS:
                self._codes[name] = _method(name).__code__
                _method(name).__code__ = vars(_Noting)[name].__code__

    def end(self) -> None:
        """Ends the recording and puts everything back."""
        if not self._sees_numpy():
            self.drawn = None
        for name, code in self._codes.items():
            _method(name).__code__ = code
        if self in _watching:
            _watching.remove(self)
        if self._urandom is not None:
            vars(random)["_urandom"] = self._urandom
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        self._look_at_torch()

    def is_seeded(self, generator: random.Random) -> bool | None:
        """Returns whether the app chose a generator's state; None if it was made in a way that wasn't recorded."""
        found = self._seeded.get(id(generator))
        return found[1] if found is not None and found[0]() is generator else None

    def shared_is_seeded(self) -> bool:
        """Returns whether the app chose the state of ``random.random`` and its like."""
        return self.is_seeded(_shared()) is True

    def _sees_numpy(self) -> bool:
        sequence = getattr(sys.modules.get("numpy.random"), "SeedSequence", None)
        return sequence is None or sequence().entropy in (self.drawn or ())

    # what happens while it watches

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Notes, as Python asks this before it loads a module, the first seed of torch while torch is loading."""
        self._look_at_torch()
        return None

    def note(self, generator: random.Random, *, seeded: bool) -> None:
        self._seeded[id(generator)] = weakref.ref(generator), seeded

    def seed(self, generator: random.Random, value: object, version: int) -> None:
        self._genuine("seed")(generator, value, version)
        self.note(generator, seeded=value is not None)

    def getstate(self, generator: random.Random) -> tuple[int, ...]:
        state: tuple[int, ...] = self._genuine("getstate")(generator)
        if self.is_seeded(generator) is False:
            self._unseeded_states.add(hash(state))
        return state

    def setstate(self, generator: random.Random, state: object) -> None:
        self._genuine("setstate")(generator, state)
        now = self._genuine("getstate")(generator)
        self.note(generator, seeded=hash(now) not in self._unseeded_states)

    def _genuine(self, name: str) -> FunctionType:
        method = _method(name)
        return FunctionType(
            self._codes[name], method.__globals__, name, method.__defaults__, method.__closure__
        )

    def _draw(self, count: int) -> bytes:
        assert self._urandom is not None
        found = self._urandom(count)
        if count == _NUMPY_TAKES and self.drawn is not None:
            self.drawn.add(int.from_bytes(found, "big"))
        return found

    def _look_at_torch(self) -> None:
        generator = getattr(sys.modules.get("torch._C"), "default_generator", None)
        if self.torch_seed is None and generator is not None:
            self.torch_seed = generator.initial_seed()


_watching: list[Watch] = []


class _Noting(random.Random):
    """Code that stands in for a method of ``random.Random``: it runs with that method's globals and ``__class__``."""

    def seed(self, a: object = None, version: int = 2) -> None:
        from hsm_core.hydra_bridge.random_numbers.watch_seeds import watcher

        watcher(__class__).seed(self, a, version)  # type: ignore[name-defined]

    def getstate(self) -> tuple[int, ...]:
        from hsm_core.hydra_bridge.random_numbers.watch_seeds import watcher

        return watcher(__class__).getstate(self)  # type: ignore[name-defined]

    def setstate(self, state: tuple[object, ...]) -> None:
        from hsm_core.hydra_bridge.random_numbers.watch_seeds import watcher

        watcher(__class__).setstate(self, state)  # type: ignore[name-defined]


def watcher(_watched: type) -> Watch:
    """Returns the one that records now."""
    return _watching[-1]


def _method(name: str) -> FunctionType:
    method: FunctionType = vars(random.Random)[name]
    return method


def _shared() -> random.Random:
    """Returns the generator behind ``random.random``."""
    found: random.Random = random.random.__self__  # type: ignore[attr-defined]
    return found
