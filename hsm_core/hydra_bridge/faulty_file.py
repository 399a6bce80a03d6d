"""Says what is wrong in a sweep file that Hydra can't read or merge, and what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf
from yaml import MarkedYAMLError

from hsm_core.errors import ConfigError

from .plain import as_written, flow
from .sweeper_hint import chosen_by, directories

_BARE_REFERENCE = re.compile(r"(?<![\"'\w])(\$\{[^{}]*\})(?![\"'\w])")
_CLOSING = {"[": "]", "{": "}"}


def of_sweep_file(error: MarkedYAMLError) -> ConfigError | None:
    """Returns the error for a file that chooses a sweeper or launcher of ours; None for another one."""
    mark = error.context_mark or error.problem_mark
    file = Path(mark.name) if mark is not None else None
    if mark is None or file is None or not _is_ours(file):
        return None
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    line = lines[mark.line].rstrip() if mark.line < len(lines) else ""
    problem = f"{file}, line {mark.line + 1}: {error.problem}"
    return ConfigError(problem, evidence=line.strip(" ").replace("\t", "→"), fix=_meant(line))


def _is_ours(file: Path) -> bool:
    return chosen_by(file) == "hsm" or (chosen_by(file, "launcher") or "").startswith("hsm_")


def _meant(line: str) -> str:
    """Returns the line as it was probably meant: references in quotes, brackets closed, no tabs."""
    if "\t" in line:
        return f"{line.replace(chr(9), '  ').strip()}    # spaces in place of tabs"
    right = _BARE_REFERENCE.sub(r'"\1"', line)
    missing = ""
    for character in right if right == line else "":
        if character in _CLOSING:
            missing = _CLOSING[character] + missing
        elif missing.startswith(character):
            missing = missing[1:]
    right = (right + missing).strip()
    return "" if right == line.strip() else right


def of_another_shape(
    found: re.Match[str] | None, loader: ConfigLoader, taken_by: Mapping[str, Mapping[str, str]]
) -> ConfigError | None:
    """Returns the error for a field of ours that is a list in a file where a mapping must stand, or the reverse.

    Args:
        found: the file's name, as its first group; None: Hydra did not say it.
        taken_by: the types of the fields, by ``launcher`` and ``sweeper``.
    """
    for file in (root / f"{found[1]}.yaml" for root in _own(loader)) if found else ():
        config = OmegaConf.load(file) if file.is_file() else None
        for kind, fields in taken_by.items() if isinstance(config, DictConfig) else ():
            given = OmegaConf.select(config, f"hydra.{kind}") if config is not None else None
            for name, value in as_written(given).items() if isinstance(given, DictConfig) else ():
                taken, right = fields.get(name, ""), None
                if isinstance(value, list) and taken.startswith("dict"):
                    right, shape = _as_mapping(value), "a mapping, not a list"
                elif isinstance(value, dict) and taken.startswith("list"):
                    right, shape = list(value), "a list, not a mapping"
                if right is not None:
                    where = found[1] if found else ""
                    problem = f"{where}.yaml: hydra.{kind}.{name} must be {shape}"
                    return ConfigError(problem, fix=f"{name}: {flow(right)}")
    return None


def _as_mapping(items: list[object]) -> object:
    """Returns the mapping that was meant by a list of mappings, of ``A=1`` or of keys."""
    found: dict[object, object] = {}
    for item in items:
        key, given, value = str(item).partition("=")
        found |= item if isinstance(item, dict) else {key: value if given else "VALUES"}
    return found


def _own(loader: ConfigLoader) -> Iterator[Path]:
    """Yields the directories of the app's own configs."""
    return directories([entry.path for entry in loader.get_search_path().get_path() if entry.provider == "main"])
