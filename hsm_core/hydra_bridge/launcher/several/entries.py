"""Reads ``hydra.launcher.sources``: ``local:4``, ``ssh:box1:8``, ``slurm:16``, or mappings with their own fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.ssh.address import HostAddress, read_addresses
from hsm_core.model import SYNONYMS
from hsm_core.plan.suggest import closest
from hsm_core.schedulers.batch_system import Absent
from hsm_core.schedulers.registry import all_systems, find_system

from ...faults import Faults
from ...plain import flow
from ..fields.declared import LauncherConf
from ..fields.recorded import OF_ONE_RUN

#: Fields that a mapping has beside the launcher's own.
_OURS = ("source", "name", "at_most")
#: Fields of the launcher that are the same for all sources of a sweep.
_COMMON = frozenset(
    {
        "fail_fast", "max_failure_rate", "on_interrupt", "env", "share", "code", "poll_interval_s", "hosts",
        "transport", "host_keys", "ssh_config", "results", "sources", "strategy", "parallel_limit",
        "array_parallelism", "degraded_after", "disabled_after", "probe_after_s",
    }
)  # fmt: skip
_OF_HOST = frozenset(item.name for item in fields(HostAddress)) - {"name", "slots"}
_TEXT = re.compile(r"(?P<place>[^:@]*)(?:@(?P<host>[^:]+))?(?::(?P<most>[^:]*))?")
_SSH = re.compile(r"ssh:(?P<host>(?:\[[^\]]*\]|[^:\[\]])+)(?::(?P<most>[^:]*))?")
_FORMS = "local:4, ssh:box1:8, slurm:16, pbs, hpc"


@dataclass(frozen=True)
class SourceEntry:
    """A place where tasks of a sweep go, as its user wrote it.

    Args:
        name: what it is called in views and in the sweep's record.
        place: ``local``, ``ssh``, ``hpc``, or a batch system.
        at_most: tasks at once; None: as many as suits the place.
        fields: of the launcher, for this source alone.
        host: of ``ssh``: its fields, see ``HostAddress``.
        written: what the user wrote.
    """

    name: str
    place: str
    at_most: int | None
    fields: Mapping[str, object]
    host: Mapping[str, object]
    written: object = ""


def read_sources(entries: Sequence[object]) -> tuple[SourceEntry, ...]:
    """Reads all sources of a sweep.

    Raises:
        ConfigError: there is none, one of them is wrong, or two have one name; it tells all that is wrong.
    """
    if not entries:
        raise ConfigError(
            "hsm_sources needs to know the sources", evidence="hydra.launcher.sources is empty",
            fix="'hydra.launcher.sources=[local:4,ssh:box1:8,slurm:16]'    # the number is tasks at once",
        )  # fmt: skip
    faults, found = Faults(), list[SourceEntry]()
    for entry in entries:
        with faults.gathered():
            found.append(replace(read_source(entry), written=entry))
    names = [entry.name for entry in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        place = next(entry.place for entry in found if entry.name == name)
        fix = f"{{source: {place}, name: {name}-2}}    # a name of its own"
        faults.add(ConfigError(f"two sources are called {name}", evidence=", ".join(names), fix=fix))
    faults.raise_all()
    return tuple(found)


def read_source(entry: object) -> SourceEntry:
    """Reads one source: a text or a mapping.

    Raises:
        ConfigError: it is neither, or something in it is wrong.
    """
    if isinstance(entry, str):
        return _from_text(entry)
    if isinstance(entry, Mapping):
        return _from_mapping({str(key): value for key, value in entry.items()})
    raise _wrong(entry, "it is neither a text nor a mapping")


def _from_text(text: str) -> SourceEntry:
    if text == "ssh" or text.startswith(("ssh:", "ssh@")):
        return _over_ssh(text, {})
    match = _TEXT.fullmatch(text)
    if match is None:
        raise _wrong(text, f"it is not written as one of {_FORMS}")
    place = _known_place(match["place"], text)
    if match["host"] is not None:
        refuse_host(text, match["host"])
    most = None if match["most"] is None else _at_most(text, match["most"])
    return SourceEntry(place, place, most, {}, {})


def refuse_host(entry: object, host: str) -> None:
    """Refuses a scheduler behind SSH.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        f"{_shown(entry)}: jobs can't be submitted to a scheduler on another machine yet",
        fix=f"ssh {host}    # start the sweep there; or name the machine as ssh:{host}, without its scheduler",
    )


def _over_ssh(text: str, more: Mapping[str, object]) -> SourceEntry:
    match = _SSH.fullmatch(text)
    if match is None:
        raise _wrong(text, "a machine behind SSH is written as ssh:HOST, ssh:USER@HOST or ssh:HOST:TASKS")
    (address,) = read_addresses([match["host"]])
    host = {key: value for key, value in vars(address).items() if value is not None and key in _SAID}
    most = None if match["most"] is None else _at_most(text, match["most"])
    return SourceEntry(address.name, "ssh", most, {}, {**host, **more})


#: What a short form says of a host; the rest has its defaults.
_SAID = ("name", "host", "user")


def _from_mapping(entry: Mapping[str, object]) -> SourceEntry:
    source = entry.get("source")
    if not isinstance(source, str):
        raise _wrong(entry, "it does not say its source", "{source: slurm, at_most: 16}")
    if source == "ssh":
        named = entry.get("host", entry.get("name"))
        if not isinstance(named, str):
            raise _wrong(entry, "it does not say its host", "{source: ssh, host: box1}")
        base = SourceEntry(str(entry.get("name", named)), "ssh", None, {}, {})
    else:
        base = _from_text(source)
    _require_known(entry, base.place)
    most = base.at_most if entry.get("at_most") is None else _at_most(entry, entry["at_most"])
    given = {key: value for key, value in entry.items() if key not in _OURS and value is not None}
    is_host = base.place == "ssh"
    if not is_host and isinstance(given.get("host"), str):
        refuse_host(entry, str(given["host"]))
    own = {key: value for key, value in given.items() if not (is_host and key in _OF_HOST)}
    host = {**base.host, **{key: value for key, value in given.items() if is_host and key in _OF_HOST}}
    name = entry.get("name", base.name)
    if not isinstance(name, str) or not name:
        raise _wrong(entry, f"name={name} is not a text")
    for pair in SYNONYMS:  # one that is said here puts away what the launcher says by the other name
        own |= dict.fromkeys({*pair}.difference(own)) if own.keys() & {*pair} else {}
    if is_host:
        host["name"] = name
        read_addresses([host])
    return SourceEntry(name, base.place, most, own, host)


def _require_known(entry: Mapping[str, object], place: str) -> None:
    known = {*_OURS, *LauncherConf.__dataclass_fields__} - OF_ONE_RUN - _COMMON | {"name", "host"}
    if place == "ssh":
        known |= _OF_HOST
    elif place not in ("local", "hpc"):
        known |= find_system(place).fields
    faults = Faults()
    for key in entry:
        if key in known:
            continue
        if key == "array_parallelism":
            faults.add(_wrong(entry, "array_parallelism is said by at_most", "at_most: 16    # tasks at once"))
        elif key in _COMMON or key in OF_ONE_RUN:
            fix = f"hydra.launcher.{key}=…    # beside the sources"
            faults.add(_wrong(entry, f"{key} is the same for all sources", fix))
        else:
            meant = closest(key, known)
            fix = f"{meant}: {flow(entry[key])}    # instead of {key}" if meant else f"remove {key}"
            faults.add(_wrong(entry, f"it has no field '{key}'", fix))
    faults.raise_all()


def _known_place(place: str, entry: str) -> str:
    systems = [one.name for one in all_systems() if not isinstance(one, Absent)]
    known = ["local", "ssh", "hpc", *systems]
    if place in known:
        return place
    try:
        return find_system(place).name
    except BackendError:
        meant = closest(place, known)
        fix = entry.replace(place, meant, 1) if meant else f"ssh:{entry}    # if that is a machine behind SSH"
        told = f"there are: {', '.join(known)}"
        raise ConfigError(f"there is no source '{place}'", evidence=told, fix=fix) from None


def _at_most(entry: object, value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else value
    if type(number) is not int or number < 1:
        raise _wrong(entry, f"tasks at once must be a number of at least 1, not '{value}'", _with_number(entry))
    return number


def _with_number(entry: object) -> str:
    return f"{entry.rpartition(':')[0]}:4" if isinstance(entry, str) else "at_most: 4"


def _shown(entry: object) -> str:
    return entry if isinstance(entry, str) else flow(entry)


def _wrong(entry: object, why: str, fix: str = "") -> ConfigError:
    usual = f"{_FORMS}    # the forms of a source; or {{source: slurm, at_most: 16, partition: gpu}}"
    return ConfigError(f"the source {_shown(entry)} is wrong: {why}", fix=fix or usual)
