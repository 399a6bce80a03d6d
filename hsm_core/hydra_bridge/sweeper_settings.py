"""What the user set under ``hydra.sweeper``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.plan.plan import Choice
from hsm_core.plan.suggest import did_you_mean

from .sweep_config import lost_reference
from .sweeper_fields import SweeperConf

#: All fields but the axes, whose values may refer to what only the tasks have.
_READ = tuple(
    name
    for name in SweeperConf.__dataclass_fields__
    if name not in ("params", "grid", "paired") and name[0] != "_"
)


@dataclass(frozen=True)
class Settings:
    """The sweeper's fields that are not axes."""

    choice: Choice
    validate: str
    max_batch_size: int | None
    name: str
    description: str
    tags: tuple[str, ...]
    metric: tuple[tuple[str, str], ...]
    dry_run: bool
    resume: str | None


def settings_of(conf: DictConfig) -> Settings:
    """Read ``hydra.sweeper``.

    Raises:
        ConfigError: a field has a value that means nothing.
    """
    for field in _READ:
        _refuse_lost_reference(conf, field)
    choice = Choice(
        exclude=_conditions(_container(conf, "exclude")),
        sample=_count(conf, "sample"),
        seed=conf.sample_seed,
        limit=_count(conf, "limit"),
        shuffle=_one_of(conf, "order", ("grid", "shuffle")) == "shuffle",
    )
    return Settings(
        choice=choice,
        validate=_one_of(conf, "validate", ("cover", "all", "none")),
        max_batch_size=_count(conf, "max_batch_size"),
        name=conf.name or "",
        description=conf.description or "",
        tags=tuple(conf.tags or ()),
        metric=_metrics(_container(conf, "metric")),
        dry_run=conf.dry_run,
        resume=conf.resume,
    )


def _refuse_lost_reference(conf: DictConfig, field: str) -> None:
    try:
        _container(conf, field)
    except OmegaConfBaseException as error:
        raise lost_reference(field, error) from error


def _container(conf: DictConfig, field: str) -> Any:
    value = conf[field]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _conditions(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, Mapping):
        given = list(given.values())
    conditions = [one for one in (given if isinstance(given, list) else [given]) if one is not None]
    for condition in conditions:
        if not isinstance(condition, str):
            raise ConfigError(
                f"exclude: {condition!r} is no condition", fix="write it as text: model == 'vit' and lr > 0.1"
            )
    return tuple(conditions)


def _count(conf: DictConfig, field: str) -> int | None:
    count: int | None = conf[field]
    if count is not None and count < 1:
        raise ConfigError(f"hydra.sweeper.{field} is {count}", fix=f"hydra.sweeper.{field}=null")
    return count


def _one_of(conf: DictConfig, field: str, allowed: tuple[str, ...]) -> str:
    value = str(conf[field])
    if value not in allowed:
        guess = did_you_mean(value, allowed)
        raise ConfigError(
            f"hydra.sweeper.{field} is '{value}', which it can't be",
            evidence=f"it may be {', '.join(allowed)}",
            fix=guess or f"hydra.sweeper.{field}={allowed[0]}",
        )
    return value


def _metrics(given: Any) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    return tuple(_metric(one) for one in (given if isinstance(given, list) else [given]))


def _metric(given: Any) -> tuple[str, str]:
    known = isinstance(given, Mapping) and set(given) <= {"name", "mode"} and given.get("name")
    if not known or given.get("mode", "min") not in ("min", "max"):
        raise ConfigError(
            f"hydra.sweeper.metric: {given!r} is no metric",
            fix="hydra.sweeper.metric={name:val_loss,mode:min}  (mode is min or max)",
        )
    return str(given["name"]), str(given.get("mode", "min"))
