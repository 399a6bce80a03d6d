"""Makes launchers and sweepers of ours with fields that Hydra would resolve too early."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hydra.core.plugins import Plugins

if TYPE_CHECKING:
    from hydra.plugins.launcher import Launcher
    from hydra.plugins.sweeper import Sweeper
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


def make_by(plugins: Plugins, kind: str, make: Callable[[DictConfig], Launcher | Sweeper | None]) -> None:
    """Has Hydra ask ``make`` for its launcher or sweeper.

    It hands plugins their fields resolved, and has no hook for those that refer to what only the tasks' configs
    have. This replaces the one method of this one object; a Hydra that makes plugins by another one makes ours as
    it does all others, and refuses such a field in its own words.

    Args:
        kind: ``launcher`` or ``sweeper``.
        make: from the sweep's config to one that is not set up yet; None leaves it to Hydra.
    """
    name = f"instantiate_{kind}"
    ordinary = getattr(plugins, name, None)
    if ordinary is None:
        return

    def instantiate(hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> object:
        made = make(config)
        if made is None:
            return ordinary(hydra_context=hydra_context, task_function=task_function, config=config)
        made.setup(hydra_context=hydra_context, task_function=task_function, config=config)
        return made

    vars(plugins).setdefault(name, instantiate)
