"""Says which line of a sweep file is no YAML, and what was meant, where Hydra would show a stack trace."""

from __future__ import annotations

import re
from pathlib import Path

from yaml import MarkedYAMLError

from hsm_core.errors import ConfigError

from .sweeper_hint import chosen_by

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
