"""Takes values out of JSON that anybody may have written: each of its kind, within the range that a record may have.

Every record and event of a sweep is read through here. What does not fit raises ``ValueError`` and is never believed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from hsm_core.model import ProcessIdentity, Span

#: Of a sweep: tasks, and tries of one of them; no honest one has more.
MOST_TASKS = MOST_ATTEMPTS = 1_000_000
#: Values of one line.
MOST_VALUES = 1_500_000
#: Levels of lists and objects in each other; a task's value has 40 at most.
_DEEPEST = 64
_MOST_PID, _MOST_WHOLE, _MOST_NUMBER, _LAST_MOMENT = 2**31 - 1, 2**63 - 1, 1e15, 1e11
_ID = r"[a-z0-9_][a-z0-9_-]{0,63}"  # a word on command lines, too: no option
_LAUNCH = r"launch-\d{1,9}(-\d{1,9})?"
_SUBMISSION = rf"{_LAUNCH}/submit-\d{{1,9}}"
_BATCH = rf"{_SUBMISSION}/\d{{1,9}}"
_SUFFIX = r"[A-Za-z0-9._-]{0,64}"
_Value = TypeVar("_Value")
#: What reads each field of an object.
Kinds: TypeAlias = Mapping[str, Callable[[object], Any]]


def loads(data: bytes, most_values: int = MOST_VALUES) -> object:
    """Reads JSON.

    Args:
        most_values: how many it may have: one takes some seventy bytes of memory, and two in the text.

    Raises:
        ValueError: it is none, has more values, or lists and objects lie in each other too deep.
    """
    opened = data.count(b"[") + data.count(b"{")
    if len(data) > most_values and opened + data.count(b",") > most_values:
        raise ValueError("too many values")
    try:
        found: object = json.loads(data)
    except RecursionError:
        raise ValueError("lists and objects are nested too deep") from None
    if opened > _DEEPEST and _depth(found) > _DEEPEST:
        raise ValueError("lists and objects are nested too deep")
    return found


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= _DEEPEST:
        depth += 1
        level = [
            item for one in level if isinstance(one, (dict, list))
            for item in (one.values() if isinstance(one, dict) else one) if isinstance(item, (dict, list))
        ]  # fmt: skip
    return depth


def _refused(value: object, what: str) -> ValueError:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return ValueError(f"{kinds.get(type(value), 'a number')} where {what} is needed")


# numbers


def whole(value: object, least: int = -_MOST_WHOLE, most: int = _MOST_WHOLE) -> int:
    """Returns a whole number within a range.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int:
        raise _refused(value, "a whole number")
    if not least <= value <= most:
        raise ValueError(f"a number that is not within {least} to {most}")
    return value


def number(value: object) -> float:
    """Returns a number that is finite, and not beyond all measure.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not float and type(value) is not int:
        raise _refused(value, "a number")
    if not -_MOST_NUMBER <= value <= _MOST_NUMBER or math.isnan(value):
        raise ValueError("a number that is too large")
    return value


def task(value: object) -> int:
    """Returns the number of a task; see ``whole``."""
    return whole(value, 0, MOST_TASKS - 1)


def attempt(value: object) -> int:
    """Returns the number of an attempt; see ``whole``."""
    return whole(value, 1, MOST_ATTEMPTS)


def pid(value: object) -> int:
    """Returns a process's number; see ``whole``."""
    return whole(value, 0, _MOST_PID)


def moment(value: object) -> float:
    """Returns seconds since 1970 that a calendar can show; see ``number``."""
    found = number(value)
    if not 0 <= found <= _LAST_MOMENT:
        raise ValueError("an impossible time")
    return found


def format_number(value: object) -> int | str:
    """Returns the number of a format; a question mark if it is none that an hsm ever wrote."""
    try:
        return whole(value, 0, 9999)
    except ValueError:
        return "?"


def flag(value: object) -> bool:
    """Returns true or false.

    Raises:
        ValueError: it is neither.
    """
    if type(value) is not bool:
        raise _refused(value, "true or false")
    return value


# texts


def text(value: object) -> str:
    """Returns a text.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not str:
        raise _refused(value, "text")
    return value


def path(value: object) -> str:
    """Returns a text that can be a path, or a part of one, wherever it leads.

    Raises:
        ValueError: it can't be one.
    """
    found = text(value)
    if "\0" in found or len(found) > 4096:
        raise ValueError("text that can't be a path")
    try:
        found.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ValueError("text that can't be a path") from None
    return found


def path_inside(value: object) -> str:
    """Returns a relative path that does not lead out of where it begins.

    Raises:
        ValueError: it is none.
    """
    found = path(value)
    if found.startswith("/") or ".." in found.split("/"):
        raise ValueError("a path that leads out of its folder")
    return found


def _matching(pattern: str, what: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        found = text(value)
        if not re.fullmatch(pattern, found, re.ASCII):  # compiled at its first use
            raise ValueError(f"text that is no {what}")
        return found

    return read


#: The id of a sweep; the name of a launch, of a submission and of a batch; of a task's files.
identifier = _matching(_ID, "id")
launch = _matching(_LAUNCH, "launch")
submission = _matching(_SUBMISSION, "submission")
batch = _matching(_BATCH, "batch")
suffix = _matching(_SUFFIX, "suffix")


# several


def items(value: object) -> list[object]:
    """Returns a list.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, list):
        raise _refused(value, "a list")
    return value


def each(read: Callable[[object], _Value]) -> Callable[[object], tuple[_Value, ...]]:
    """Returns a function that reads a list of what ``read`` reads."""
    return lambda value: tuple(map(read, items(value)))


def table(value: object) -> dict[str, object]:
    """Returns an object.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, dict):
        raise _refused(value, "an object")
    return value


def table_of(read: Callable[[object], _Value]) -> Callable[[object], dict[str, _Value]]:
    """Returns a function that reads an object of what ``read`` reads."""
    return lambda value: {key: read(item) for key, item in table(value).items()}


def maybe(read: Callable[[object], _Value]) -> Callable[[object], _Value | None]:
    """Returns a function that reads what ``read`` reads, or null."""
    return lambda value: None if value is None else read(value)


texts = each(text)


def spans(value: object) -> tuple[Span, ...]:
    """Returns spans of tasks, all of them together not more than a sweep may have.

    Raises:
        ValueError: one is none, or they are too many.
    """
    found: list[Span] = []
    count = 0
    for one in items(value):
        found.append(span(one))
        count += found[-1].count
        if count > MOST_TASKS:
            raise ValueError("more tasks than a sweep may have")
    return tuple(found)


def span(value: object) -> Span:
    """Returns a span of tasks.

    Raises:
        ValueError: it is none.
    """
    parts = items(value)
    if len(parts) not in (2, 3):
        raise ValueError("a list that is no span of tasks")
    first, count = task(parts[0]), whole(parts[1], 0, MOST_TASKS)
    whole(first + count, 0, MOST_TASKS)
    return Span(first, count, attempt(parts[2]) if parts[2:] else 1)


def process(found: Mapping[str, object]) -> ProcessIdentity:
    """Returns the process that an object names, among other things.

    Raises:
        KeyError, ValueError: it names none.
    """
    return ProcessIdentity(text(found["host"]), text(found["boot"]), pid(found["pid"]), text(found["start"]))


def fields(found: Mapping[str, object], kinds: Kinds) -> dict[str, Any]:
    """Returns those fields of an object that are known.

    Args:
        kinds: what reads each of them.

    Raises:
        ValueError: a field is of another kind; the message names it.
    """
    read: dict[str, Any] = {}
    for name, kind in kinds.items():
        if name in found:
            try:
                read[name] = kind(found[name])
            except ValueError as error:
                raise ValueError(f"'{name}': {error}") from None
    return read
