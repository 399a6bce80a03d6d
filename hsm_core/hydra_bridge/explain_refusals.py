"""Says what to type where Hydra can't compose a sweep because a launcher, sweeper or field of ours is misplaced.

Hydra composes before it makes any launcher or sweeper, and tells plugins of no error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from .hydra_private.command_line import command_line

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from .refusal_advice import RunningHydra

T = TypeVar("T")


def explain_refusals(frame: FrameType | None) -> None:
    """Makes Hydra's refusals to compose a command line explain themselves, where they concern hsm.

    Args:
        frame: of a function that Hydra called before it begins to compose.
    """
    if command_line(frame) is None:
        return
    instance = GlobalHydra.instance()
    ordinary: Callable[..., None] = instance.initialize

    def initialize(hydra: RunningHydra) -> None:
        vars(instance).pop("initialize", None)
        ordinary(hydra)
        _watch(hydra)

    vars(instance)["initialize"] = initialize


def _watch(hydra: RunningHydra) -> None:
    """Replaces the methods of this one object, each until it has been called: Hydra's state is pickled."""
    mode_of: Callable[..., object] = hydra.get_mode
    compose: Callable[..., DictConfig] = hydra.compose_config

    def get_mode(*, config_name: str | None, overrides: list[str], **more: object) -> object:
        del vars(hydra)["get_mode"], vars(hydra)["compose_config"]  # Hydra 1.3 composes to know the mode
        mode = _explained(
            hydra, lambda: mode_of(config_name=config_name, overrides=overrides, **more), config_name, overrides
        )
        vars(hydra)["compose_config"] = compose_config
        return mode

    def compose_config(*, config_name: str | None, overrides: list[str], **more: object) -> DictConfig:
        del vars(hydra)["compose_config"]
        vars(hydra).pop("get_mode", None)
        if any("," in word or "(" in word for word in overrides):
            from .refusal_advice import refuse_swept_files

            refuse_swept_files(hydra, config_name, overrides)
        config = _explained(
            hydra, lambda: compose(config_name=config_name, overrides=overrides, **more), config_name, overrides
        )
        if any(word.startswith(("+hydra.", "++hydra.")) for word in overrides):
            from .refusal_advice import refuse_added

            refuse_added(config, overrides)
        return config

    vars(hydra).update(get_mode=get_mode, compose_config=compose_config)


def _explained(
    hydra: RunningHydra, step: Callable[[], T], config_name: str | None, overrides: Sequence[str]
) -> T:
    try:
        return step()
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        from .error_display import refuse
        from .refusal_advice import told

        found = told(error, hydra, config_name, overrides)
        if found is None:
            raise
        refuse(found, error)
