"""Reads what must be known before a payload can be loaded, and makes one fit the machine that it was sent to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote as quoted
from typing import TypedDict

from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict, read_write

from hsm_core.safe_open import read_own

from . import values
from .config import searching_in, set_sweep_directory
from .main_module import MainState, MainWords
from .snapshot_paths import FrozenApp


class Boot(TypedDict):
    """The part of ``boot.json`` that the application's side reads.

    Args:
        environ: variables as they were when the app was started.
        main: the file to be imported as the main module.
        module_of_function: where the task function is found, if that is elsewhere; else empty.
        moved: on another machine: folders where the app was started, and where they are here; else empty.
        path_map: folders that the app's config names where it was started, and where they are here; else empty.
        cwd: where the app runs.
        root: the app's directory where it was started.
        code: which code tasks run, see ``LauncherSettings``.
        modules: of the app, each with its file relative to ``root``.
    """

    versions: dict[str, str]
    environ: dict[str, list[str | None]]
    main: MainWords | None
    module_of_function: str
    moved: list[list[str]]
    path_map: list[list[str]]
    cwd: str
    root: str
    code: str
    modules: dict[str, str]


def read_boot(payload: Path) -> Boot:
    """Returns what lies beside a payload.

    Raises:
        StoreError: it is not the user's own.
        VersionMismatch: it was written by versions that do not fit; both are named.
    """
    boot: Boot = json.loads(read_own(payload.with_name("boot.json")))
    values.require_versions(boot["versions"], "the sweep was started", _with_the_first_python(payload))
    return boot


def _with_the_first_python(payload: Path) -> str:
    """Returns what to type so that the Python that starts a sweep runs its tasks, too; a trial has no sweep."""
    sweep, is_trial = payload.parents[2], payload.parents[1].name != ".hsm"
    resume = "" if is_trial else f"hsm resume {quoted(str(sweep))} --set "
    return f"{resume}hydra.launcher.python=null    # the Python that starts the sweep"


@dataclass(frozen=True)
class Moved:
    """The folders of a sweep where it was started, and where they are here.

    Args:
        pairs: there and here; the first that holds a path counts.
        sweep: the sweep's directory here.
        cwd: where tasks run here, as the app was started there.
    """

    pairs: Sequence[Sequence[str]]
    sweep: str
    cwd: str

    def path(self, path: str) -> str:
        """Returns where a path is here; the same, if it lies in no folder that came along."""
        for there, here in self.pairs:
            if path == there or path.startswith(there.rstrip("/") + "/"):
                return here + path[len(there.rstrip("/")) :]
        return path

    def config(self, master: DictConfig) -> DictConfig:
        """Makes the tasks of a master config run in this machine's folders."""
        set_sweep_directory(master, self.sweep)
        with read_write(master.hydra), open_dict(master.hydra):
            master.hydra.runtime.cwd = self.cwd
            for source in master.hydra.runtime.config_sources:
                if source.schema == "file":
                    source.path = self.path(str(source.path))
        return master

    def context(self, context: HydraContext) -> HydraContext:
        """Returns Hydra's context with a config loader that reads the folders here."""
        return searching_in(context, self.path)

    def main(self, main: MainState) -> MainState:
        """Returns the state of the main module as it is here."""
        argv = [self.path(word) for word in main.argv[:1]] + main.argv[1:]
        attributes = {
            name: self.path(value) if isinstance(value, str) else value for name, value in main.attributes.items()
        }
        return replace(main, argv=argv, attributes=attributes, cwd=self.cwd)

    def frozen(self, frozen: FrozenApp | None) -> FrozenApp | None:
        """Returns the app's snapshot here."""
        return frozen and replace(frozen, snapshot=self.path(frozen.snapshot))
