"""Makes tasks read their code and config from the app's snapshot, and tells what did not come from it."""

from __future__ import annotations

import copy
import os
import sys
from dataclasses import dataclass, replace
from typing import Any

from ..hydra_private.config_loader import loader_for
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

    def context(self, context: Any) -> Any:
        """Returns Hydra's context with a config loader that reads the snapshot."""
        loader = context.config_loader
        search_path = copy.deepcopy(loader.get_search_path())
        for entry in search_path.get_path():
            scheme, mark, place = (entry.path or "").rpartition("://")
            if scheme in ("", "file") and place:
                entry.path = scheme + mark + self.path(os.path.abspath(place))
        return replace(context, config_loader=loader_for(search_path, loader))

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
