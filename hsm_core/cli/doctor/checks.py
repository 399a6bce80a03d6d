"""Runs the checks of hsm doctor; starts no Hydra."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

from hsm_core.hosts.local import LocalHost
from hsm_core.overrides import pip_line, quoted
from hsm_core.schedulers.batch_system import Finding
from hsm_core.store.layout import state_home

from .schedulers import scheduler_findings

_PACKAGE = "hpc-sweep-manager"
_SKEW_S = 2.0


def all_findings() -> Iterator[Finding]:
    """Yields all findings, in the order of likely trouble."""
    yield from versions()
    yield from plugin_places()
    yield from primary_configs(Path.cwd())
    yield writable("this directory", Path.cwd(), "hydra.sweep.dir=DIRECTORY    # another one")
    yield writable("the list of sweeps", state_home(), "export XDG_STATE_HOME=DIRECTORY    # one that you can write")
    yield clock(Path.cwd())
    yield from scheduler_findings(LocalHost())


def versions() -> Iterator[Finding]:
    """Yields the versions of Python, hsm, Hydra and what it reads configs with."""
    yield Finding("python", "ok", f"{sys.version.split()[0]} in {sys.prefix}")
    for name in (_PACKAGE, "hydra-core", "omegaconf", "cloudpickle"):
        try:
            yield _version(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(
                name, "bad", "is not installed in this environment", pip_line("install", name)
            )


def plugin_places() -> Iterator[Finding]:
    """Checks where Hydra would find the plugins: in one place, not in none or two."""
    found = [Path(entry or ".") / "hydra_plugins" / "hsm" for entry in dict.fromkeys(sys.path)]
    places = list(dict.fromkeys(path.resolve() for path in found if (path / "plugins.py").is_file()))
    again = pip_line("install", "--force-reinstall", "--no-deps", _PACKAGE)
    if not places:
        said = "not found on sys.path (Hydra 1.3 can't see some editable installs)"
        yield Finding(
            "plugins", "bad", said, f"{again}    # or pip install -e . --config-settings editable_mode=compat"
        )
    elif len(places) > 1:
        yield Finding("plugins", "bad", f"found {len(places)} times: {', '.join(map(str, places))}", again)
    else:
        yield Finding("plugins", "ok", f"found once, in {places[0]}")
    for path in dict.fromkeys(Path(entry or ".") / "hydra_plugins" / "__init__.py" for entry in sys.path):
        if path.is_file():
            yield Finding("plugins", "bad", f"{path} hides all other Hydra plugins", f"rm {path}")


def primary_configs(directory: Path) -> Iterator[Finding]:
    """Checks for primary configs that choose another sweeper: they win over sweep files, which then don't compose."""
    for path in sorted(
        [*directory.glob("*.yaml"), *directory.glob("conf*/*.yaml"), *directory.glob("*/conf*/*.yaml")]
    ):
        chosen = re.search(r"^\s*-\s*override\s+/?hydra/sweeper\s*:\s*(\S+)", _text(path), re.MULTILINE)
        if chosen and chosen[1] != "hsm":
            said = f"{path} chooses the sweeper '{chosen[1]}', which overrides that of sweep files"
            yield Finding("primary config", "note", said, "add hydra/sweeper=hsm on the command line")


def writable(name: str, directory: Path, instead: str) -> Finding:
    """Checks that a file can be made there, or the directory itself, and that there is room.

    Args:
        instead: what to type where not.
    """
    existing = _existing(directory)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding(name, "bad", f"{directory} can't be written: {error.strerror}", instead)
    free = shutil.disk_usage(existing).free / 2**30
    level: Literal["ok", "note"] = "ok" if free >= 1 else "note"
    return Finding(
        name, level, f"{directory}, {free:.1f} GiB free", "" if level == "ok" else f"df -h {quoted(str(directory))}"
    )


def clock(directory: Path) -> Finding:
    """Checks that the file system's clock agrees with ours."""
    try:
        with tempfile.NamedTemporaryFile(dir=directory) as stream:
            stream.write(b"x")
            stream.flush()
            skew = os.stat(stream.name).st_mtime - time.time()
    except OSError as error:
        return Finding("clock", "note", f"can't be checked: {error.strerror}")
    if abs(skew) > _SKEW_S:
        said = f"the file system's clock is off by {skew:.1f} s, and so are the times shown for other nodes"
        return Finding("clock", "note", said, "timedatectl status")
    return Finding("clock", "ok", f"differs from the file system's by {abs(skew):.2f} s")


def _version(name: str, found: str) -> Finding:
    if name == "hydra-core" and not found.startswith(("1.3.", "1.4.")):
        return Finding(
            name,
            "bad",
            f"{found} is not supported",
            pip_line("install", "hydra-core>=1.3,<1.5"),
        )
    return Finding(name, "ok", found)


def _existing(path: Path) -> Path:
    return next(directory for directory in (path, *path.parents) if directory.is_dir())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
