"""Suggests what to type instead of a sweep over Hydra's own settings, which are the same for all tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException

from hsm_core.overrides import quoted

#: An axis of a sweep file; paired has groups of them.
_AXIS = re.compile(r"hydra\.sweeper\.(?:grid|params|paired\.\w+)\.(.+)")
#: Settings of Hydra itself that take a list.
_LISTS = (
    "hydra.searchpath",
    "hydra.verbose",
    "hydra.job.env_copy",
    "hydra.overrides.task",
    "hydra.overrides.hydra",
)


def instead(key: str, texts: Sequence[str]) -> str:
    """Returns the line to type: in brackets if ``key`` takes a list, else with one value.

    Args:
        key: without ``+``, such as ``hydra.launcher.tags``.
        texts: the values, in Hydra's grammar.
    """
    if not texts or takes_list(key):
        return quoted(f"{key}=[{','.join(texts)}]") + "    # if you mean one list"
    return quoted(f"{key}={texts[0]}") + "    # one value"


def takes_list(key: str) -> bool:
    """Returns whether ``key`` may hold a list; True for an unknown field, such as that of another launcher."""
    if "/" in key:
        return False
    section, _, field = key.removeprefix("hydra.").partition(".")
    kind = _fields(section).get(field.partition(".")[0])
    if section in ("launcher", "sweeper"):
        return kind is None or "list" in kind or "Any" in kind
    return key in _LISTS


def _fields(section: str) -> dict[str, str]:
    from .launcher.fields.declared import LauncherConf
    from .sweeper.fields import SweeperConf

    kinds = {"launcher": LauncherConf, "sweeper": SweeperConf}
    return kinds[section].__annotations__ if section in kinds else {}


def swept_settings(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with ``hydra.launcher.tags=a,b``, which Hydra refuses without advice, and what to type."""
    for word in arguments:
        override = _sweep_over_hydra(word)
        if override is not None:
            yield f"{word} would sweep Hydra's own settings", _fix(word, override)


def _fix(word: str, override: Override) -> str:
    key, _, text = word.lstrip("+").partition("=")
    axis = _AXIS.match(key)
    if axis:
        return f"{quoted(f'{axis[1]}={text}')}    # on the command line, an axis is written as its key"
    if not override.is_discrete_sweep():
        return f"{key}=…    # one value"
    fix = instead(key, list(override.sweep_string_iterator()))
    if override.value_type is ValueType.SIMPLE_CHOICE_SWEEP and "/" not in key and not takes_list(key):
        told = quoted(f'{key}="{text}"')
        fix += f"; if it contains a comma: {told}"
    return fix


def _sweep_over_hydra(word: str) -> Override | None:
    """Returns the override, if it sweeps a setting of Hydra's."""
    if not word.lstrip("+").startswith(("hydra.", "hydra/")):
        return None
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:
        return None
    return override if override.is_sweep_override() else None
