"""Has hsm compiled before it is measured, as pip leaves it: else every process would compile what it imports."""

from __future__ import annotations

import compileall
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def compile_hsm() -> None:
    for name in ("hsm_core", "hydra_plugins"):
        compileall.compile_dir(ROOT / name, quiet=1)
