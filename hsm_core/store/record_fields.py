"""Says of which kind each field of a sweep's record is."""

from __future__ import annotations

from hsm_core import parsing
from hsm_core.model import SOURCE_KINDS, SourceKind

from .files import Document


def source_kind(value: object) -> SourceKind:
    """Returns what kind of source it is; what is not known is taken for a queue, of which nothing is proven here."""
    told = parsing.text(value)
    return next((kind for kind in SOURCE_KINDS if kind == told), "queue")


def _metric(value: object) -> tuple[str, str]:
    name, mode = parsing.texts(value)
    return name, mode


def _taken(value: object) -> tuple[tuple[str, ...], ...]:
    before, after = parsing.each(parsing.texts)(value)
    return before, after


def _app(value: object) -> Document:
    found = parsing.table(value)
    return {**_UNKNOWN, **found, **parsing.fields(found, _APP)} if found else {}


#: Of an app of which a record does not say it.
_UNKNOWN: Document = {"name": "", "config_name": None, "function": ""}
_APP: parsing.Kinds = {
    "name": parsing.text, "config_name": parsing.maybe(parsing.text), "config_dir": parsing.maybe(parsing.path),
    "main": parsing.texts, "taken": _taken, "argv": parsing.texts, "function": parsing.maybe(parsing.text),
    "functions": parsing.texts, "under_main": parsing.flag, "batches": parsing.flag, "python": parsing.path,
    "pythonpath": parsing.text, "env": parsing.table_of(parsing.text),
}  # fmt: skip
_GIT: parsing.Kinds = {"commit": parsing.text, "branch": parsing.text, "dirty": parsing.flag}
#: What reads each field of ``code.json``.
CODE: parsing.Kinds = {
    "root": parsing.path, "more": parsing.each(parsing.path), "files": parsing.table,
    "git": lambda value: parsing.fields(parsing.table(value), _GIT), "untracked": parsing.each(parsing.path),
}  # fmt: skip
#: What reads each field of a record but its sources.
FIELDS: parsing.Kinds = {
    "id": parsing.identifier, "name": parsing.text, "dir": parsing.path, "created": parsing.text,
    "launcher": parsing.text, "sweeper": parsing.text,
    "total": parsing.maybe(lambda value: parsing.whole(value, 0, parsing.MOST_TASKS)),
    "description": parsing.text, "tags": parsing.texts, "command": parsing.texts, "cwd": parsing.path,
    "user": parsing.text, "host": parsing.text, "app": _app, "overrides": parsing.table_of(parsing.texts),
    "launcher_fields": parsing.texts, "metric": parsing.each(_metric),
    "versions": parsing.table_of(parsing.text), "git": lambda value: parsing.fields(parsing.table(value), _GIT),
    "format": parsing.whole,
}  # fmt: skip
