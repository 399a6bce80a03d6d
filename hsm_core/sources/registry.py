"""Finds the backend that a launcher names; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsm_core.hosts.interface import Host
from hsm_core.schedulers.registry import find_system, make_scheduler
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, WorkerSpec

from .interface import Backend

if TYPE_CHECKING:
    from hsm_core.schedulers.batch_system import JobWriter

    from .queue import Needs
    from .worker_command import WorkerStarts


@dataclass(frozen=True)
class BackendSettings:
    """What a backend is made from.

    Args:
        python: the interpreter of the workers.
        cwd: where the app was started.
        spec: of workers whose tasks wish for nothing of their own.
        fields: the launcher's fields.
        fields_of: the launcher's fields as they are for a task, by its number; the same object for those that agree.
        spec_of: of the workers of a scheduler's job with such fields.
    """

    spec: WorkerSpec
    python: str
    cwd: Path
    fields: Mapping[str, Any]
    fields_of: Callable[[int], Mapping[str, Any]]
    spec_of: Callable[[Mapping[str, Any]], WorkerSpec]


def make_backend(
    name: str, paths: SweepPaths, settings: BackendSettings, host: Host, state: SweepState | None = None
) -> Backend:
    """A backend for one sweep.

    Args:
        name: as the launcher's class says.
        host: where its commands run, or its workers.
        state: the sweep; None where there is none yet, for a preview.

    Raises:
        BackendError: there is none of this name.
    """
    if name == "local":
        from .pool import WorkerPool

        return WorkerPool(paths, settings.spec, host, python=settings.python)
    from .queue import BatchQueue
    from .queue_settings import queue_settings

    system, flavour = find_system(name), settings.fields["flavour"]
    scheduler = make_scheduler(name, host, flavour)
    writer = system.job_writer(scheduler)
    return BatchQueue(
        paths, state, scheduler, settings.spec, queue_settings(settings.fields), writer, _needs_of(writer, settings),
        _starts(paths, settings), system.logs,
    )  # fmt: skip


def _starts(paths: SweepPaths, settings: BackendSettings) -> WorkerStarts:
    from hsm_core.schedulers.setup_lines import guarded

    from .worker_command import WorkerStarts

    fields = settings.fields
    template = None if fields["template"] is None else Path(fields["template"]).expanduser().absolute()
    setup = guarded(fields["setup"], strict=fields["setup_strict"])
    return WorkerStarts(paths, settings.python, tuple(setup), settings.cwd, template)


def _needs_of(writer: JobWriter, settings: BackendSettings) -> Callable[[int], Needs]:
    """What the job of a task asks for."""
    from .queue import Needs

    known: dict[int, tuple[Mapping[str, Any], Needs]] = {}  # by the fields' identity, which they keep

    def needs_of(task: int) -> Needs:
        fields = settings.fields_of(task)
        if id(fields) not in known:
            spec = settings.spec_of(fields)
            known[id(fields)] = fields, Needs(writer.asked(fields, spec.slots), spec)
        return known[id(fields)][1]

    return needs_of


def require_here(name: str, flavour: str, host: Host) -> None:
    """Refuse, before anything is written, a scheduler that this machine can't submit to.

    Raises:
        BackendError: its commands are not on PATH, are another system's, or know no cluster.
    """
    if name != "local":
        find_system(name).require(host, flavour)


def check_fields(name: str, paths: SweepPaths, settings: BackendSettings, host: Host) -> None:
    """Refuse, before anything is written, fields that the script of a job could not say.

    Raises:
        ConfigError: they contradict each other, or mean nothing, or no shell can read the set-up.
    """
    if name == "local":
        return
    from hsm_core.schedulers.setup_lines import require_shell

    from .queue_settings import queue_settings

    queue_settings(settings.fields)
    require_shell(settings.fields["setup"], host)
    fixed = replace(settings, fields_of=lambda task: settings.fields)
    writer = find_system(name).job_writer(make_scheduler(name, host, settings.fields["flavour"]))
    submission = Submission("launch-0/submit-0", "token", (), settings.spec, "launch-0")
    writer.text(_needs_of(writer, fixed)(0).asked, _starts(paths, fixed).of(submission, None, None))
