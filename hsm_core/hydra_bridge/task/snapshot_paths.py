"""Makes tasks read their code and config from the app's snapshot, and tells what did not come from it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace

from hydra.types import HydraContext

from .config import searching_in
from .main_module import MainFile


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
