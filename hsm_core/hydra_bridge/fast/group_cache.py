"""Composes tasks that choose the same config groups once, and sets the values of each in it, as Hydra would."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ..hydra_private.config_copy import copied
from ..hydra_private.config_loader import ComposingSteps

#: Skeletons that a process keeps; each is as large as a composed config, half a megabyte or so.
MOST = 64


@dataclass(frozen=True)
class Parts:
    """The overrides of a task, parted.

    Args:
        lines: all of them.
        structure: those that choose config groups.
        values: the others, as Hydra parsed them; they are applied to what the structure composes to.
        parsed: all of them, as Hydra parsed them.
    """

    lines: tuple[str, ...]
    structure: tuple[str, ...]
    values: list[Any]
    parsed: list[Any]


class Skeletons:
    """The configs of the choices of config groups that came up more than once.

    Args:
        loader: Hydra's config loader, of the sweep's context.
        master: the config that the sweep was started with.
    """

    def __init__(self, loader: Any, master: DictConfig) -> None:
        self._loader, self._master = loader, master
        self._made: dict[tuple[str, ...], DictConfig | None] = {}
        self._seen: set[tuple[str, ...]] = set()
        self._expected: Parts | None = None
        self._maker = os.getpid()
        self._steps = ComposingSteps.of(loader, master)

    def warm_up(self) -> None:
        """Make the skeleton of tasks that choose no groups, and load what any composing needs."""
        self._make(())
        self._part(("++hsm_warm_up=1",))

    def expect(self, overrides: Sequence[str]) -> None:
        """A task with these overrides comes next: be ready, if its choice of groups has come up before."""
        self._expected = parts = self._part(tuple(overrides))
        if parts is None:
            return
        if parts.structure in self._seen and parts.structure not in self._made and len(self._made) < MOST:
            self._make(parts.structure)
        self._seen.add(parts.structure)

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """The config of a task, from the skeleton that ``expect`` had ready, or else by Hydra.

        Raises:
            HydraException, OmegaConfBaseException: as Hydra says that there is none.
        """
        ready = self.config(overrides)
        if ready is not None:
            return ready
        composed: DictConfig = self._loader.load_sweep_config(self._master, list(overrides))
        return composed

    def config(self, overrides: Sequence[str]) -> DictConfig | None:
        """Composes as ``load_sweep_config`` would; None where only Hydra can tell.

        A process that was forked since the skeleton was made may change it: its memory is its own.
        """
        parts = self._expected
        if parts is None or parts.lines != tuple(overrides):
            return None
        skeleton = self._made.get(parts.structure)
        if skeleton is None:
            return None
        config = skeleton if os.getpid() != self._maker else copied(skeleton)
        assert self._steps is not None
        try:
            for value in parts.values:
                if not is_plain(config, value):
                    return None
                self._steps.set_value(value, config)
            return self._steps.fill(config, parts.parsed)
        except Exception:  # noqa: BLE001  whatever it is, Hydra will say it in its own words
            return None

    def _make(self, structure: tuple[str, ...]) -> None:
        self._made[structure] = None
        if self._steps is not None:
            with contextlib.suppress(Exception):  # the app's files and resolvers: the task itself will say so
                made = self._loader.load_sweep_config(self._master, list(structure))
                self._made[structure] = made

    def _part(self, lines: tuple[str, ...]) -> Parts | None:
        """Part a task's overrides as Hydra does; None if they are not for us."""
        if self._steps is None:
            return None
        parser = importlib.import_module("hydra.core.override_parser.overrides_parser").OverridesParser
        try:
            parsed = parser.create().parse_overrides(list(lines))
            if any(one.is_sweep_override() or is_of_hydra(one.key_or_group) for one in parsed):
                return None
            values = self._steps.values_of(parsed)
        except Exception:  # noqa: BLE001  whatever it is, the task itself will say so
            return None
        of_value = set(map(id, values))
        structure = tuple(one.input_line for one in parsed if id(one) not in of_value)
        return Parts(lines, structure, values, parsed)


def is_of_hydra(key: str) -> bool:
    return key.partition(".")[0].partition("/")[0] == "hydra"


def is_plain(config: DictConfig, override: Any) -> bool:
    """True for an override whose effect is the same before and after Hydra has filled in its own nodes.

    On the way to its key nothing may refer elsewhere. If it is more than a new value, nor may what is there.
    """
    node: Any = config
    if "[" in override.key_or_group:
        return False
    *way, last = override.key_or_group.split(".")
    for name in way:
        if name not in node.keys() or OmegaConf.is_missing(node, name):  # noqa: SIM118  that would resolve it
            return True
        if OmegaConf.is_interpolation(node, name) or not isinstance(node[name], DictConfig):
            return False
        node = node[name]
    value = override.value()
    sets = override.type == type(override.type).CHANGE or override.is_force_add()
    if sets and not isinstance(value, (dict, list)):
        return True
    if last not in node.keys():  # noqa: SIM118
        return True
    if OmegaConf.is_interpolation(node, last):
        return False
    there = None if OmegaConf.is_missing(node, last) else node[last]
    return (sets and isinstance(value, list)) or not (value or OmegaConf.is_config(there))
