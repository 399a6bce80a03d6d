"""What to type instead of a sweep over Hydra's own settings, which are the same for all tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Settings of Hydra itself that take a list.
_LISTS = (
    "hydra.searchpath",
    "hydra.verbose",
    "hydra.job.env_copy",
    "hydra.overrides.task",
    "hydra.overrides.hydra",
)


def instead(key: str, texts: Sequence[str]) -> str:
    """The line to type: in brackets if ``key`` takes a list, else with one value.

    Args:
        key: without ``+``, such as ``hydra.launcher.tags``.
        texts: the values, in Hydra's grammar.
    """
    if not texts or takes_list(key):
        return f"if you mean one list: '{key}=[{','.join(texts)}]'"
    return f"set one value: {key}={texts[0]}"


def takes_list(key: str) -> bool:
    """May ``key`` hold a list? True for a field that is not known, such as that of another launcher."""
    if "/" in key:
        return False
    section, _, field = key.removeprefix("hydra.").partition(".")
    kind = _fields(section).get(field.partition(".")[0])
    if section in ("launcher", "sweeper"):
        return kind is None or "list" in kind or "Any" in kind
    return key in _LISTS


def _fields(section: str) -> dict[str, str]:
    from .launcher_fields import LauncherConf
    from .sweeper_fields import SweeperConf

    kinds = {"launcher": LauncherConf, "sweeper": SweeperConf}
    return kinds[section].__annotations__ if section in kinds else {}


def swept_settings(arguments: Sequence[str]) -> Iterator[str]:
    """What to tell someone who typed ``hydra.launcher.tags=a,b``, which Hydra refuses without a way out."""
    for word in arguments:
        if word.lstrip("+").startswith(("hydra.", "hydra/")) and "," in word and "=" in word:
            texts = _choices(word)
            if texts:
                key, _, text = word.lstrip("+").partition("=")
                fix = instead(key, texts)
                if "/" not in key and not takes_list(key):
                    fix += f"   (or, if the value contains a comma: '{key}=\"{text}\"')"
                yield f"hsm: {word} would sweep Hydra's own settings.\n  next: {fix}"


def _choices(word: str) -> list[str]:
    """The values of ``key=a,b``; none if it is anything else."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ValueType
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:
        return []
    if override.value_type is not ValueType.SIMPLE_CHOICE_SWEEP:
        return []
    return list(override.sweep_string_iterator())
