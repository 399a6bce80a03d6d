"""Says what to type where Hydra can't compose a sweep because a launcher, sweeper or field of ours is misplaced.

Hydra composes before it makes any launcher or sweeper, and tells plugins of no error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from .hydra_private.command_line import command_line
from .hydra_private.method_calls import pass_through, take_back

if TYPE_CHECKING:
    from omegaconf import DictConfig

T = TypeVar("T")
_WORDS = ("config_name", "overrides")


def explain_refusals(frame: FrameType | None) -> None:
    """Makes Hydra's refusals to compose a command line explain themselves, where they concern hsm.

    Args:
        frame: of a function that Hydra called before it begins to compose.
    """
    if "HSM_RESUMED_BY" in os.environ:
        from .resumed_by import note_command

        note_command()
    if command_line(frame) is not None:
        pass_through(GlobalHydra.instance(), "initialize", ("hydra",), _initialize)


def _initialize(ordinary: Callable[[], None], arguments: Mapping[str, Any]) -> None:
    ordinary()
    hydra: object = arguments["hydra"]

    def get_mode(ordinary: Callable[[], T], arguments: Mapping[str, Any]) -> T:
        take_back(hydra, "compose_config")  # Hydra 1.3 composes to know the mode
        mode = _explained(ordinary, *(arguments[word] for word in _WORDS))
        pass_through(hydra, "compose_config", _WORDS, compose_config)
        return mode

    def compose_config(ordinary: Callable[[], DictConfig], arguments: Mapping[str, Any]) -> DictConfig:
        take_back(hydra, "get_mode")
        return _composed(ordinary, *(arguments[word] for word in _WORDS))

    pass_through(hydra, "get_mode", _WORDS, get_mode)
    pass_through(hydra, "compose_config", _WORDS, compose_config)


def _composed(
    compose: Callable[[], DictConfig], config_name: str | None, overrides: Sequence[str]
) -> DictConfig:
    if any("," in word or "(" in word for word in overrides):
        from .refusal_advice import refuse_swept_files

        refuse_swept_files(GlobalHydra.instance().config_loader(), config_name, overrides)
    config = _explained(compose, config_name, overrides)
    if any(word.startswith(("+hydra.", "++hydra.")) for word in overrides):
        from .refusal_advice import refuse_added

        refuse_added(config, overrides)
    return config


def _explained(step: Callable[[], T], config_name: str | None, overrides: Sequence[str]) -> T:
    try:
        return step()
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        from .error_display import refuse
        from .refusal_advice import told

        found = told(error, GlobalHydra.instance().config_loader(), config_name, overrides)
        if found is None:
            raise
        refuse(found, error)
    except MarkedYAMLError as error:
        from .error_display import refuse
        from .faulty_file import of_sweep_file

        found = of_sweep_file(error)
        if found is None:
            raise
        refuse(found, error)
