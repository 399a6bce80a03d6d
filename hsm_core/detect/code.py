"""Which code and config an app has, so that a change since the sweep began is noticed."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

#: What decides how a task runs; data and results do not count.
_SUFFIXES = frozenset(
    {".py", ".pyx", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".c", ".cc", ".cpp", ".cu", ".h", ".hpp"}
)
_SKIPPED = frozenset({"multirun", "outputs", "__pycache__", "node_modules", "venv", "build", "dist"})
#: Files at most, and their size in bytes at most: a home directory is no app.
_MOST_FILES, _MOST_BYTES = 20_000, 2_000_000


def code_root(cwd: str) -> str:
    """The app's directory: its git repository, or else where it was started."""
    return git(cwd, "rev-parse", "--show-toplevel").strip() or cwd


def code_files(root: str) -> dict[str, str]:
    """The app's code and config files with a hash of their content, by path relative to ``root``.

    With git, what is tracked or could be; without, all but hidden and usual output directories.
    """
    found = {}
    for name in sorted(_names(root))[:_MOST_FILES]:
        digest = _digest(Path(root, name))
        if digest:
            found[name] = digest
    return found


def changes(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What differs, as ``changed conf/config.yaml``, ``new helper.py``, ``gone old.py``."""
    lines = [f"changed {name}" for name in before if name in now and now[name] != before[name]]
    lines += [f"gone {name}" for name in before if name not in now]
    return lines + [f"new {name}" for name in now if name not in before]


def _names(root: str) -> Iterator[str]:
    listed = git(root, "ls-files", "-co", "--exclude-standard", "-z")
    names = (name for name in listed.split("\0") if name) if listed else walk(root)
    for name in names:
        if os.path.splitext(name)[1] in _SUFFIXES and not is_output(name):
            yield name


def is_output(name: str) -> bool:
    """True for a path within hidden, environment or usual output directories."""
    parts = name.split("/")
    return any(part.startswith(".") for part in parts) or bool(_SKIPPED.intersection(parts[:-1]))


def walk(root: str) -> Iterator[str]:
    """The files below ``root`` by relative path, but those of sweeps, environments and hidden directories."""
    for folder, folders, files in os.walk(root):
        if ".hsm" in folders or ".hydra" in folders or "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


def _digest(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ""
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def git(directory: str, *words: str) -> str:
    """What a git command prints; empty without git, or when it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", directory, *words], capture_output=True, text=True, timeout=20, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def untracked(root: str) -> list[str]:
    """Files that git could track but does not, so that its diff lacks them."""
    names = git(root, "ls-files", "-o", "--exclude-standard", "-z").split("\0")
    return [name for name in names if name and not is_output(name)]


def uncommitted(root: str) -> bytes:
    """Git's binary diff of what is not committed; empty without git, or above 10 MB."""
    try:
        done = subprocess.run(
            ["git", "-C", root, "diff", "HEAD", "--binary"], capture_output=True, timeout=20, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 and len(done.stdout) <= 10_000_000 else b""
