"""Says what a sweep file does in a run without ``-m``: nothing varies."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from .hydra_private.command_line import command_line
from .hydra_private.method_calls import pass_through, take_back

#: The command line whose first config is waited for, or has come.
_seen: list[Namespace] = []


def tell_before_run(frame: FrameType | None) -> None:
    """Says, once Hydra has composed the config of a single run, which part of it is not used.

    Args:
        frame: of a function that Hydra calls while it composes; it tells plugins of no single run.
    """
    line = command_line(frame)
    if line is None or line.cfg or line.info or any(one is line for one in _seen):
        return
    _seen[:] = [line]
    pass_through(HydraConfig.instance(), "set_config", ("cfg",), _tell)


def _tell(ordinary: Callable[[], None], arguments: Mapping[str, Any]) -> None:
    ordinary()
    config: DictConfig = arguments["cfg"]
    if config.hydra.mode == RunMode.RUN:
        print(*told(config), sep="\n", end="", file=sys.stderr, flush=True)


def expect_no_run() -> None:
    """Takes that back, for a sweep: launchers pickle the object that waits for the config of a run."""
    take_back(HydraConfig.instance(), "set_config")


def told(config: DictConfig) -> Iterator[str]:
    """Yields the lines to print about a run with this config; none if no sweep was expected."""
    hydra = config.hydra
    axes = [name for name in ("grid", "paired", "params") if OmegaConf.select(hydra, f"sweeper.{name}")]
    if axes and "hydra.mode=RUN" not in (word.lstrip("+") for word in sys.argv):  # Hydra 1.3 adds it to all
        one = "is" if len(axes) == 1 else "are"
        yield f"warning: without -m this is a single run; hydra.sweeper.{' and '.join(axes)} {one} not used"
        from hsm_core.views.lines_to_copy.app_line import with_words

        line = with_words("-m")
        told = f"next: {line}" if line else "fix: add -m to the command line"
        yield f"  {told}    # or hydra.mode: MULTIRUN to the sweep file\n"
