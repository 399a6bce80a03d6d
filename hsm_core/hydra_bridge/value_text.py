"""Writes a value so that Hydra's override grammar reads the same value, of the same type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from hsm_core.errors import ConfigError
from hsm_core.overrides import hydra_text


def value_text(value: object) -> str:
    """Returns ``value`` in Hydra's override grammar.

    Args:
        value: what YAML can hold: None, bool, int, float, str, lists and mappings of these.

    Raises:
        ConfigError: the grammar has no way to say it.
    """
    if value is None:
        return "null"
    if isinstance(value, Enum):
        return value_text(value.name)
    if isinstance(value, str):
        return hydra_text(value)
    if isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key_text(key)}:{value_text(item)}" for key, item in value.items()) + "}"
    raise ConfigError(
        f"can't sweep over a {type(value).__name__}: {value!r}",
        fix="use text, numbers, true, false, null, lists or mappings",
    )


def _key_text(key: object) -> str:
    if not isinstance(key, str):
        return value_text(key)
    if hydra_text(key) == key:
        return key
    text = re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", key)
    if _read_key(text) != key:
        raise ConfigError(
            f"a swept mapping can't have the key {key!r}: Hydra's override grammar can't say it",
            fix="put the mapping in a config group and sweep over the group",
        )
    return text


def _read_key(text: str) -> object:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(f"key={{{text}:1}}")
    except HydraException:
        return None
    found = override.value()
    keys = list(found) if isinstance(found, dict) else []
    return keys[0] if len(keys) == 1 and isinstance(keys[0], str) else None
