"""The sweeper and the launchers, where Hydra looks for them; what they do is in ``hsm_core.hydra_bridge``.

In one module, as each module here costs every Hydra app at start.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra import __version__
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper

from hsm_core.hydra_bridge import late_config, launcher

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

IS_1_3 = __version__.startswith("1.3")


class HsmSweeper(Sweeper):
    """Grids, paired axes, exclusions and samples, for any launcher.

    Its fields are read from the config as the user wrote them: references inside swept values are
    for the task's config.
    """

    def __init__(self, **_fields: Any) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Run all tasks of the sweep; see ``Sweeping.sweep``."""
        from hsm_core.hydra_bridge.sweeping import Sweeping

        assert self.hydra_context is not None
        assert self.config is not None
        assert self.launcher is not None
        return Sweeping(self.hydra_context, self.config, self.launcher).sweep(arguments)


class HsmLocalLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_local``: a pool of this machine."""

    backend = "local"


class HsmSlurmLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_slurm``: job arrays of Slurm."""

    backend = "slurm"


class HsmPbsLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_pbs``: job arrays of PBS Pro, OpenPBS or Torque."""

    backend = "pbs"


class HsmHpcLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_hpc``: Slurm or PBS, whichever is found, or HSM_HPC_SYSTEM names."""

    def place(self) -> str:
        from hsm_core.hydra_bridge.hpc_place import hpc_place

        return hpc_place()


class HsmSweeperHint(SearchPathPlugin):
    """Looks at the command line before Hydra composes."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        plugins, ours = Plugins.instance(), f"{__name__}.HsmSweeper"
        if ours not in plugins.class_name_to_class:
            _register_all(plugins)
        if IS_1_3:
            from hsm_core.hydra_bridge import unresolved

            unresolved.keep_unresolved(plugins, ours)
        if not {"-m", "--multirun", "hydra.mode=MULTIRUN"}.intersection(sys.argv):
            return
        from hsm_core.hydra_bridge import one_value, sweeper_hint

        for told in one_value.swept_settings(sys.argv[1:]):
            print(told, file=sys.stderr)
        own = [entry.path for entry in search_path.get_path() if entry.provider == "main"]
        primary = sweeper_hint.primary_in_use(sys._getframe(1))
        hint = sweeper_hint.overridden(own, sys.argv[1:], primary, added_wins=not IS_1_3)
        if hint:
            print(hint, file=sys.stderr)


def _register_all(plugins: Plugins) -> None:
    """Hydra 1.4 finds us by our entry point also where it can't list what is in ``hydra_plugins``."""
    for plugin in (HsmSweeper, HsmLocalLauncher, HsmSlurmLauncher, HsmPbsLauncher, HsmHpcLauncher):
        plugins.register(plugin)


late_config.offer("hydra/sweeper", "hsm", "hsm_core.hydra_bridge.sweeper_fields", "SweeperConf")
for _name, _kind in {"local": "LauncherConf", "slurm": "SlurmConf", "pbs": "PbsConf", "hpc": "HpcConf"}.items():
    late_config.offer("hydra/launcher", f"hsm_{_name}", "hsm_core.hydra_bridge.launcher_fields", _kind)
