"""Reads and writes a sweep's record: its id, its origin, its command. It is written once, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import NoReturn

from hsm_core import parsing
from hsm_core.errors import LeaseHeld, StoreError, SweepExists, VersionMismatch
from hsm_core.model import SourceKind
from hsm_core.overrides import quoted
from hsm_core.safe_open import make_directory

from .files import Document, create_exclusively, nonce, read_json, to_json
from .layout import FORMAT, SweepPaths
from .lease import Lease, is_held_here, take_lease
from .ownership.secrets import public, put_apart, with_real_values
from .record_fields import FIELDS, source_kind


@dataclass(frozen=True)
class SourceRecord:
    """A place where tasks of a sweep run, so that any later process can ask there.

    Args:
        name: ``local``, ``slurm``, …; submissions name it.
        kind: ``queue``: a scheduler; ``pool``: workers here; ``host``: workers on another machine.
        host: where its commands run: a kind of ``hsm_core.hosts.registry``, and which one of that kind.
        settings: of its kind; a queue's ``scheduler``.
    """

    name: str
    kind: SourceKind
    host: str = "local"
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, kind: str, host: str, settings: Mapping[str, object] | None) -> SourceRecord:
        """Makes a record of values read from disk."""
        words = {key: str(value) for key, value in (settings or {}).items()}
        return cls(name, source_kind(kind), host, words)

    @property
    def scheduler(self) -> str:
        """The name of a queue's dialect: ``slurm``, ``pbspro``."""
        return self.settings.get("scheduler", self.name)


@dataclass(frozen=True)
class SweepRecord:
    """The content of ``.hsm/sweep.json``.

    Args:
        id: ``<name>-MMDD-HHMM-xxxx``.
        dir: the sweep directory when it was made; where the record lies now counts.
        command: argv that started the sweep; empty if it was not started from a command line.
        cwd: where it was started.
        total: number of tasks; None if a foreign sweeper decides as it goes.
        app: ``name`` (hydra.job.name), ``config_name``, ``config_dir``; ``main`` (how to start it again, up to
            the script), ``taken`` (arguments that it took for itself: those to put before and after Hydra's),
            ``argv`` (what it left for Hydra); ``function`` (its task function), ``functions`` (those that it
            calls one after another), ``under_main`` (not called by Hydra's API); ``python``, ``pythonpath``, ``env``
            (variables for its tasks).
        overrides: ``hydra`` and ``task`` overrides as typed.
        launcher_fields: overrides that give the launcher the fields that the sweep began with.
        sources: where its tasks go when it begins; a resume may add others, which its conductor writes down.
        metric: pairs of name and mode.
        versions: of python, hydra, hsm and so on.
        git: commit, branch, dirty; empty outside a repository.
        found_as: what was typed for it, where its id does not lead there; of this process, not of the file.
    """

    id: str
    name: str
    dir: str
    created: str
    launcher: str
    sweeper: str
    total: int | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    cwd: str = ""
    user: str = ""
    host: str = ""
    app: Document = field(default_factory=dict)
    overrides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    launcher_fields: tuple[str, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
    metric: tuple[tuple[str, str], ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    git: Document = field(default_factory=dict)
    format: int = FORMAT
    found_as: str = ""

    @property
    def selector(self) -> str:
        """Returns what names the sweep on a command line."""
        return self.found_as or self.id

    @property
    def knows_all_tasks(self) -> bool:
        """True if all tasks were written down before the first of them ran."""
        return self.total is not None or (self.sweeper == "basic" and not self.app.get("batches"))

    @property
    def can_start_again(self) -> bool:
        """False where no command line names what ran: standard input, a notebook, Hydra's API."""
        return bool(self.app.get("main", True))

    def command_with(self, words: Sequence[str]) -> list[str]:
        """Returns the argv that starts the app with other words for Hydra; empty if it has no command line."""
        main = [str(word) for word in self.app.get("main") or ()]
        before, after = self.app.get("taken") or ((), ())
        return [*main, *map(str, before), *words, *map(str, after)] if main else []


#: Without vowels, digits that are read as vowels, and what looks like another character.
_NO_WORD = "bcdfghjkmnpqrtvwx6789"


def new_id(name: str) -> str:
    """Makes an id: the name as a slug, local time to the minute, five random characters that spell no word."""
    import datetime

    slug = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:40] or "sweep"
    return f"{slug}-{datetime.datetime.now():%m%d-%H%M}-{nonce(5, _NO_WORD)}"


def create_record(paths: SweepPaths, record: SweepRecord) -> None:
    """Writes the record, unless the directory already holds a sweep.

    Raises:
        SweepExists: it does; two starts within one second share ``${now:}`` in ``hydra.sweep.dir``.
        StoreError: the directory can't be written.
    """
    with _written_to(paths):
        paths.make_directories()
        whole = {name: value for name, value in asdict(record).items() if name != "found_as"}
        shown = public(whole)
        if not paths.record.exists():
            put_apart(paths.secrets, whole, shown)
        if create_exclusively(paths.record, to_json(shown)):
            return
    refuse_second(paths)


def begin_alone(paths: SweepPaths, is_over: Callable[[SweepPaths], bool], mode: int = 0o755) -> Lease:
    """Takes the lease of a directory, so that no other process begins a sweep there.

    The record is to be written last: a directory without one holds no sweep, whatever else is in it, and a
    sweep can begin there again.

    Args:
        is_over: whether the sweep that the directory holds has ended, so that another one may follow it.
        mode: of ``.hsm``, at most.

    Raises:
        SweepExists: the directory holds another sweep, or another process is just beginning one.
        StoreError: it can't be written, or what is there is somebody else's.
    """
    with _written_to(paths):
        make_directory(paths.hsm, mode)
    if paths.record.exists() and not is_over(paths):
        refuse_second(paths)
    with _written_to(paths):
        make_directory(paths.leases)
        try:
            lease = take_lease(paths, str(paths.root), force=is_held_here(paths))
        except LeaseHeld as error:
            raise SweepExists(
                f"another process is starting a sweep in {paths.root}", evidence=error.problem,
                fix="hydra.sweep.dir=DIRECTORY    # another one",
            ) from error  # fmt: skip
    if paths.record.exists() and not is_over(paths):  # begun, and perhaps ended, since we looked
        lease.withdraw()
        refuse_second(paths)
    return lease


@contextmanager
def _written_to(paths: SweepPaths) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"can't write the sweep directory {paths.root}", evidence=str(error),
            fix="hydra.sweep.dir=DIRECTORY    # one that you can write",
        ) from error  # fmt: skip


def refuse_second(paths: SweepPaths) -> NoReturn:
    """Raises the error that names the sweep which the directory already holds.

    Raises:
        SweepExists: always.
        StoreError: what it holds can't be read.
    """
    other = read_record(paths)
    raise SweepExists(
        f"{paths.root} holds the sweep {other.id}, which is not finished",
        evidence=f"started {other.created} on {other.host}",
        fix=f"hsm resume {quoted(str(paths.root))}    # or hsm cancel, or hydra.sweep.dir=DIRECTORY",
    )


def read_record(paths: SweepPaths) -> SweepRecord:
    """Reads a sweep's record.

    Raises:
        StoreError: there is none, or it is damaged.
        VersionMismatch: a newer hsm wrote it.
    """
    try:
        found = read_json(paths.record)
    except (OSError, ValueError) as error:
        raise StoreError(f"can't read the sweep in {paths.root}", evidence=str(error)) from error
    try:
        number = parsing.format_number(found.get("format"))
        require_format(number, f"the sweep in {paths.root}", writer=_writer(found))
        return _from_json(with_real_values(paths.secrets, found))
    except ValueError as error:
        raise StoreError(f"can't read the sweep in {paths.root}", evidence=f"{paths.record}: {error}") from error


def _writer(found: Document) -> str:
    """Returns the version of hsm that wrote a record; empty if it says none."""
    versions = found.get("versions")
    version = versions.get("hsm", "") if isinstance(versions, dict) else ""
    return version if isinstance(version, str) and re.fullmatch(r"[\w.+!-]{1,64}", version) else ""


def require_format(
    number: object, what: str, fix: str = "hydra.sweep.dir=DIRECTORY    # another one", *, writer: str = ""
) -> None:
    """Refuses files that an hsm with another format wrote.

    Args:
        number: the format that the files have.
        fix: what to type where no released version is known to read it.
        writer: the version of hsm that wrote it; empty: unknown.

    Raises:
        VersionMismatch: it names both formats, and the version that reads it if that is another one.
    """
    if number == FORMAT:
        return
    ours = _own_version()
    is_other = bool(writer and ours) and writer != ours
    install = f"pip install hpc-sweep-manager=={writer}    # reads it, best in an environment of its own"
    raise VersionMismatch(
        f"{what} has format {number}, this hsm reads format {FORMAT}",
        evidence=f"hsm {writer} wrote it, this is {ours}" if is_other else "another state of hsm's code wrote it",
        fix=install if is_other else fix,
    )


def _own_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hpc-sweep-manager")
    except PackageNotFoundError:
        return ""


def _source(value: object) -> SourceRecord:
    found = parsing.fields(parsing.table(value), _SOURCE)
    if not {"name", "kind"} <= found.keys():
        raise ValueError("a source without name or kind")
    return SourceRecord(found["name"], found["kind"], found.get("host", ""), found.get("settings", {}))


_SOURCE: parsing.Kinds = {
    "name": parsing.text, "kind": source_kind, "host": parsing.text, "settings": parsing.table_of(parsing.text),
}  # fmt: skip
_FIELDS: parsing.Kinds = {**FIELDS, "sources": parsing.each(_source)}
_NEEDED = ("id", "name", "dir", "created", "launcher", "sweeper")


def _from_json(found: Document) -> SweepRecord:
    """Reads a record.

    Raises:
        ValueError: a field is missing, or of another kind.
    """
    if lacking := [name for name in _NEEDED if name not in found]:
        raise ValueError(f"'{lacking[0]}' is missing")
    return SweepRecord(**parsing.fields(found, _FIELDS))
