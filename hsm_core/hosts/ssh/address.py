"""Reads how a user names the machines of a sweep: ``box1``, ``ann@box2:4``, or a mapping that says it all."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

from hsm_core.errors import ConfigError

from .path_map import PathPair, read_path_map

Transport = Literal["auto", "paramiko", "openssh"]
HostKeys = Literal["known", "accept_new"]
#: More slots than this are no slots but a port.
_MOST_SLOTS = 1023
_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@\s:]+)@)?(?P<host>\[[^\]]+\]|[^@\s:\[\]/]+)(?::(?P<port>\d+))?/?")
_SHORT = re.compile(r"(?:(?P<user>[^@\s:]+)@)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^@\s:\[\]]+)(?::(?P<slots>\d+))?")


@dataclass(frozen=True)
class HostAddress:
    """A machine of a sweep, as its user wrote it; what is None is the SSH configuration's or the machine's to say.

    Args:
        name: what it is called in views and in the sweep's record.
        host: an alias of the SSH configuration, a name or an address.
        user, port: for the login.
        slots: tasks at once.
        gpus: which ones; ``auto``: all that are there.
        gpus_free: leave those alone that somebody uses.
        tasks_per_gpu: tasks at once on one GPU.
        python: the interpreter of its tasks.
        dir: where sweeps are kept there.
        project: the folder of the app's code there, for those who keep it themselves.
        path_map: folders of this machine, and where it has them.
        transport: what speaks SSH.
        host_keys: ``accept_new``: believe a machine whose key is not known yet, and write the key down.
    """

    name: str
    host: str
    user: str | None = None
    port: int | None = None
    slots: int | None = None
    gpus: tuple[str, ...] | Literal["auto"] | None = None
    gpus_free: bool = False
    tasks_per_gpu: int = 1
    python: str | None = None
    dir: str | None = None
    project: str | None = None
    path_map: tuple[PathPair, ...] = ()
    transport: Transport = "auto"
    host_keys: HostKeys = "known"

    @property
    def login(self) -> str:
        """Returns it as ``ssh`` takes it."""
        return f"{self.user}@{self.host}" if self.user else self.host


def read_addresses(entries: Sequence[object]) -> tuple[HostAddress, ...]:
    """Reads ``hydra.launcher.hosts``.

    Raises:
        ConfigError: an entry is wrong, or two have one name.
    """
    addresses = tuple(read_address(entry) for entry in entries)
    names = [address.name for address in addresses]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"the host {twice[0]} is named twice", evidence=", ".join(names),
            fix=f"{twice[0]}:SLOTS    # once, with all its slots; or {{name: other, host: {twice[0]}}}",
        )  # fmt: skip
    return addresses


def read_address(entry: object) -> HostAddress:
    """Reads one entry: a text or a mapping.

    Raises:
        ConfigError: it is neither, or something in it is wrong.
    """
    if isinstance(entry, str):
        return _from_text(entry)
    if isinstance(entry, Mapping):
        return _from_mapping(entry)
    raise _wrong(entry, "neither a text nor a mapping")


def _from_text(text: str) -> HostAddress:
    match = _SHORT.fullmatch(text)
    if match is None or match["host"].startswith("-") or (match["user"] or "").startswith("-"):
        raise _wrong(text, "it is not written as HOST, USER@HOST or HOST:SLOTS")
    host = match["host"].strip("[]")
    name = f"{match['user']}@{host}" if match["user"] else host
    slots = None if match["slots"] is None else _slots(text, int(match["slots"]))
    return HostAddress(name, host, match["user"], slots=slots)


def _slots(entry: object, number: int) -> int:
    if number > _MOST_SLOTS:
        host = str(entry).rpartition(":")[0]
        raise ConfigError(
            f"{entry} asks for {number} tasks at once: the number after the colon is slots, not a port",
            fix=f"{{name: {host}, port: {number}}}",
        )
    if number < 1:
        raise _wrong(entry, "a host has at least 1 slot")
    return number


_FIELDS = {field.name for field in fields(HostAddress)}
_TEXTS = ("name", "host", "user", "python", "dir", "project")
_NUMBERS = {"port": 65535, "slots": _MOST_SLOTS, "tasks_per_gpu": 64}
_CHOICES: dict[str, tuple[str, ...]] = {"transport": get_args(Transport), "host_keys": get_args(HostKeys)}


def _from_mapping(entry: Mapping[object, object]) -> HostAddress:
    for key in entry:
        if key not in _FIELDS:
            raise _unknown(entry, str(key))
    given = {str(key): value for key, value in entry.items() if value is not None}
    for key in _TEXTS:
        if key in given and (not isinstance(given[key], str) or not _is_plain(str(given[key]))):
            raise _wrong(entry, f"{key} is not a text that can be one: {given[key]!r}")
    for key, most in _NUMBERS.items():
        if key in given and (type(given[key]) is not int or not 1 <= int(str(given[key])) <= most):
            raise _wrong(entry, f"{key} is not a number from 1 to {most}: {given[key]!r}")
    for key, choices in _CHOICES.items():
        if given.get(key, choices[0]) not in choices:
            raise _wrong(entry, f"{key} is none of {', '.join(choices)}: {given[key]!r}")
    if not isinstance(given.get("gpus_free", False), bool):
        raise _wrong(entry, f"gpus_free is neither true nor false: {given['gpus_free']!r}")
    if "gpus" in given:
        given["gpus"] = _gpus(entry, given["gpus"])
    if "path_map" in given:
        given["path_map"] = _path_map(entry, given["path_map"])
    if "name" not in given and "host" not in given:
        raise _wrong(entry, "it has neither a name nor a host")
    name = given.setdefault("name", given.get("host"))
    given.setdefault("host", name)
    return HostAddress(**given)  # type: ignore[arg-type]  # each was looked at above


def _is_plain(text: str) -> bool:
    return bool(text) and text.isprintable() and not text.startswith("-")


def _gpus(entry: object, value: object) -> tuple[str, ...] | str:
    if value == "auto":
        return "auto"
    if isinstance(value, Sequence) and not isinstance(value, str):
        words = tuple(str(one) for one in value if isinstance(one, (int, str)))
        if len(words) == len(value) and all(re.fullmatch(r"[\w-]+", word) for word in words):
            return words
    raise _wrong(entry, f"gpus is neither auto nor a list such as [0, 1]: {value!r}")


def _path_map(entry: object, value: object) -> tuple[PathPair, ...]:
    try:
        return read_path_map(value)
    except ValueError as error:
        raise _wrong(entry, str(error)) from None


def _unknown(entry: object, key: str) -> ConfigError:
    near = difflib.get_close_matches(key, _FIELDS, 1)
    known = ", ".join(field.name for field in fields(HostAddress))
    return ConfigError(
        f"the host {entry} has an unknown field: {key}", evidence=f"known are {known}",
        fix=f"{near[0]}: …" if near else "",
    )  # fmt: skip


def _wrong(entry: object, why: str) -> ConfigError:
    return ConfigError(
        f"this names no host: {entry}", evidence=why,
        fix="'hydra.launcher.hosts=[box1,ann@box2:4]'    # or {name: box3, host: 10.0.0.3, port: 2222, slots: 4}",
    )  # fmt: skip


def read_jump(text: str, behind: HostAddress) -> HostAddress:
    """Reads a machine on the way to another, as ``ssh -J`` takes it: ``user@host:port``, or a URI.

    Args:
        behind: the host that is reached through it; its keys are treated as that one's are.

    Raises:
        ConfigError: it names none.
    """
    match = _JUMP.fullmatch(text.strip())
    if match is None or match["host"].startswith("-"):
        raise ConfigError(f"the jump host of {behind.name} is not written as USER@HOST:PORT", evidence=text)
    host = match["host"].strip("[]")
    return HostAddress(
        host, host, match["user"], int(match["port"]) if match["port"] else None, host_keys=behind.host_keys
    )
