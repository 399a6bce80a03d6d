"""Keeps secrets out of the record that others may read; the real values lie beside it, for its user alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from hsm_core.model import HIDDEN
from hsm_core.overrides import without_secrets

from ..files import Document, read_json, to_json, write_atomically

#: The record's members that may hold secrets; of ``app``, see ``_public_app``.
_MEMBERS = ("command", "launcher_fields", "overrides", "app")


def public(record: Document) -> Document:
    """Returns a record whose secrets are ``<hidden>``: variables of ``hydra.launcher.env``, and overrides that
    ``overrides.without_secrets`` takes for such.
    """
    found = dict(record)
    for name in ("command", "launcher_fields"):
        found[name] = _hidden(record[name])
    found["overrides"] = {kind: _hidden(texts) for kind, texts in record["overrides"].items()}
    found["app"] = _public_app(record["app"])
    return found


def put_apart(path: Path, record: Document, shown: Document) -> None:
    """Writes the members that differ from those that are shown, readable by the user alone; nothing if none do.

    Raises:
        OSError: the disk refuses.
    """
    members = {name: record[name] for name in _MEMBERS if to_json(record[name]) != to_json(shown[name])}
    if not members:
        path.unlink(missing_ok=True)  # of a sweep that was never begun
        return
    write_atomically(path, to_json({"id": record["id"], "members": members}), private=True)


def with_real_values(path: Path, record: Document) -> Document:
    """Returns a record with its secrets, for who may read them; as it is for others."""
    if HIDDEN not in str({name: record.get(name) for name in _MEMBERS}):
        return record
    try:
        if os.stat(path, follow_symlinks=False).st_uid != os.geteuid():
            return record
        apart = read_json(path)
    except (OSError, ValueError):
        return record
    members = apart.get("members")
    if apart.get("id") != record.get("id") or not isinstance(members, dict):
        return record
    return {**record, **{name: members[name] for name in _MEMBERS if name in members}}


def _public_app(app: Document) -> Document:
    found = dict(app)
    if app.get("env"):
        found["env"] = dict.fromkeys(app["env"], HIDDEN)
    if app.get("argv"):
        found["argv"] = _hidden(app["argv"])
    if app.get("taken"):
        found["taken"] = [_hidden(words) for words in app["taken"]]
    return found


def _hidden(texts: Iterable[object]) -> list[str]:
    return [without_secrets(str(text)) for text in texts]
