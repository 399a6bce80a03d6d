"""What Hydra finds of the sweeper ``hsm``; all that is heavy is imported when it sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


class SweeperBase(Sweeper):
    """The sweeper ``hsm``, but for its class in ``hydra_plugins``, where Hydra looks for it.

    Its fields are read from the config as the user wrote them: references inside swept values are
    for the task's config.
    """

    def __init__(self, **_fields: Any) -> None:
        self.hydra_context: HydraContext | None = None
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Run all tasks of the sweep; see ``Sweeping.sweep``."""
        from .sweeping import Sweeping

        assert self.hydra_context is not None
        assert self.config is not None
        assert self.launcher is not None
        return Sweeping(self.hydra_context, self.config, self.launcher).sweep(arguments)
