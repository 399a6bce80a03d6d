"""Our copy of a config is omegaconf's, node for node, and its methods are its own again when the task begins."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from omegaconf import MISSING, DictConfig, ListConfig, Node, OmegaConf, open_dict, read_write

from hsm_core.hydra_bridge.hydra_private.config_copy import copied_by_fields as copied

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*register_new_resolver:UserWarning")


class Kind(Enum):
    A = 1
    B = 2


@dataclass
class Inner:
    a: int = 1
    either: int | str = "x"


@dataclass
class Typed:
    number: int = 1
    rate: float = float("inf")
    switch: bool = True
    raw: bytes = b"\0"
    path: Path = Path("a b")
    kind: Kind = Kind.B
    maybe: str | None = None
    inner: Inner = field(default_factory=Inner)
    table: dict[str, Inner] = field(default_factory=lambda: {"k": Inner()})
    kinds: dict[Kind, list[int]] = field(default_factory=lambda: {Kind.A: [1]})
    missing: int = MISSING
    section: Inner = MISSING
    nothing: Inner | None = None


def resolved() -> DictConfig:
    """With a filled resolver cache and filled caches of flags."""
    config = OmegaConf.create({"a": "${hsm_copy_test:}", "b": {"c": "${a}", "d": [1, {"e": "${b.c}"}]}})
    OmegaConf.register_new_resolver("hsm_copy_test", lambda: [1, 2], use_cache=True, replace=True)
    assert config.b.d[1].e == [1, 2]
    return config


def flagged() -> DictConfig:
    config = OmegaConf.create({"x": {"y": [1, 2]}, "n": None, "m": "???"})
    OmegaConf.set_struct(config, True)
    OmegaConf.set_readonly(config.x, True)
    assert config.x.y[0] == 1
    return config


def aliased() -> DictConfig:
    """Hydra merges so that one node may stand in two places."""
    config = OmegaConf.create({"a": {"x": 1}, "b": {}})
    config.__dict__["_content"]["b"] = config.__dict__["_content"]["a"]
    return config


CONFIGS = {
    "plain": lambda: OmegaConf.create({"a": 1, 2: {"b": [None, "${a}", {"c": "???"}]}, "e": {}, "l": [], "s": "ü"}),
    "typed": lambda: OmegaConf.structured(Typed),
    "resolved": resolved,
    "flagged": flagged,
    "aliased": aliased,
    "a list": lambda: OmegaConf.create([1, {"a": 2}, [3]]),
    "interpolated": lambda: DictConfig(content="${x}"),
    "none": lambda: DictConfig(content=None),
    "missing": lambda: ListConfig(content="???"),
    "objects": lambda: OmegaConf.create({"f": object}, flags={"allow_objects": True}),
}  # fmt: skip


def nodes(node: Node, parent: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    """Every node below ``node`` with all that it consists of."""
    fields = dict(vars(node))
    assert fields.pop("_parent") is parent, way
    content, metadata = fields.pop("_content", None), vars(fields.pop("_metadata"))
    yield way, (type(node), fields, metadata, None if isinstance(content, (dict, list)) else repr(content))
    pairs = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, child in pairs:
        yield from nodes(child, node, f"{way}/{key!r}")
    if isinstance(content, Node):
        yield from nodes(content, node, f"{way}/union")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_copy_is_the_same_and_shares_nothing(name: str) -> None:
    config = CONFIGS[name]()
    if name == "aliased":
        found = copied(config, {})
        assert found._content["a"] is found._content["b"] is not config._content["a"]
        return
    theirs, ours = copy.deepcopy(config), copied(config, {})
    assert [(way, repr(what)) for way, what in nodes(theirs, None)] == [
        (way, repr(what)) for way, what in nodes(ours, None)
    ]
    before = OmegaConf.to_yaml(config) if OmegaConf.is_config(config) and config._content else ""
    if isinstance(ours, DictConfig) and isinstance(ours._content, dict):
        with read_write(ours), open_dict(ours):
            ours.new = 1
            ours._metadata.flags["more"] = True
            ours._metadata.resolver_cache["more"] = {}
        assert "new" not in config._content
        assert "more" not in config._metadata.flags
        assert "more" not in config._metadata.resolver_cache
    assert not before or OmegaConf.to_yaml(config) == before


def test_a_part_keeps_its_parent() -> None:
    config = OmegaConf.create({"a": {"b": "${c}"}, "c": 1})
    part = copied(config.a, {})
    assert part._get_parent() is config
    assert part.b == 1
