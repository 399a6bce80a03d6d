"""Reads what a host answers as strictly as a foreign record: a word of the wrong kind is an error, never used."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from hsm_core.errors import HostTrouble
from hsm_core.hosts.interface import Found
from hsm_core.model import ProcessIdentity
from hsm_core.parsing import loads

from .messages import Message

_LARGEST = 1 << 62


class BadAnswer(HostTrouble):
    """A host answered in a form that it should not."""


class Words:
    """The words of an answer; each method raises ``BadAnswer`` for a word of another kind."""

    def __init__(self, message: Message) -> None:
        self._head = message.head

    def number(self, key: str) -> int:
        return as_number(self._head.get(key), key)

    def number_or_none(self, key: str) -> int | None:
        value = self._head.get(key)
        return None if value is None else as_number(value, key, least=-_LARGEST)

    def numbers(self, key: str) -> list[int]:
        return [as_number(one, key) for one in as_list(self._head.get(key), key)]

    def text_or_none(self, key: str) -> str | None:
        value = self._head.get(key)
        return None if value is None else as_text(value, key)


def as_number(value: Any, what: str, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= _LARGEST:
        raise BadAnswer("a host's answer can't be used", evidence=f"{what}: {value!r:.60}")
    return value


def as_text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise BadAnswer("a host's answer can't be used", evidence=f"{what}: {value!r:.60}")
    return value


def as_list(value: Any, what: str, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise BadAnswer("a host's answer can't be used", evidence=f"{what}: {value!r:.60}")
    return value


def rows_in(body: bytes, length: int) -> list[list[Any]]:
    """Returns the rows of a table.

    Raises:
        BadAnswer: it is none, or a row has another length.
    """
    try:
        table = loads(body)
    except ValueError as error:
        raise BadAnswer("a host's answer can't be used", evidence=str(error)) from error
    return [as_list(row, "row", length) for row in as_list(table, "table")]


def process_in(message: Message) -> ProcessIdentity:
    host, boot, pid, start = as_list(message.head.get("process"), "process", 4)
    return ProcessIdentity(
        as_text(host, "host"), as_text(boot, "boot"), as_number(pid, "pid"), as_text(start, "start")
    )  # fmt: skip


def found_in(body: bytes) -> list[Found]:
    """Reads a list of files: names stay below their folder, and none comes twice."""
    found = [_found(*row) for row in rows_in(body, 6)]
    if len({one.name for one in found}) != len(found):
        raise BadAnswer("a host's list of files can't be used", evidence="a name comes twice")
    return found


def _found(name: Any, kind: Any, size: Any, changed: Any, mode: Any, target: Any) -> Found:
    if kind not in ("file", "folder", "link"):
        raise BadAnswer("a host's list of files can't be used", evidence=f"kind: {kind!r:.60}")
    return Found(
        inner_name(as_text(name, "name")), kind, as_number(size, "size"), as_number(changed, "time", -_LARGEST),
        as_number(mode, "mode") & 0o777, as_text(target, "target"),
    )  # fmt: skip


def inner_name(text: str) -> Path:
    """Returns a relative name that leads to something below its folder.

    Raises:
        BadAnswer: it leads elsewhere.
    """
    name = PurePosixPath(text)
    if "\0" in text or name.is_absolute() or not name.parts or ".." in name.parts or str(name) != text:
        raise BadAnswer("a host's list of files can't be used", evidence=f"name: {text!r:.100}")
    return Path(name)
