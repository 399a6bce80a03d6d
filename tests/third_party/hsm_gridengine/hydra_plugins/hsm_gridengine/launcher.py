"""``hydra/launcher=hsm_gridengine``; nothing heavy is imported here, as each Hydra app loads this at its start."""

from __future__ import annotations

from hydra_plugins.hsm.plugins import LauncherBase, offer


class GridEngineLauncher(LauncherBase):
    """Job arrays of Grid Engine."""

    def place(self) -> str:
        return "gridengine"


offer("hydra/launcher", "hsm_gridengine", "hsm_gridengine.fields", "GridEngineConf")
