"""Says so early when an app's primary config will not let a sweep file choose the sweeper hsm.

A primary config's ``override hydra/sweeper`` wins over that of a sweep file. Hydra then merges the file onto
the other sweeper's fields and fails, "Key 'grid' not in 'BasicSweeperConf'", before any sweeper is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of

from .hydra_private.command_line import command_line

_CHOICE = r"^[^#\n]*\boverride\s+/?hydra/{}\s*:\s*['\"]?(\w+)"
_AXES = re.compile(r"^[^#\n]*\b(?:grid|paired|params)\s*:", re.MULTILINE)
_LISTED = re.compile(r"(?:^\s*-|[\[,])\s*(?:optional\s+)?/?([\w/]+)\s*:\s*['\"]?([\w/-]+)", re.MULTILINE)
_MODE = re.compile(r"^hydra:[^\n]*\n(?:(?:[ \t].*|[ \t]*#.*|)\n)*?[ \t]+mode:[ \t]*['\"]?MULTIRUN\b", re.MULTILINE)
_MULTIRUN = ("-m", "--multirun", "hydra.mode=MULTIRUN")


def overridden(
    search_path: Sequence[str], arguments: Sequence[str], config_name: str | None, added_wins: bool = False
) -> ConfigError | None:
    """Returns the warning for the user; None if all is well, or if that can't be known.

    Args:
        search_path: where the app's own configs lie, in Hydra's words.
        arguments: of the command line.
        config_name: of the primary config in use; None if unknown.
        added_wins: the config's choice of a sweeper loses against ``+sweep=name``, as from Hydra 1.4 on.
    """
    if config_name is None or not any(word in arguments for word in _MULTIRUN):
        return None
    if any(key_of(word) == "hydra/sweeper" for word in arguments):
        return None
    typed = [word for word in arguments if not (added_wins and word.startswith("+"))]
    for root in directories(search_path):
        primary = root / f"{config_name.removesuffix('.yaml')}.yaml"
        text, other = _text(primary), chosen_by(primary)
        if other is None or other == "hsm":
            continue
        for sweep in (*_typed(root, typed), *_listed(root, text, arguments)):
            if chosen_by(sweep) == "hsm":
                return ConfigError(
                    f"{primary} sets the sweeper to '{other}', which overrides {sweep}",
                    fix="hydra/sweeper=hsm",
                )
    return None


def obey_mode(frame: FrameType | None, search_path: Sequence[str], arguments: Sequence[str]) -> None:
    """Makes ``hydra.mode: MULTIRUN`` of a chosen sweep file count, which Hydra 1.4 wants in the primary config.

    It is as if ``-m`` had been typed. What the command line says itself stays.

    Args:
        frame: of a function that Hydra called after it had read the command line.
    """
    parsed = command_line(frame)
    if parsed is None or any(key_of(word) == "hydra.mode" for word in arguments):
        return
    if parsed.run or parsed.cfg or parsed.info or parsed.shell_completion:
        return
    files = (file for root in directories(search_path) for file in _typed(root, arguments))
    parsed.multirun = parsed.multirun or any(_MODE.search(_text(file)) for file in files)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def chosen_by(file: Path, kind: str = "sweeper") -> str | None:
    """Returns the sweeper or launcher that a config file chooses; None if it chooses none."""
    found = re.search(_CHOICE.format(kind), _text(file), re.MULTILINE)
    return found[1] if found else None


def sweeps(file: Path) -> bool:
    """Does a config file choose the sweeper hsm, and say what varies?"""
    return chosen_by(file) == "hsm" and _AXES.search(_text(file)) is not None


def _typed(root: Path, arguments: Sequence[str]) -> Iterator[Path]:
    """Yields config files that the command line chooses from groups, such as ``+sweep=lrs``."""
    for word in arguments:
        group, _, names = word.lstrip("+").partition("=")
        for name in names.strip("[]").split(","):
            if name.strip():
                yield root / group / f"{name.strip()}.yaml"


def _listed(root: Path, text: str, arguments: Sequence[str]) -> Iterator[Path]:
    """Yields config files that a defaults list chooses, unless the command line chooses another."""
    typed = {key_of(word) for word in arguments}
    for group, name in _LISTED.findall(text):
        if group not in typed:
            yield root / group / f"{name}.yaml"


def directories(search_path: Sequence[str]) -> Iterator[Path]:
    """Yields the directories of plain, ``file://`` and ``pkg://`` entries; others have none."""
    from importlib.util import find_spec

    for path in search_path:
        scheme, _, place = path.rpartition("://")
        if scheme in ("", "file"):
            yield Path(place)
        if scheme != "pkg":
            continue
        try:
            spec = find_spec(place.replace("/", "."))
        except (ImportError, ValueError):
            continue
        yield from map(Path, (spec and spec.submodule_search_locations) or ())
