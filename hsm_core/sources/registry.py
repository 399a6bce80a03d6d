"""Finds the source that a launcher names, or a sweep's record; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host, Patience
from hsm_core.hosts.registry import is_here, open_host
from hsm_core.overrides import joined
from hsm_core.schedulers.registry import find_system, make_scheduler
from hsm_core.settings import LauncherSettings
from hsm_core.store.layout import SweepPaths
from hsm_core.store.ownership.own_sweep import require_own
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import Submission, WorkerSpec

from .interface import RunningSource, Source
from .queue.job_poll import TIMES_GONE, YOUNG_S

if TYPE_CHECKING:
    from hsm_core.schedulers.batch_system import BatchSystem, JobWriter

    from .queue.batch_queue import Needs
    from .worker_command import WorkerStarts


#: Places that are no batch system: workers of ours here, or on machines behind SSH, or several places.
_POOLS = ("local", "ssh", "sources")


@dataclass(frozen=True)
class SourceSettings:
    """All that a source is made from, beside its record.

    Args:
        spec: of workers whose tasks wish for nothing of their own.
        cwd: where the app was started.
        launcher: the settings of the sweep.
        launcher_of: the settings as they are for a task, by its number; the same object for those that agree.
    """

    spec: WorkerSpec
    cwd: Path
    launcher: LauncherSettings
    launcher_of: Callable[[int], LauncherSettings]


def queue_at(place: str) -> BatchSystem | None:
    """Returns the batch system whose queue a launcher's place is; None: it is a pool of workers.

    Raises:
        BackendError: there is none of this name.
    """
    return None if place in _POOLS else find_system(place)


def runs_commands_here(record: SourceRecord) -> bool:
    """Returns whether a source's commands run on this machine, so that a queue's jobs see this disk."""
    return is_here(record.host)


def describe(name: str, host: Host, flavour: str = "auto") -> SourceRecord:
    """Returns the record of the source that a launcher's class names.

    Args:
        flavour: of PBS, or ``auto``: as its commands say.

    Raises:
        BackendError, ConfigError: there is none of this name here.
    """
    settings = dict(host.settings)
    if queue_at(name) is None:
        return SourceRecord(name, "pool", host.name, settings)
    return SourceRecord(name, "queue", host.name, {**settings, "scheduler": make_scheduler(name, host, flavour).name})


def describe_anyhow(name: str, host: Host, flavour: str = "auto") -> tuple[SourceRecord, str]:
    """Returns a source's record to show what would be submitted, also where its commands are not there.

    Returns:
        The record; why nothing can be submitted here, and what was assumed; or an empty text.

    Raises:
        BackendError, ConfigError: see ``describe``.
    """
    try:
        record = describe(name, host, flavour)
    except BackendError as error:
        system = queue_at(name)
        if system is None or not system.flavours:
            raise
        first, *others = system.flavours
        seen = f" ({error.evidence})" if error.evidence else ""
        what = f"so this is what {first} would get; for another: hydra.launcher.flavour={' or '.join(others)}"
        return describe(name, host, first), f"{error.problem}{seen}: {what}"
    try:
        require_here(name, flavour, host)
    except BackendError as error:
        return record, f"{error.problem}: nothing would be submitted here"
    return record, ""


def make_source(record: SourceRecord, paths: SweepPaths, settings: SourceSettings, host: Host) -> Source:
    """Makes a source to which a sweep's tasks can be given.

    Args:
        host: where its commands run, or its workers.

    Raises:
        BackendError: there is no such scheduler.
    """
    launcher = settings.launcher
    if record.kind == "pool":
        from .pool import WorkerPool

        return WorkerPool(paths, record, settings.spec, host, python=launcher.python)
    from .queue.batch_queue import BatchQueue

    system, scheduler = find_system(record.scheduler), make_scheduler(record.scheduler, host)
    writer = system.job_writer(scheduler)
    return BatchQueue(
        paths, record, scheduler, settings.spec, launcher.queue, writer, _needs_of(writer, settings),
        _starts(paths, settings), system.logs,
    )  # fmt: skip


def rebuild(
    records: Iterable[SourceRecord], paths: SweepPaths, patience: Patience | None = None, *,
    times_gone: int = TIMES_GONE, young_s: float = YOUNG_S, files_s: float | None = None,
) -> list[RunningSource]:  # fmt: skip
    """Makes the sources of a sweep from what its directory says of them, to ask about its jobs and to end them.

    Nobody but the process that started it can reach a pool here otherwise than by a request: there is none among
    them.

    Args:
        patience: of who waits for the commands of their hosts.
        times_gone, young_s: see ``JobPoll``.
        files_s: seconds that a call waits for the files of tasks that have ended on a machine; None: not long.

    Raises:
        BackendError: there is no such scheduler, or no such host.
        NotOwn: the sweep may be somebody else's, and says how a machine is reached, which could run any command here,
            or from where files are fetched, which could be this user's own.
    """
    from .queue.submitted_jobs import SubmittedJobs
    from .remote.workers import PATIENCE_S, HostWorkers

    others = [one for one in records if one.kind != "pool"]
    if any(one.kind == "host" or not is_here(one.host) for one in others):
        require_own(paths)
    hosts = {one.host: open_host(one.host, patience, one.settings) for one in reversed(others)}

    def made(one: SourceRecord) -> RunningSource:
        host = hosts[one.host]
        if one.kind == "host":
            return HostWorkers(one, paths, host, PATIENCE_S if files_s is None else files_s)
        scheduler = make_scheduler(one.scheduler, host)
        return SubmittedJobs(one.name, scheduler, paths, times_gone=times_gone, young_s=young_s)

    return [made(one) for one in others]


def doctor_line(record: SourceRecord) -> str:
    """Returns the command by which a user looks at the machine behind SSH of a source."""
    from hsm_core.hosts.ssh.recorded import words_to_type

    name = record.host.partition(":")[2]
    try:
        return f"hsm doctor {joined(words_to_type(name, record.settings))}"
    except BackendError:
        return f"hsm doctor {joined(['--host', name])}"


def _starts(paths: SweepPaths, settings: SourceSettings) -> WorkerStarts:
    from hsm_core.schedulers.setup_lines import guarded

    from .worker_command import WorkerStarts

    launcher = settings.launcher
    template = None if launcher.template is None else Path(launcher.template).expanduser().absolute()
    setup = guarded(launcher.setup, strict=launcher.setup_strict)
    return WorkerStarts(paths, launcher.python, tuple(setup), settings.cwd, template)


def _needs_of(writer: JobWriter, settings: SourceSettings) -> Callable[[int], Needs]:
    """Returns the needs of a task's job."""
    from .queue.batch_queue import Needs
    from .worker_command import job_worker

    known: dict[int, tuple[LauncherSettings, Needs]] = {}  # by the settings' identity, which they keep

    def needs_of(task: int) -> Needs:
        found = settings.launcher_of(task)
        if id(found) not in known:
            known[id(found)] = found, Needs(writer.asked(found), job_worker(found, settings.spec.source))
        return known[id(found)][1]

    return needs_of


def require_here(name: str, flavour: str, host: Host) -> None:
    """Refuse, before anything is written, a scheduler that this machine can't submit to.

    Raises:
        BackendError: its commands are not on PATH, are another system's, or know no cluster.
    """
    system = queue_at(name)
    if system is not None:
        system.require(host, flavour)


def check_fields(name: str, paths: SweepPaths, settings: SourceSettings, host: Host) -> None:
    """Refuse, before anything is written, fields that the script of a job could not say.

    Raises:
        ConfigError: they contradict each other, or mean nothing, or no shell can read the set-up.
    """
    system, launcher = queue_at(name), settings.launcher
    if system is None:
        return
    from hsm_core.schedulers.setup_lines import require_shell

    require_shell(launcher.setup, host)
    fixed = replace(settings, launcher_of=lambda task: launcher)
    writer = system.job_writer(make_scheduler(name, host, launcher.flavour))
    submission = Submission("launch-0/submit-0", "token", (), settings.spec, "launch-0")
    writer.text(_needs_of(writer, fixed)(0).asked, _starts(paths, fixed).of(submission, None, None))
