"""Works out which combinations ``exclude`` removes, once for each combination of the axes that it names."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of

from .axis import Axis
from .condition_typos import meant
from .error_marker import pointed_at
from .expression import Expression, parse
from .product import indices_of, size

#: A mask holds a byte a combination.
LARGEST = 50_000_000


class Base(Protocol):
    """The config as it is without the sweep."""

    def value(self, key: str) -> object:
        """Returns the value of ``key``.

        Raises:
            KeyError: there is no such key.
            ConfigError: an expression can't use it.
        """
        ...

    def keys(self) -> Iterable[str]:
        """Returns all keys, for suggestions."""
        ...


@dataclass(frozen=True)
class Filter:
    """An expression bound to the axes and base values that it names."""

    expression: Expression
    columns: Mapping[str, tuple[int, int, tuple[str, ...]]]
    constants: Mapping[str, object]

    @property
    def axes(self) -> list[int]:
        return sorted({axis for axis, _, _ in self.columns.values()})

    def verdicts(self, axes: Sequence[Axis]) -> bytes:
        """Returns a byte for each combination of ``self.axes``, the last axis fastest: 1 if it is excluded."""
        own = self.axes
        place = {axis: position for position, axis in enumerate(own)}
        names = [
            (name, place[axis], [self._descend(name, row[column], rest) for row in axes[axis].values])
            for name, (axis, column, rest) in self.columns.items()
        ]
        values, found = dict(self.constants), bytearray()
        for rows in itertools.product(*(range(len(axes[axis])) for axis in own)):
            for name, position, choices in names:
                values[name] = choices[rows[position]]
            found.append(self.expression.holds(values))
        return bytes(found)

    def _descend(self, name: str, value: object, rest: tuple[str, ...]) -> object:
        for part in rest:
            if not isinstance(value, Mapping) or part not in value:
                top = name[: len(name) - len(".".join(rest)) - 1]
                raise self._pointed(name, f"not all values of the swept '{top}' set '{name}'")
            value = value[part]
        if isinstance(value, str) and "${" in value:
            raise self._pointed(name, f"'{name}' takes the value {value}, which only a composed task has")
        return value

    def _pointed(self, name: str, problem: str) -> ConfigError:
        return pointed_at(self.expression.text, self.expression.names[name], problem)


def bind(text: str, axes: Sequence[Axis], base: Base) -> Filter:
    """Reads one line of ``exclude`` and finds what it names.

    Raises:
        ConfigError: it can't be read, or names what is neither swept nor in the config.
    """
    columns = {
        key_of(key): (number, column)
        for number, axis in enumerate(axes)
        for column, key in enumerate(axis.keys)
    }
    try:
        expression = parse(text, columns)
    except ConfigError as error:
        right = _meant(text, columns, base)
        fix = f'"{right}"' if right else error.fix
        raise ConfigError(error.problem, evidence=error.evidence, fix=fix) from None
    swept: dict[str, tuple[int, int, tuple[str, ...]]] = {}
    constants: dict[str, object] = {}
    for name, node in expression.names.items():
        top, rest = _swept_part(name, columns)
        if top is not None and rest and not _holds_mappings(axes, columns[top]):
            problem = f"'{name}' depends on '{top}', which is swept"
            raise pointed_at(expression.text, node, problem, f"name '{top}' instead")
        if top is not None:
            swept[name] = (*columns[top], rest)
        else:
            constants[name] = _base_value(expression, name, node, base, columns)
    return Filter(expression, swept, constants)


def _meant(text: str, columns: Mapping[str, object], base: Base) -> str:
    """Returns the line as it can be read; empty if there is no guess."""

    def known(name: str) -> bool:
        if _swept_part(name, columns)[0] is not None:
            return True
        try:
            base.value(name)
        except KeyError:
            return False
        except ConfigError:
            return True
        return True

    right = meant(text, known, [*columns, *base.keys()])
    return "" if right == text.strip() else right


def _swept_part(name: str, columns: Mapping[str, object]) -> tuple[str | None, tuple[str, ...]]:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        for top in (".".join(parts[:count]), "/".join(parts[:count])):
            if top in columns:
                return top, tuple(parts[count:])
    return None, ()


def _holds_mappings(axes: Sequence[Axis], column: tuple[int, int]) -> bool:
    number, place = column
    return any(isinstance(values[place], Mapping) for values in axes[number].values)


def _base_value(
    expression: Expression, name: str, node: ast.expr, base: Base, columns: Mapping[str, object]
) -> object:
    try:
        return base.value(name)
    except KeyError:
        problem = f"no key '{name}' in the sweep or the config"
        right = _meant(expression.text, columns, base)
        fix = f'"{right}"' if right else f"swept keys: {', '.join(columns)}"
        raise pointed_at(expression.text, node, problem, fix) from None
    except ConfigError as error:
        raise pointed_at(expression.text, node, error.problem, error.fix) from None


def kept(axes: Sequence[Axis], filters: Sequence[Filter]) -> tuple[Sequence[int], tuple[int, ...]]:
    """Returns the members that no filter excludes, and how many each filter alone excludes."""
    total = size(axes)
    if total > LARGEST:
        raise ConfigError(
            f"exclude can check at most {LARGEST:,} combinations, and there are {total:,}",
            fix="hydra.sweeper.exclude=null hydra.sweeper.sample=1000    # or fewer values",
        )
    combined, counts = 0, []
    for one in filters:
        mask = _mask(axes, one)
        counts.append(mask.count(1))
        combined |= int.from_bytes(mask, "little")
    gone = combined.to_bytes(total, "little")
    stay = gone.translate(bytes([1]) + bytes(255))
    return indices_of(itertools.compress(range(total), stay)), tuple(counts)


def _mask(axes: Sequence[Axis], one: Filter) -> bytes:
    """Returns a byte for each member of the product: 1 if it is excluded."""
    verdicts, own = one.verdicts(axes), set(one.axes)

    def below(level: int, begin: int, end: int) -> bytes:
        if level == len(axes) or own.issuperset(range(level, len(axes))):
            return verdicts[begin:end]
        length = len(axes[level])
        if level not in own:
            return below(level + 1, begin, end) * length
        step = (end - begin) // length
        return b"".join(below(level + 1, at, at + step) for at in range(begin, end, step))

    return below(0, 0, len(verdicts))
