"""Joins a sweep file with what was typed: the command line replaces an axis and keeps its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from omegaconf import DictConfig

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of, quoted
from hsm_core.plan.axis import Axis, CountedRows, rekeyed, together, without

from ..faults import Faults
from ..swept_settings import instead
from .axes_in_file import grid_axes, paired_axes, params_axes
from .grammar import Grammar, zip_tags

#: Values that a suggestion repeats.
_SHORT = 8


@dataclass(frozen=True)
class Placed:
    """An axis with the place where it was set: ``params``, ``grid``, ``paired`` or ``command line``."""

    axis: Axis
    origin: str

    def has(self, key: str) -> bool:
        """Returns whether ``key`` is one of its keys; under params ``a`` and ``+a`` differ, as in Hydra's sweeper."""
        if self.origin == "params":
            return key in self.axis.keys
        return self.origin != "command line" and key_of(key) in map(key_of, self.axis.keys)


@dataclass
class SweepAxes:
    """The axes of a sweep in order, and the warnings about them."""

    placed: list[Placed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def axes(self) -> list[Axis]:
        return [placed.axis for placed in self.placed]


def sweep_axes(conf: DictConfig, arguments: Sequence[str], grammar: Grammar, faults: Faults) -> SweepAxes:
    """Returns all axes of a sweep; adds a fault for each that can't be read, is empty or contradicts another.

    Args:
        conf: ``hydra.sweeper``.
        arguments: the app's overrides from the command line, in order.
    """
    params, warnings = params_axes(conf.params, grammar, faults)
    found = SweepAxes([Placed(axis, "params") for axis in params], warnings)
    found.placed += [Placed(axis, "grid") for axis in grid_axes(conf.grid, grammar, faults)]
    found.placed += [Placed(axis, "paired") for axis in paired_axes(conf.paired, grammar, faults)]
    with faults.gathered():
        _refuse_same_key(found.placed)
    with faults.gathered():
        for axis in _typed(arguments, grammar):
            _override(found, axis)
    for placed in found.placed:
        for check in (_refuse_empty, _refuse_hydra):
            with faults.gathered():
                check(placed)
        with faults.gathered():
            _check_repeats(found, placed)
    return found


def _typed(arguments: Sequence[str], grammar: Grammar) -> list[Axis]:
    """Returns the axes of the command line; keys with the same ``zip_`` tag form one, at the place of the first."""
    groups: dict[tuple[str, bool], dict[str, Axis]] = {}
    for text in arguments:
        override = grammar.parse(text)
        names = zip_tags(override)
        if len(names) > 1 or (names and getattr(override.value(), "shuffle", False)):
            raise ConfigError(
                f"{text} can't be paired",
                evidence="it has several zip_ tags, or is shuffled",
                fix="'a=tag(zip_x,choice(1,2))' 'b=tag(zip_x,choice(3,4))'",
            )
        key = override.get_key_element()
        group = groups.setdefault((names[0], True) if names else (key, False), {})
        group[key] = grammar.axis(text)
    return [
        together(name, list(members.values())) if tagged else members[name]
        for (name, tagged), members in groups.items()
    ]


def _override(found: SweepAxes, typed: Axis) -> None:
    """Puts a typed axis in the place of what it replaces, or at the end."""
    place = len(found.placed)
    for key in typed.keys:
        at = next((at for at, placed in enumerate(found.placed) if placed.has(key)), None)
        if at is not None:
            place = min(place, at)
            typed = _replace(found, at, key, typed)
    found.placed.insert(place, Placed(typed, "command line"))


def _replace(found: SweepAxes, at: int, key: str, typed: Axis) -> Axis:
    """Removes ``key`` from an axis of the sweep file; returns the typed one, with the file's ``+`` if it lacks it."""
    old = found.placed[at].axis
    written = next(own for own in old.keys if key_of(own) == key_of(key))
    partners = [own for own in old.keys if own != written]
    if not partners:
        del found.placed[at]
    else:
        found.placed[at] = Placed(without(old, written), found.placed[at].origin)
        left = [own for own in partners if key_of(own) not in map(key_of, typed.keys)]
        if left:
            found.warnings.append(
                f"{key} on the command line removes it from the pair '{old.name}';"
                f" {', '.join(left)} still varies"
            )
    return rekeyed(typed, key, written) if key == key_of(key) and key != written else typed


def _refuse_same_key(placed: Sequence[Placed]) -> None:
    seen: dict[str, Placed] = {}
    for one in placed:
        for key in map(key_of, one.axis.keys):
            other = seen.setdefault(key, one)
            if other is not one and {other.origin, one.origin} != {"params"}:
                raise ConfigError(
                    f"'{key}' is swept twice, in {_where(other)} and in {_where(one)}",
                    fix=_removed(one, key) or f"remove '{key}' from one of them",
                )


def _where(placed: Placed) -> str:
    return f"paired.{placed.axis.name}" if placed.origin == "paired" else placed.origin


def _refuse_empty(placed: Placed) -> None:
    axis = placed.axis
    if len(axis):
        return
    raise ConfigError(
        f"'{axis.name}' has no values",
        evidence=f"in {_where(placed)}",
        fix=_removed(placed, axis.name) or f"{axis.name}=VALUE,VALUE",
    )


def _removed(placed: Placed, key: str) -> str:
    """Returns the override that removes an axis of a file; empty where none can name it."""
    is_group = placed.origin == "paired" and key != placed.axis.name
    if placed.origin == "command line" or is_group or not key.isidentifier():
        return ""
    return f"{quoted(f'~hydra.sweeper.{placed.origin}.{key}')}    # removes it"


def _refuse_hydra(placed: Placed) -> None:
    axis = placed.axis
    alone = placed.origin in ("params", "command line") and len(axis) == 1
    for column, key in enumerate(axis.keys):
        if key_of(key).startswith(("hydra.", "hydra/")) and not alone:
            texts = [row[column][len(key) + 1 :] for row in axis.rows[:8]]
            raise ConfigError(
                f"'{key}' can't be swept: it is a setting of Hydra's, the same for all tasks",
                evidence=f"in {_where(placed)}: {', '.join(texts)}",
                fix=instead(key_of(key), texts),
            )


def _once(axis: Axis) -> str:
    """Returns the line of a file with each value once, if it is short."""
    key = axis.keys[0]
    values = [row[0][len(key) + 1 :] for row in dict.fromkeys(axis.rows)]
    return f"{key}: [{', '.join(values)}]" if len(axis.keys) == 1 and len(values) <= _SHORT else "list it once"


def _check_repeats(found: SweepAxes, placed: Placed) -> None:
    axis = placed.axis
    if isinstance(axis.rows, CountedRows) or len(set(axis.rows)) == len(axis.rows):
        return
    twice = next(row for number, row in enumerate(axis.rows) if row in axis.rows[:number])
    values = [text[len(key) + 1 :] for key, text in zip(axis.keys, twice, strict=True)]
    told = f"'{axis.name}' lists {values[0] if len(values) == 1 else ' '.join(twice)} twice"
    if placed.origin in ("grid", "paired"):
        raise ConfigError(f"{told}, in hydra.sweeper.{_where(placed)}", fix=_once(axis))
    found.warnings.append(f"{told}: both become tasks")
