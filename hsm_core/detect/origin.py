"""Describes where a sweep comes from: the command that started it, its code, the versions around it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version
from typing import Any

from .code import changes, code_files, git


def main_file() -> str:
    """Returns the script that was started; empty if what runs came from no file."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.abspath(script) if script and is_on_disk(script) else ""


def is_on_disk(file: str) -> bool:
    """Returns whether a file is there, also in an archive: ``app.pyz/__main__.py``."""
    return os.path.isfile(file) or os.path.isfile(os.path.dirname(file))


def interpreter_flags() -> list[str]:
    """Returns the options that this interpreter was started with, such as ``-O`` and ``-W``, for another one."""
    found: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    options = [name if value is True else f"{name}={value}" for name, value in sys._xoptions.items()]
    missing = [word for option in options if option not in found for word in ("-X", option)]
    return [flag for flag in found if flag != "-B"] + missing  # -B may come from a variable, and changes nothing


def python_path(base: str) -> str:
    """Returns PYTHONPATH with whole paths, so that it means the same in another directory.

    Args:
        base: the directory that relative ones are meant from.
    """
    entries = os.environ.get("PYTHONPATH", "")
    whole = [os.path.abspath(os.path.join(base, entry)) for entry in entries.split(os.pathsep)]
    return os.pathsep.join(whole) if entries else ""


def versions() -> dict[str, str]:
    """Returns the versions of python and of the packages that decide how a sweep runs."""
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


def git_state(directory: str) -> dict[str, object]:
    """Returns commit, branch and whether something is not committed; empty outside a repository."""
    commit = git(directory, "rev-parse", "HEAD").strip()
    if not commit:
        return {}
    branch = git(directory, "rev-parse", "--abbrev-ref", "HEAD").strip()
    return {"commit": commit, "branch": branch, "dirty": bool(git(directory, "status", "--porcelain"))}


def changes_since(recorded: Mapping[str, Any], root: str = "") -> list[str]:
    """Returns what has changed in an app since its code was recorded, a line each: ``changed conf/config.yaml``.

    Args:
        recorded: as in ``code.json``: ``root``, ``more`` directories, ``files`` with their hashes, ``git``.
        root: the app's directory now, if it is another.
    """
    root = root or recorded["root"]
    more = [folder for folder in recorded.get("more", ()) if os.path.isdir(folder)]
    found = changes(recorded["files"], code_files(root, more))
    then, now = (str(git.get("commit", ""))[:12] for git in (recorded.get("git", {}), git_state(root)))
    return [f"commit {then} is now {now}", *found] if found and then != now else found


def first_changes(sweep: str, found: Sequence[str]) -> str:
    """Returns the text that tells a user of changes since a sweep started: the first ten lines of them."""
    more = [f"… {len(found) - 10} more"] if found[10:] else []
    return "\n    ".join([f"the code has changed since {sweep} started:", *found[:10], *more])


def requirements() -> list[str]:
    """Returns a line a package, sorted: ``name==version``, or its origin if that is not an index."""
    found = {line.lower(): line for package in distributions() if (line := _line(package))}
    return [found[key] for key in sorted(found)]


def _line(package: Distribution) -> str:
    head = _head(package)
    name, version = head.get("name"), head.get("version")
    if not name:
        return ""
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    url, commit = without_credentials(str(origin.get("url") or "")), origin.get("vcs_info", {}).get("commit_id")
    if commit:
        return f"{name} @ {origin['vcs_info']['vcs']}+{url}@{commit}"
    if url:
        return f"# {name}=={version} from {url}"
    return f"{name}=={version}"


def without_credentials(url: str) -> str:
    """Returns a URL without a user, a password or a query, any of which may be a token; git's own user stays."""
    plain = re.sub(r"(?<=//)(?!git@)[^/?#]*@", "", url)
    return re.sub(r"\?[^#]*", "", plain)


def _head(package: Distribution) -> dict[str, str]:
    """Returns the first fields of a package's metadata; the library parses all of it, in ten times the time."""
    texts = (package.read_text(name) for name in ("METADATA", "PKG-INFO", ""))  # as the library looks for it
    text = next(filter(None, texts), "").partition("\n\n")[0]
    pairs = (line.partition(":") for line in reversed(text.splitlines()) if line[:1].strip())
    return {field.lower(): value.strip() for field, _, value in pairs}
