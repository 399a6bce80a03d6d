"""Composes the config of one task, as Hydra's own launchers do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.types import HydraContext
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from ..hydra_private.config_loader import loader_for

Pairs = Sequence[Sequence[str]]


def task_config(
    loader: ConfigLoader, master: DictConfig, overrides: Sequence[str], number: int, job_id: str
) -> DictConfig:
    """Returns the config that Hydra gives task ``number``.

    Args:
        loader: Hydra's config loader, of the sweep's context.
        master: the config that the sweep was started with; what it has resolved (``${now:}``) is kept.
        overrides: of this task.
        job_id: becomes ``hydra.job.id``.
    """
    return numbered(loader.load_sweep_config(master, list(overrides)), number, job_id)


def numbered(config: DictConfig, number: int, job_id: str) -> DictConfig:
    """Returns a task's config with the task's number filled in."""
    with open_dict(config):
        config.hydra.job.id = job_id
        config.hydra.job.num = number
    return config


def rebase(master: DictConfig, root: Path) -> None:
    """Makes the tasks of a sweep run in ``root``, even if the sweep was made elsewhere and moved."""
    if Path(str(master.hydra.sweep.dir)).absolute() != root:
        set_sweep_directory(master, str(root))
    with read_write(master.hydra):
        master.hydra.sweep.dir = str(root)


def set_sweep_directory(master: DictConfig, text: str) -> None:
    """Sets ``hydra.sweep.dir`` for a sweep and its tasks.

    Hydra composes a task's config from the overrides of the master's, so that these must say it too.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    key, quoted = "hydra.sweep.dir", QuotedString(text, Quote.single).with_quotes()
    overrides = master.hydra.overrides
    with read_write(master.hydra), open_dict(master.hydra):
        others = [one for one in as_typed(overrides.hydra) if one.lstrip("+").partition("=")[0] != key]
        overrides.hydra = [*others, f"{key}={quoted}"]
        master.hydra.sweep.dir = text


def as_typed(overrides: ListConfig) -> list[str]:
    """Returns overrides as Hydra lists them; interpolations in them stay, as only a task may know their values."""
    found = OmegaConf.to_container(overrides, resolve=False)
    return [str(text) for text in found] if isinstance(found, list) else []


def searching_in(context: HydraContext, place_of: Callable[[str], str]) -> HydraContext:
    """Returns Hydra's context with a config loader that reads other folders.

    Args:
        place_of: where a folder of its search path is.
    """
    loader = context.config_loader
    search_path = copy.deepcopy(loader.get_search_path())
    for entry in search_path.get_path():
        scheme, mark, place = (entry.path or "").rpartition("://")
        if scheme in ("", "file") and place:
            entry.path = scheme + mark + place_of(place)
    return replace(context, config_loader=loader_for(search_path, loader))


def with_paths(config: DictConfig, pairs: Pairs) -> DictConfig:
    """Changes the absolute paths of a task's config that lie in one of these folders; Hydra's own part stays.

    Args:
        pairs: folders there and here; the first that holds a path counts.
    """
    if pairs:
        written = OmegaConf.to_container(config, resolve=False)
        assert isinstance(written, dict)
        own = {key: value for key, value in written.items() if key != "hydra"}
        for keys, path in list(_moved(own, pairs)):
            _set(config, keys, path)
    return config


def _moved(
    value: object, pairs: Pairs, keys: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], str | Path]]:
    """Yields where the config has a path that is elsewhere here, and where."""
    if isinstance(value, (str, Path)):
        text = str(value)
        for there, here in pairs:
            if text == there or text.startswith(there.rstrip("/") + "/"):
                moved = (here.rstrip("/") + text[len(there.rstrip("/")) :]) or "/"
                yield keys, moved if isinstance(value, str) else Path(moved)
                return
    elif isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _moved(inner, pairs, (*keys, key))


def _set(config: DictConfig, keys: Sequence[object], path: str | Path) -> None:
    place: DictConfig | ListConfig = config
    for key in keys[:-1]:
        place = place[key]  # type: ignore[index]  # a key of a dict, or the number of an element
    with read_write(place):
        place[keys[-1]] = path  # type: ignore[index]
