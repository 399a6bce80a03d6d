"""Copies configs as ``copy.deepcopy`` does, in a sixth of its time: Hydra takes five copies to begin a task.

It reads and writes the fields of omegaconf's nodes. ``is_exact`` sees whether they are still what they were; where
they are not, omegaconf copies.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import omegaconf
from omegaconf import DictConfig, ListConfig, Node, OmegaConf

if TYPE_CHECKING:
    from hydra.types import HydraContext
    from omegaconf.base import Metadata

#: The lines of omegaconf whose copies were compared with ours.
COMPARED = ("2.3.", "2.4.")
_CONTAINERS: tuple[type[Node], ...] = (DictConfig, ListConfig)
#: Nodes that are no more than a value; others, such as an enum's, are left to omegaconf.
_VALUES = ("AnyNode", "BooleanNode", "BytesNode", "FloatNode", "IntegerNode", "PathNode", "StringNode")
_PLAIN = {*_CONTAINERS, *(getattr(omegaconf.nodes, name) for name in _VALUES)}
#: The method that ``copy.deepcopy`` calls.
_COPIER = "__deepcopy__"
_SAMPLE = {"a": {"b": 1, "c": ["${a.b}", None, {"d": 0.5}]}, "e": "???", "f": True, "g": None}


def copied(config: DictConfig) -> DictConfig:
    """Returns what ``copy.deepcopy(config)`` does, quicker where that is sure to be the same."""
    found = copied_by_fields(config, {}) if is_exact() else copy.deepcopy(config)
    assert isinstance(found, DictConfig)
    return found


@contextmanager
def quick() -> Iterator[Callable[[], None]]:
    """Copies configs of this process our way until this ends.

    Yields:
        what ends it at once.
    """
    theirs = [getattr(kind, _COPIER) for kind in _CONTAINERS]

    def put_back() -> None:
        for kind, method in zip(_CONTAINERS, theirs, strict=True):
            setattr(kind, _COPIER, method)

    if is_exact():
        for kind in _CONTAINERS:
            setattr(kind, _COPIER, copied_by_fields)
    try:
        yield put_back
    finally:
        put_back()


@contextmanager
def quick_start(context: HydraContext) -> Iterator[HydraContext]:
    """Copies configs quickly until the task begins, with ``on_job_start`` of its callbacks.

    Yields:
        Hydra's context to run the task with. Its function is not wrapped: callbacks see the function, and
        tracebacks only it.
    """
    with quick() as end:
        ours = copy.copy(context)
        vars(ours)["callbacks"] = _EndAtStart(context.callbacks, end)
        yield ours


class _EndAtStart:
    """A context's callbacks."""

    def __init__(self, callbacks: Any, end: Callable[[], None]) -> None:
        self._callbacks, self._end = callbacks, end

    def on_job_start(self, **words: Any) -> None:
        self._end()
        self._callbacks.on_job_start(**words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callbacks, name)


@cache
def is_exact() -> bool:
    """Tells whether our copy of a sample is omegaconf's, field for field; looks once a process."""
    if not omegaconf.__version__.startswith(COMPARED):
        return False
    sample = OmegaConf.create(_SAMPLE, flags={"struct": True})
    assert sample.a.c[2].d == 0.5  # fills the caches of flags
    try:
        return _is_same(copied_by_fields(sample, {}), copy.deepcopy(sample), sample)
    except (AttributeError, KeyError, TypeError):
        return False


def _is_same(ours: Any, theirs: Any, original: Any) -> bool:
    """Whether two copies have the same content and share the same parts with the original."""
    if type(ours) is not type(theirs) or (ours is original) != (theirs is original):
        return False
    if ours is original or theirs is None:
        return True
    if isinstance(theirs, dict):
        pairs = [(ours.get(key), theirs[key], original[key]) for key in theirs]
        return list(ours) == list(theirs) and all(_is_same(*three) for three in pairs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_is_same, ours, theirs, original))
    if not isinstance(theirs, (Node, omegaconf.base.Metadata)):
        return bool(ours == theirs)
    parent = {name for name, value in vars(theirs).items() if isinstance(value, Node)}
    fields = [{k: v for k, v in vars(one).items() if k not in parent} for one in (ours, theirs, original)]
    return _is_same(*fields)


def copied_by_fields(config: Node, memo: dict[int, Node]) -> Node:
    """Returns what ``config.__deepcopy__(memo)`` of omegaconf does: a copy below the same parent."""
    return _copied(config, config.__dict__["_parent"], memo)


def _copied(node: Node, parent: Node | None, memo: dict[int, Node]) -> Node:
    if id(node) in memo:
        found = memo[id(node)]
        found.__dict__["_parent"] = parent
        return found
    kind = type(node)
    if kind not in _PLAIN:
        kind = next((one for one in _CONTAINERS if isinstance(node, one)), kind)  # a subclass becomes its base
        if kind not in _PLAIN:
            return _left_to_omegaconf(node, parent, memo)
    memo[id(node)] = found = object.__new__(kind)
    fields = found.__dict__
    fields.update(node.__dict__)
    fields["_parent"] = parent
    fields["_metadata"] = _copied_metadata(fields["_metadata"], memo)
    if kind in _CONTAINERS:
        fields["_flags_cache"] = _shallow(fields["_flags_cache"])
        fields["_content"] = _copied_content(fields["_content"], found, memo)
    else:
        fields["_flags_cache"] = None
    return found


def _copied_content(content: object, parent: Node, memo: dict[int, Node]) -> object:
    if isinstance(content, dict):
        return {key: _copied(child, parent, memo) for key, child in content.items()}
    if isinstance(content, list):
        return [_copied(child, parent, memo) for child in content]
    return content


def _copied_metadata(metadata: Metadata, memo: dict[int, Node]) -> Metadata:
    found = object.__new__(type(metadata))
    found.__dict__.update(metadata.__dict__)
    found.flags = _shallow(metadata.flags)
    cache = metadata.resolver_cache
    found.resolver_cache = copy.deepcopy(cache, memo) if cache else cache.copy()
    return found


def _shallow(flags: dict[str, bool] | None) -> dict[str, bool] | None:
    return None if flags is None else flags.copy()


def _left_to_omegaconf(node: Node, parent: Node | None, memo: dict[int, Node]) -> Node:
    """As it copies a container's child."""
    own = node.__dict__["_parent"]
    try:
        node.__dict__["_parent"] = None
        found = copy.deepcopy(node, memo)
    finally:
        node.__dict__["_parent"] = own
    found.__dict__["_parent"] = parent
    return found
