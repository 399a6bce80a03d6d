"""Reads and checks the fields under ``hydra.sweeper``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.overrides import hydra_text, key_of, quoted
from hsm_core.plan.plan import Choice
from hsm_core.plan.suggest import closest

from ..faults import Faults
from ..plain import as_written, flow
from .axes_in_file import lost_reference
from .fields import SweeperConf

#: All fields but the axes, whose values may refer to what only the tasks have.
_READ = tuple(
    name
    for name in SweeperConf.__dataclass_fields__
    if name not in ("params", "grid", "paired") and name[0] != "_"
)

#: Of a value that is repeated in a suggestion.
_LONGEST = 60


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


def settings_of(conf: DictConfig, faults: Faults, typed: Sequence[str] = ()) -> Settings:
    """Reads ``hydra.sweeper``; a field with a meaningless value adds a fault and gets its default.

    Args:
        conf: the fields.
        typed: Hydra's overrides from the command line.

    Raises:
        ConfigError: fields refer to what is not there.
    """
    for field in _READ:
        with faults.gathered():
            _refuse_lost_reference(conf, field)
    faults.raise_all()
    for name in conf:
        with faults.gathered():
            _refuse_unknown(str(name), conf, typed)
    attempt = faults.attempt
    choice = Choice(
        exclude=attempt(lambda: _conditions(_container(conf, "exclude")), ()),
        sample=attempt(lambda: _count(conf, "sample"), None),
        seed=conf.sample_seed,
        limit=attempt(lambda: _count(conf, "limit"), None),
        shuffle=attempt(lambda: _one_of(conf, "order", ("grid", "shuffle")), "grid") == "shuffle",
    )
    return Settings(
        choice=choice,
        validate=attempt(lambda: _one_of(conf, "validate", ("cover", "all", "none")), "cover"),
        max_batch_size=attempt(lambda: _count(conf, "max_batch_size"), None),
        name=conf.name or "",
        description=conf.description or "",
        tags=tuple(conf.tags or ()),
        metric=attempt(lambda: _metrics(_container(conf, "metric")), ()),
        dry_run=conf.dry_run,
        resume=conf.resume,
    )


def _refuse_unknown(field: str, conf: DictConfig, typed: Sequence[str]) -> None:
    """Refuses a field that the dataclass lacks; Hydra accepts it, so that we can report all at once."""
    if field in SweeperConf.__dataclass_fields__:
        return
    known = [name for name in SweeperConf.__dataclass_fields__ if name[0] != "_"]
    meant, head = closest(field, known), f"hydra.sweeper.{field}"
    word = next((text for text in typed if f"{key_of(text)}.".startswith(f"{head}.")), "")
    if word:
        fix = quoted(word.replace(field, meant, 1)) if meant else f"leave out {quoted(word)}"
    else:
        fix = f"{meant}: {_yaml(conf, field)}    # instead of {field}" if meant else f"remove {field}"
    told = "" if meant else f"there are: {', '.join(known)}"
    raise ConfigError(f"hydra.sweeper has no field '{field}'", evidence=told, fix=fix)


def _yaml(conf: DictConfig, field: str) -> str:
    """Returns a field's value as a file may have it, in a line; shortened to ``…`` if it is long."""
    text = "…" if OmegaConf.is_missing(conf, field) else flow(as_written(conf)[field])
    return text if len(text) <= _LONGEST else "…"


def _refuse_lost_reference(conf: DictConfig, field: str) -> None:
    try:
        _container(conf, field)
    except OmegaConfBaseException as error:
        raise lost_reference(field, error) from error


def _container(conf: DictConfig, field: str) -> object:
    value = conf[field]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _conditions(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, Mapping):
        given = list(given.values())
    conditions = [one for one in (given if isinstance(given, list) else [given]) if one is not None]
    return tuple(map(_condition, conditions))


def _condition(given: object) -> str:
    if not isinstance(given, str):
        raise ConfigError(
            f"exclude: {given!r} is not a condition", fix="write it as text: model == 'vit' and lr > 0.1"
        )
    return given


def _count(conf: DictConfig, field: str) -> int | None:
    count: int | None = conf[field]
    if count is not None and count < 1:
        raise ConfigError(f"hydra.sweeper.{field}={count} must be at least 1", fix=f"hydra.sweeper.{field}=null")
    return count


def _one_of(conf: DictConfig, field: str, allowed: tuple[str, ...]) -> str:
    value = str(conf[field])
    if value not in allowed:
        raise ConfigError(
            f"hydra.sweeper.{field}={value} must be one of {', '.join(allowed)}",
            fix=f"hydra.sweeper.{field}={closest(value, allowed) or allowed[0]}",
        )
    return value


def _metrics(given: object) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    return tuple(_metric(one) for one in (given if isinstance(given, list) else [given]))


def _mode(given: object) -> str:
    said = str(given.get("mode")) if isinstance(given, Mapping) else ""
    return "max" if said.lower().startswith("max") else "min"


def _metric(given: object) -> tuple[str, str]:
    words = given if isinstance(given, Mapping) else {"name": given, "mode": None}
    named, mode = words.get("name"), words.get("mode", "min")
    if not words.keys() <= {"name", "mode"} or not named or mode not in ("min", "max"):
        name = hydra_text(named) if isinstance(named, str) and named else "val_loss"
        right = f"hydra.sweeper.metric={{name:{name},mode:{_mode(given)}}}"
        raise ConfigError(
            f"hydra.sweeper.metric: {given!r} is not a metric", fix=f"{quoted(right)}    # mode is min or max"
        )
    return str(named), str(mode)
