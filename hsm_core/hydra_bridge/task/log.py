"""Sets Hydra's own logging up, on which that of each task is built, as the basic launcher does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf

_FILES = ("FileHandler", "handlers.RotatingFileHandler", "handlers.TimedRotatingFileHandler")


def configure_hydra_log(log_config: Any, verbose: bool | str | Sequence[str], context: object) -> None:
    """Configures ``hydra.hydra_logging``, in Hydra 1.3 as in 1.4.

    Args:
        verbose: ``hydra.verbose``.
    """
    from hydra.core.utils import configure_log

    allowed = getattr(context, "execution_whitelist", None)
    more = {"execution_whitelist": allowed} if hasattr(context, "execution_whitelist") else {}
    configure_log(log_config, verbose, **more)


@dataclass
class HydraLog:
    """Hydra's own logging in a process that runs tasks.

    Args:
        config: the sweep's master config.
        context: Hydra's.
    """

    config: DictConfig
    context: object
    _is_set_up: bool = field(default=False, init=False)

    def set_up(self) -> None:
        """Sets logging up for the next task as Hydra leaves it; fast if no task has run since."""
        if not self._is_set_up:
            hydra = self.config.hydra
            configure_hydra_log(_without_opening(hydra.hydra_logging), hydra.verbose, self.context)
            self._is_set_up = True

    def hand_over(self) -> None:
        """Lets a task set up its own logging from now on."""
        self._is_set_up = False


def _without_opening(log_config: DictConfig | None) -> DictConfig | None:
    """Its files are those of the process that started the sweep: they are not emptied, nor made for nothing."""
    if log_config is None:
        return None
    found = log_config.copy()
    OmegaConf.set_readonly(found, False)
    OmegaConf.set_struct(found, False)
    for handler in (found.get("handlers") or {}).values():
        if handler is not None and handler.get("class") in [f"logging.{name}" for name in _FILES]:
            handler["delay"] = True
            if "mode" in handler:
                handler["mode"] = "a"
    return found
