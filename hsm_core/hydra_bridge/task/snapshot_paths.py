"""Makes tasks read their code and config from the app's snapshot, and tells what did not come from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hydra.types import HydraContext

from hsm_core.errors import ConfigError

from .config import searching_in
from .main_module import MainFile


def require_own_modules(modules: Mapping[str, str]) -> None:
    """Refuses to run an app whose modules came from elsewhere than its code, as from an install on this machine.

    Args:
        modules: by their names, the files that they must be.

    Raises:
        ConfigError: one came from another file.
    """
    for name, file in modules.items():
        found = getattr(sys.modules.get(name), "__dict__", {}).get("__file__")
        if isinstance(found, str) and os.path.realpath(found) != os.path.realpath(file):
            package = name.partition(".")[0]
            raise ConfigError(
                f"{name} was imported from {found}, not from the app's code that was sent",
                evidence=f"it is in {file}, too",
                fix=f"{sys.executable} -m pip uninstall {package}    # there; or hydra.launcher.code=live",
            )  # fmt: skip


@dataclass(frozen=True)
class FrozenApp:
    """The directory of an app and its snapshot.

    Args:
        root: the directory as it was when the sweep began.
        snapshot: its read-only copy.
    """

    root: str
    snapshot: str

    def path(self, path: str) -> str:
        """Returns where a path of the app lies in its snapshot; a path outside the app stays as it is."""
        if not self._is_inside(path):
            return path
        inside = os.path.normpath(os.path.join(self.snapshot, os.path.relpath(path, self.root)))
        return inside if os.path.exists(inside) else path

    def context(self, context: HydraContext) -> HydraContext:
        """Returns Hydra's context with a config loader that reads the snapshot."""
        return searching_in(context, lambda place: self.path(os.path.abspath(place)))

    def main(self, main: MainFile) -> MainFile:
        """Returns the main file, as if it had been started from the snapshot."""
        inside = self.path(os.path.normpath(main.path))
        return replace(main, path=inside) if os.path.isfile(inside) else main

    def has(self, file: str) -> bool:
        """Returns whether a file, relative to the app's directory, is part of the snapshot."""
        return os.path.isfile(os.path.join(self.snapshot, file))

    def notes(self) -> list[str]:
        """Returns the app's modules that were not imported from the snapshot, as happens with editable installs."""
        files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
        astray = [
            f"{name} was imported from {file}, not from the snapshot"
            for name, file in sorted(files.items())
            if self._is_inside(file) and not file.startswith(self.snapshot) and "site-packages" not in file
        ]
        return astray or [f"the app's modules come from {self.snapshot}"]

    def _is_inside(self, path: str) -> bool:
        return path == self.root or path.startswith(self.root.rstrip("/") + "/")
