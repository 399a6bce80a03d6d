"""Where a sweep comes from: the command that started it, the code it runs, the versions around it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def main_command() -> list[str]:
    """The argv that starts this app again; empty where there is none (a notebook, an interactive session)."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return [sys.executable, "-m", spec.name.removesuffix(".__main__")]
    script = getattr(main, "__file__", None)
    return [sys.executable, os.path.abspath(script)] if script else []


def is_typed(overrides: Sequence[str], argv: Sequence[str]) -> bool:
    """True if these overrides came from the command line ``argv``, and not through Hydra's API."""
    asked = {"-m", "--multirun", "hydra.mode=MULTIRUN"}
    return bool(asked.intersection(argv)) and all(text in argv for text in overrides)


def versions() -> dict[str, str]:
    """Versions of python and of the packages that decide how a sweep runs."""
    names = {
        "hsm": "hpc-sweep-manager",
        "hydra": "hydra-core",
        "omegaconf": "omegaconf",
        "cloudpickle": "cloudpickle",
    }
    found = {"python": platform.python_version()}
    for short, name in names.items():
        try:
            found[short] = version(name)
        except PackageNotFoundError:
            found[short] = "not installed"
    return found


def git_state(directory: str) -> dict[str, Any]:
    """Commit, branch and whether something is not committed; empty outside a repository."""
    commit = _git(directory, "rev-parse", "HEAD")
    if not commit:
        return {}
    branch = _git(directory, "rev-parse", "--abbrev-ref", "HEAD")
    return {"commit": commit, "branch": branch, "dirty": bool(_git(directory, "status", "--porcelain"))}


def _git(directory: str, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", directory, *words], capture_output=True, text=True, timeout=10, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
