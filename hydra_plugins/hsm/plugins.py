"""The sweeper and the launchers, where Hydra looks for them; what they do is in ``hsm_core.hydra_bridge``.

In one module, with nothing imported but Hydra's own, as each module costs every Hydra app at start.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from hydra import __version__
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper

from hsm_core.hydra_bridge.config_source import SCHEME, HsmConfigSource, offer

if TYPE_CHECKING:
    from types import FrameType

    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from hsm_core.hydra_bridge.launch_plan import PlannedSweep
    from hsm_core.hydra_bridge.launcher.first_rank import FirstRank
    from hsm_core.hydra_bridge.launcher.launch import Launching

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
        from hsm_core.hydra_bridge.one_run import expect_no_run

        expect_no_run()
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Run all tasks of the sweep; see ``Sweeping.sweep``."""
        from hsm_core.hydra_bridge.interrupted_launch import interruptible
        from hsm_core.hydra_bridge.sweeper.run import Sweeping

        assert self.hydra_context is not None
        assert self.config is not None
        assert self.launcher is not None
        sweeping = Sweeping(self.hydra_context, self.config, self.launcher)
        if not isinstance(self.launcher, LauncherBase):
            return sweeping.sweep(arguments)
        with interruptible(self.launcher.interrupted):
            return sweeping.sweep(arguments)


class LauncherBase(Launcher):
    """Hands the tasks of a sweep to a backend and returns what they returned; base of other packages' launchers, too.

    Args:
        fields: see ``launcher_fields.LauncherConf``.
    """

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        self._launching: Launching | None = None
        self._first_rank: FirstRank | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hsm_core.hydra_bridge.interrupted_launch import interruptible

        with interruptible(self.interrupted):
            from hsm_core.hydra_bridge.launcher.started_rank import join_task
            from hsm_core.hydra_bridge.one_run import expect_no_run

        expect_no_run()
        join_task(hydra_context, task_function, config)  # it may be the app's function that runs here
        with interruptible(self.interrupted):
            self._prepare(hydra_context, task_function, config)

    def _prepare(self, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hsm_core.hydra_bridge.error_display import shown
        from hsm_core.hydra_bridge.fast.sweep_loader import hydras_loader, sweep_loader
        from hsm_core.hydra_bridge.launcher.first_rank import lead_or_wait

        self._first_rank = self._first_rank or shown(lambda: lead_or_wait(hydra_context))
        loader = hydras_loader(hydra_context.config_loader)
        self._context, self._task_function, self._config = copy(hydra_context), task_function, config
        self._context.config_loader = loader
        self._open().require_free()  # before the sweeper writes to the directory
        hydra_context.config_loader = sweep_loader(hydra_context.config_loader)

    def announce(self, planned: PlannedSweep) -> None:
        """Take the whole plan, before the first launch of it."""
        self._open().announce(planned)

    def recorded_tasks(self, resume: str | None = None) -> Sequence[tuple[str, ...]] | None:
        """The tasks of the sweep to go on with, in order of their numbers; None when a new one starts."""
        return self._open().recorded_tasks(resume)

    def preview(self, tasks: Sequence[Sequence[str]]) -> list[str]:
        """Returns what would be submitted for these tasks, as lines to read."""
        return self._open().preview(tasks, 0)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run tasks; what they returned comes in their order. Detached or dry, nothing comes back."""
        from hsm_core.hydra_bridge.interrupted_launch import interruptible

        try:
            with interruptible(self.interrupted):
                return self._open().launch(job_overrides, initial_job_idx)
        except SystemExit as ended:
            if self._first_rank is not None:
                self._first_rank.will_exit(ended.code)
            raise

    def interrupted(self) -> str:
        """Tells what a Ctrl-C found, see ``Launching.interrupted``."""
        from hsm_core.hydra_bridge.interrupted_launch import NOTHING

        return NOTHING if self._launching is None else self._launching.interrupted()

    def _open(self) -> Launching:
        if self._launching is None:
            from hsm_core.hydra_bridge.launcher.launch import Launching

            self._launching = Launching(
                self.place(), self._fields, self._context, self._task_function, self._config
            )
        return self._launching

    @abstractmethod
    def place(self) -> str:
        """Which place the tasks go to, see ``hsm_core.sources.registry``."""


class HsmLocalLauncher(LauncherBase):
    """``hydra/launcher=hsm_local``: a pool of this machine."""

    def place(self) -> str:
        return "local"


class HsmSlurmLauncher(LauncherBase):
    """``hydra/launcher=hsm_slurm``: job arrays of Slurm."""

    def place(self) -> str:
        return "slurm"


class HsmPbsLauncher(LauncherBase):
    """``hydra/launcher=hsm_pbs``: job arrays of PBS Pro, OpenPBS or Torque."""

    def place(self) -> str:
        return "pbs"


class HsmSshLauncher(LauncherBase):
    """``hydra/launcher=hsm_ssh``: machines behind SSH."""

    def place(self) -> str:
        return "ssh"


class HsmSourcesLauncher(LauncherBase):
    """``hydra/launcher=hsm_sources``: several places at once."""

    def place(self) -> str:
        return "sources"


class HsmHpcLauncher(LauncherBase):
    """``hydra/launcher=hsm_hpc``: Slurm or PBS, whichever is found, or HSM_HPC_SYSTEM names."""

    def place(self) -> str:
        from hsm_core.hydra_bridge.launcher.hpc import hpc_place

        return hpc_place()


class HsmSweeperHint(SearchPathPlugin):
    """Tells Hydra where our configs are, and looks at the command line before it composes."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        plugins, ours = Plugins.instance(), f"{__name__}.HsmSweeper"
        if ours not in plugins.class_name_to_class:
            _register_all(plugins)
        search_path.append("hsm", f"{SCHEME}://")
        from hsm_core.hydra_bridge import explain_refusals
        from hsm_core.hydra_bridge.hydra_private.method_calls import make_by

        if IS_1_3:
            make_by(plugins, "sweeper", _make_sweeper)
        make_by(plugins, "launcher", _make_launcher)
        explain_refusals.explain_refusals(sys._getframe(1))
        own = [entry.path for entry in search_path.get_path() if entry.provider == "main"]
        if IS_1_3 or {"-m", "--multirun", "hydra.mode=MULTIRUN"}.intersection(sys.argv):
            return
        if any("=" in word for word in sys.argv):
            from hsm_core.hydra_bridge import sweeper_hint

            sweeper_hint.obey_mode(sys._getframe(1), own, sys.argv[1:])


def _register_all(plugins: Plugins) -> None:
    """Hydra 1.4 finds us by our entry point also where it can't list what is in ``hydra_plugins``."""
    launchers = (
        HsmLocalLauncher, HsmSlurmLauncher, HsmPbsLauncher, HsmSshLauncher, HsmHpcLauncher, HsmSourcesLauncher,
    )  # fmt: skip
    for plugin in (HsmConfigSource, HsmSweeper, *launchers):
        plugins.register(plugin)


def _make_sweeper(config: DictConfig) -> Sweeper | None:
    """Ours, which takes no fields: Hydra 1.3 would look for what swept values refer to in the sweep's own config.

    So ``grid: {optimizer: [adam], x: ["${optimizer.beta}"]}`` would fail if the base optimizer has no ``beta``.
    """
    target = str((config.hydra.sweeper or {}).get("_target_"))
    made: Any = Plugins.instance().class_name_to_class.get(target)
    return made() if target == f"{__name__}.HsmSweeper" else None


def _make_launcher(config: DictConfig) -> Launcher | None:
    """One of ours, with fields that tasks may refer to in what the sweep's own config lacks."""
    chosen = config.hydra.launcher
    kind = Plugins.instance().class_name_to_class.get(str((chosen or {}).get("_target_")))
    if not (isinstance(kind, type) and issubclass(kind, LauncherBase)):
        return None
    from hsm_core.hydra_bridge.error_display import shown
    from hsm_core.hydra_bridge.launcher.fields.resolve import fields_of_sweep

    return kind(**shown(lambda: fields_of_sweep(config)))


def _before_sweeper(frame: FrameType) -> None:
    from hsm_core.hydra_bridge.one_run import tell_before_run

    tell_before_run(frame)


offer("hydra/sweeper", "hsm", "hsm_core.hydra_bridge.sweeper.fields", "SweeperConf", _before_sweeper)
_CONFS = {
    "local": "LauncherConf", "slurm": "SlurmConf", "pbs": "PbsConf", "ssh": "SshConf", "hpc": "HpcConf",
    "sources": "SourcesConf",
}  # fmt: skip
for _name, _kind in _CONFS.items():
    offer("hydra/launcher", f"hsm_{_name}", "hsm_core.hydra_bridge.launcher.fields.declared", _kind)
