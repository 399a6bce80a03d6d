"""Where a sweep comes from: the command that started it, the code it runs, the versions around it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .code import git


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
    commit = git(directory, "rev-parse", "HEAD").strip()
    if not commit:
        return {}
    branch = git(directory, "rev-parse", "--abbrev-ref", "HEAD").strip()
    return {"commit": commit, "branch": branch, "dirty": bool(git(directory, "status", "--porcelain"))}
