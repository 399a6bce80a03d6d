"""Tells whether the sweeper of a run needs results from its launcher."""

from __future__ import annotations

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from hsm_core.errors import ConfigError
from hsm_core.settings import LauncherSettings

_OURS = "hydra_plugins.hsm.plugins.HsmSweeper"


def needs_returns(config: DictConfig) -> bool:
    """Whether it may choose its next tasks by what the last ones returned."""
    hydras = ConfigStore.instance().load("hydra/sweeper/basic.yaml").node._target_
    return config.hydra.sweeper.get("_target_") not in (hydras, _OURS)


def launches_once(config: DictConfig) -> bool:
    """Whether it is sure to call ``launch`` a single time."""
    return not needs_returns(config) and config.hydra.sweeper.get("max_batch_size") is None


def require_detachable(config: DictConfig, settings: LauncherSettings) -> None:
    """Refuse to leave a sweeper without the returns that it may need: detached and in a dry run there are none.

    Raises:
        ConfigError: it may need them.
    """
    field = "detach" if settings.detach else "dry_run" if settings.dry_run else ""
    if field and needs_returns(config):
        chosen = config.hydra.runtime.choices.get("hydra/sweeper")
        told = f"the sweeper '{chosen}' may need its tasks' results, which {field} does not return"
        raise ConfigError(told, fix=f"hydra.launcher.{field}=false")
