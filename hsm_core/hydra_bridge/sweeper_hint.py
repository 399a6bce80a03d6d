"""Says so early when an app's primary config will not let a sweep file choose the sweeper hsm.

A primary config's ``override hydra/sweeper`` wins over that of a sweep file. Hydra then merges the file onto
the other sweeper's fields and fails, "Key 'grid' not in 'BasicSweeperConf'", before any sweeper is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_CHOICE = re.compile(r"^[^#\n]*\boverride\s+/?hydra/sweeper\s*:\s*['\"]?(\w+)", re.MULTILINE)
_LISTED = re.compile(r"(?:^\s*-|[\[,])\s*(?:optional\s+)?/?([\w/]+)\s*:\s*['\"]?([\w/-]+)", re.MULTILINE)
_MULTIRUN = ("-m", "--multirun", "hydra.mode=MULTIRUN")


def overridden(search_path: Sequence[str], arguments: Sequence[str], added_wins: bool = False) -> str | None:
    """What to tell the user; None if all is well.

    Args:
        search_path: where the app's own configs lie, in Hydra's words.
        arguments: of the command line.
        added_wins: the config's choice of a sweeper loses against ``+sweep=name``, as from Hydra 1.4 on.
    """
    if not any(word in arguments for word in _MULTIRUN):
        return None
    if any(word.lstrip("+").startswith("hydra/sweeper=") for word in arguments):
        return None
    for root in _directories(search_path):
        for primary in _primaries(root, arguments):
            text = _text(primary)
            other = _choice(text)
            if other is None or other == "hsm":
                continue
            typed = [word for word in arguments if not (added_wins and word.startswith("+"))]
            for sweep in (*_typed(root, typed), *_listed(root, text)):
                if _choice(_text(sweep)) == "hsm":
                    return (
                        f"hsm: {primary} sets the sweeper to '{other}', which wins over {sweep}.\n"
                        "  next: add hydra/sweeper=hsm to the command line"
                    )
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _choice(text: str) -> str | None:
    found = _CHOICE.search(text)
    return found[1] if found else None


def _typed(root: Path, arguments: Sequence[str]) -> Iterator[Path]:
    """Config files that the command line chooses from groups, such as ``+sweep=lrs``."""
    for word in arguments:
        group, _, names = word.lstrip("+").partition("=")
        for name in names.strip("[]").split(","):
            if name.strip():
                yield root / group / f"{name.strip()}.yaml"


def _listed(root: Path, text: str) -> Iterator[Path]:
    """Config files that a defaults list chooses."""
    for group, name in _LISTED.findall(text):
        yield root / group / f"{name}.yaml"


def _primaries(root: Path, arguments: Sequence[str]) -> list[Path]:
    """The primary config if the command line names it, else whatever may be it."""
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if flag in ("-cn", "--config-name"):
            return [root / f"{value.removesuffix('.yaml')}.yaml"]
        if flag.startswith("--config-name="):
            return [root / f"{flag.partition('=')[2].removesuffix('.yaml')}.yaml"]
    return sorted(root.glob("*.yaml"))


def _directories(search_path: Sequence[str]) -> Iterator[Path]:
    """Where plain, ``file://`` and ``pkg://`` entries lie."""
    from importlib.util import find_spec

    for path in search_path:
        scheme, mark, place = path.rpartition("://")
        if scheme != "pkg":
            yield Path(place if mark else path)
            continue
        try:
            spec = find_spec(place.replace("/", "."))
        except (ImportError, ValueError):
            continue
        yield from map(Path, (spec and spec.submodule_search_locations) or ())
