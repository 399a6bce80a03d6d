"""Reads the axes that a sweep file describes: params, grid and paired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from omegaconf import DictConfig, DictKeyType, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of
from hsm_core.plan.axis import Axis, together

from ..faults import Faults
from ..plain import as_written
from ..value_text import value_text
from .grammar import Grammar


def params_axes(params: DictConfig | None, grammar: Grammar, faults: Faults) -> tuple[list[Axis], list[str]]:
    """Returns the axes of ``params``, read as Hydra's basic sweeper reads them, and warnings."""
    axes: list[Axis] = []
    warnings: list[str] = []
    params = params or OmegaConf.create({})
    for key in params:
        with faults.gathered():
            value = _followed(params, key, "params")
            if isinstance(value, ListConfig):
                warnings.append(
                    f"hydra.sweeper.params.{key!s} is a YAML list, so one value for all tasks; did you mean grid?"
                )
            if OmegaConf.is_config(value):
                value = value_text(_resolved(value, f"params.{key!s}"))
            text = "null" if value is None else str(value)
            with _located(f"params.{key!s}"):
                axes.append(grammar.zipped(str(key), text) or grammar.axis(f"{key!s}={text}"))
    return axes, warnings


def grid_axes(grid: DictConfig | None, grammar: Grammar, faults: Faults) -> list[Axis]:
    """Returns the axes of ``grid``; a key that is spelled dotted and nested is one axis, and the later values win."""
    axes: dict[str, Axis] = {}
    with faults.gathered():
        for key, node in _flat(grid or OmegaConf.create({}), "", "grid"):
            with faults.gathered(), _located(f"grid.{key}"):
                axes[key] = _axis(key, node, grammar, "grid")
    return list(axes.values())


def paired_axes(paired: DictConfig | None, grammar: Grammar, faults: Faults) -> list[Axis]:
    """Returns the axes of ``paired``: one for each group, whose keys vary together."""
    groups = paired or OmegaConf.create({})
    axes = []
    for name in groups:
        with faults.gathered(), _located(f"paired.{name!s}"):
            axes.append(_group(str(name), _followed(groups, name, "paired"), grammar))
    return axes


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Adds to errors where in the sweep file they come from."""
    try:
        yield
    except ConfigError as error:
        if f"hydra.sweeper.{where}" in error.problem:
            raise
        problem = f"hydra.sweeper.{where}: {error.problem}"
        raise ConfigError(problem, evidence=error.evidence, fix=error.fix) from error


def _group(name: str, node: object, grammar: Grammar) -> Axis:
    if isinstance(node, str):
        axis = grammar.zipped(name, node)
        if axis is None:
            raise _no_group(name, node)
        return axis
    given = list(node) if isinstance(node, ListConfig) else [node]
    mappings = [one for one in given if isinstance(one, DictConfig)]
    if not mappings or len(mappings) < len(given):
        raise _no_group(name, node)
    rows = _rows(mappings)
    if rows:
        return together(name, [grammar.listed(key, [row[key] for row in rows]) for key in rows[0]])
    members = [
        _axis(key, member, grammar, f"paired.{name}")
        for mapping in mappings
        for key, member in _flat(mapping, "", f"paired.{name}")
    ]
    if not members:
        raise _no_group(name, node)
    keys = [key_of(member.keys[0]) for member in members]
    for key in keys:
        if keys.count(key) > 1:
            raise ConfigError(
                f"paired group '{name}' has the key '{key}' twice",
                fix="give each key one list, or each row the same keys",
            )
    return together(name, members)


def _rows(mappings: list[DictConfig]) -> list[dict[str, object]]:
    """Returns rows of values if that is what the mappings are: at least two, with the same keys."""
    rows = [dict(_leaves(as_written(one), "")) for one in mappings]
    alike = len(rows) > 1 and len(rows[0]) > 1 and all(row.keys() == rows[0].keys() for row in rows)
    return rows if alike else []


def _leaves(node: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key!s}.")
        else:
            yield f"{prefix}{key!s}", value


def _no_group(name: str, node: object) -> ConfigError:
    return ConfigError(
        f"paired group '{name}' is {node!r}",
        evidence="a group maps keys to lists of equal length, or is zip(a=choice(1,2),b=choice(3,4))",
        fix=f"paired: {{{name}: {{model: [cnn, vit], lr: [0.1, 0.01]}}}}",
    )


def _flat(node: DictConfig, prefix: str, where: str) -> Iterator[tuple[str, object]]:
    """Yields keys with their lists or strings; follows a reference to a whole list, keeps one inside a list."""
    for key in node:
        path = f"{prefix}{key!s}"
        value = None if OmegaConf.is_missing(node, key) else _followed(node, key, where)
        if isinstance(value, DictConfig):
            yield from _flat(value, f"{path}.", where)
        else:
            yield path, value


def _followed(node: DictConfig, key: DictKeyType, where: str) -> object:
    """Returns the value at ``key``, or the one that it refers to."""
    try:
        return node[key]
    except OmegaConfBaseException as error:
        raise lost_reference(f"{where}.{key!s}", error) from error


def _resolved(node: object, where: str) -> object:
    try:
        return OmegaConf.to_container(node, resolve=True)
    except OmegaConfBaseException as error:
        raise lost_reference(where, error) from error


def lost_reference(field: str, error: Exception) -> ConfigError:
    """Returns the error for a reference below ``hydra.sweeper`` that leads nowhere."""
    first = str(error).partition("\n")[0]
    return ConfigError(
        f"hydra.sweeper.{field} can't be read: {first}",
        fix="correct the reference; inside a list, it may name a key of the tasks",
    )


def _axis(key: str, value: object, grammar: Grammar, where: str) -> Axis:
    if isinstance(value, ListConfig):
        items = OmegaConf.to_container(value, resolve=False)
        assert isinstance(items, list)
        return grammar.listed(key, items)
    if isinstance(value, str):
        return grammar.zipped(key, value) or grammar.axis(f"{key}={value}")
    if value is None:
        raise ConfigError(
            f"hydra.sweeper.{where}: '{key}' has no values",
            fix=f"{key}: [0.1, 0.01]    # or {key}=0.1 on the command line",
        )
    return grammar.listed(key, [value])
