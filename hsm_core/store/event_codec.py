"""Writes events as lines of JSON and reads them back, by the fields that each kind of event declares."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from hsm_core import parsing
from hsm_core.model import STATES, ProcessIdentity

from .files import to_line
from .layout import FORMAT

if TYPE_CHECKING:
    from dataclasses import dataclass as event
else:

    def event(*, frozen):
        """Makes a frozen dataclass that takes its methods from ``Event``.

        ``dataclasses`` compiles methods for each class, which takes 0.3 ms: too long for twenty kinds of events
        in every worker and every ``hsm-status``.
        """
        return lambda kind: _register(dataclasses.dataclass(init=False, repr=False, eq=False)(kind))


__all__ = ("KIND", "SEQUENCE", "Column", "Event", "OtherFormat", "event", "from_line", "now")

_Kind = TypeVar("_Kind", bound="Event")
#: The keys of an event's kind and of its number in its journal: the first and the last one of a line.
KIND, SEQUENCE = "e", "s"
#: What a field is called in a line, where that is not its name: tasks have most of the lines.
_KEYS = {"task": "t", "attempt": "a", "directory": "dir"}
_KINDS: dict[str, type[Event]] = {}


def now() -> float:
    """Returns seconds since 1970, to the millisecond."""
    return round(time.time(), 3)


class Column(NamedTuple):
    """The way a field is written in a line.

    Args:
        key: its key in the line; empty if the field's own keys stand in the line directly.
        plain: the type whose values are taken as they are.
        read: converts JSON of another type; raises ValueError or KeyError if it can't.
        write: converts the value to JSON; None leaves it as it is.
        default: ``dataclasses.MISSING`` if every line has it.
    """

    name: str
    key: str
    plain: type | None
    read: Callable[[object], object]
    write: Callable[[object], object] | None
    default: object


def _register(kind: type[Event]) -> type[Event]:
    """Notes how the fields of a kind of event are written in its lines; ``at`` comes last."""
    at, *others = dataclasses.fields(kind)
    kind.columns = (*map(_column, others), _column(at))
    kind.by_key = {column.key: column for column in kind.columns}
    kind.needed = frozenset(column.name for column in kind.columns if column.default is dataclasses.MISSING)
    if "tag" in vars(kind):
        _KINDS[kind.tag] = kind
    return kind


def _column(one: dataclasses.Field[object]) -> Column:
    """Returns how a field is written in a line; a process identity is written with keys of its own."""
    plain, read, write = _TYPES[str(one.type).removesuffix(" | None")]
    if one.name in _NARROWER:
        plain, read = None, _NARROWER[one.name]
    key = "" if one.type == "ProcessIdentity" else _KEYS.get(one.name, one.name)
    return Column(one.name, key, plain, read, write, 0.0 if one.name == "at" else one.default)


# fields


def _state(value: object) -> str:
    if parsing.text(value) not in STATES:
        raise ValueError("text that is no state")
    return str(value)


def _from_spans(value: object) -> list[list[int]]:
    assert isinstance(value, Iterable)
    return [span.to_json() for span in value]


def _process(value: object) -> ProcessIdentity:
    return parsing.process(parsing.table(value))


def _from_process(value: object) -> dict[str, object]:
    assert isinstance(value, ProcessIdentity)
    return asdict(value)


#: How a field is read and written, by its type.
_TYPES: dict[str, tuple[type | None, Callable[[object], object], Callable[[object], object] | None]] = {
    "int": (None, parsing.whole, None),
    "float": (None, parsing.number, None),
    "str": (str, parsing.text, None),
    "bool": (bool, parsing.flag, None),
    "State": (None, _state, None),
    "Reason": (str, parsing.text, None),  # one that a later hsm knows is a reason, too
    "Fields": (dict, parsing.table, None),
    "ProcessIdentity": (None, _process, _from_process),
    "tuple[Span, ...]": (None, parsing.spans, _from_spans),
    "tuple[str, ...]": (None, parsing.texts, None),
}
#: How a field is read whose values are fewer than its type's, by its name.
_NARROWER: dict[str, Callable[[object], object]] = {
    "task": parsing.task, "attempt": parsing.attempt, "pid": parsing.pid, "directory": parsing.path,
    "suffix": parsing.suffix, "lock": parsing.path, "log": parsing.path_inside,
    "submission": parsing.submission, "batch": parsing.batch, "launch": parsing.launch, "at": parsing.moment,
}  # fmt: skip


# events


@event(frozen=True)
class Event:
    """A fact, written once by one writer.

    Its line has the fields' names as keys. A line may have unknown keys, and lack those of fields with a default.

    Args:
        at: seconds since 1970 by the writer's clock, only to be shown: clocks differ; 0.0 if the line has none.
    """

    tag: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    by_key: ClassVar[dict[str, Column]]
    needed: ClassVar[frozenset[str]]

    at: float = field(default_factory=now, kw_only=True)

    if not TYPE_CHECKING:

        def __init__(self, *values, **named):
            names = [column.name for column in self.columns]
            found = {**dict(zip(names[:-1], values)), **named}  # noqa: B905  the last one, ``at``, is by name only
            if len(found) < len(values) + len(named) or not self.needed <= found.keys() <= set(names):
                raise TypeError(f"the fields of {type(self).__name__} are {', '.join(names)}")
            self.__dict__.update({"at": now(), **found})

        def __setattr__(self, name, value):
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __init_subclass__(cls, tag: str) -> None:
        cls.tag = tag

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and type(self) is type(other) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.tag, self.at))

    def to_json(self) -> dict[str, object]:
        """Returns the event as a JSON object without its number; fields that are empty by default may be left out."""
        line: dict[str, object] = {KIND: self.tag}
        for name, key, _, _, write, default in self.columns:
            value = getattr(self, name)
            if default is not dataclasses.MISSING and not value and value == default:
                continue
            written = write(value) if write is not None and value is not None else value
            if key:
                line[key] = written
            else:
                line.update(asdict(value))
        return line

    def to_line(self, sequence: int) -> bytes:
        """Returns the line of the event as number ``sequence`` of its journal."""
        return to_line({**self.to_json(), SEQUENCE: sequence})

    @classmethod
    def from_json(cls: type[_Kind], line: Mapping[str, object]) -> _Kind:
        """Reads an event of this kind.

        Raises:
            KeyError, ValueError: the line is damaged.
        """
        found = object.__new__(cls)
        values, columns = found.__dict__, cls.by_key
        values["at"] = 0.0
        for key, value in line.items():
            if key in columns and value is not None:
                name, _, plain, read, _, _ = columns[key]
                values[name] = value if type(value) is plain else read(value)
        if "" in columns:
            values[columns[""].name] = columns[""].read(line)
        if not cls.needed <= values.keys():
            raise KeyError(*cls.needed - values.keys())
        return found


@event(frozen=True)
class OtherFormat(Event, tag="format"):
    """Stands for the first line of a writer that uses another format; it is never written."""

    format: str


def from_line(line: bytes) -> Event | None:
    """Reads an event of any kind; returns None for a kind that this version does not know.

    Raises:
        KeyError, ValueError: the line is damaged.
    """
    found = parsing.table(parsing.loads(line))
    kind = _KINDS.get(parsing.text(found[KIND]))
    if hasattr(kind, "format") and found.get("format") != FORMAT:
        return OtherFormat(str(parsing.format_number(found.get("format"))))
    return None if kind is None else kind.from_json(found)
