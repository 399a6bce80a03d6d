"""Finds the backend that a launcher names; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host
from hsm_core.schedulers.interface import Scheduler
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, WorkerSpec

from .interface import Backend

if TYPE_CHECKING:
    from .queue import JobWriter, Needs


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

    scheduler = make_scheduler(name, host, settings.fields["flavour"])
    writer, needs_of = _jobs(scheduler, paths, settings)
    queue = queue_settings(settings.fields)
    return BatchQueue(paths, state, scheduler, settings.spec, queue, writer, needs_of)


def _jobs(
    scheduler: Scheduler, paths: SweepPaths, settings: BackendSettings
) -> tuple[JobWriter, Callable[[int], Needs]]:
    """Who writes the scripts, and what the job of a task asks for."""
    from hsm_core.schedulers.setup_lines import guarded

    from .queue import Needs

    fields = settings.fields
    setup = guarded(fields["setup"], strict=fields["setup_strict"])
    writer: JobWriter
    asked_by: Callable[[Mapping[str, Any], int], Any]
    if scheduler.name == "slurm":
        from .slurm_jobs import SlurmJobs, asked_of_slurm

        writer = SlurmJobs(paths.root, settings.python, setup, settings.cwd)
        asked_by = asked_of_slurm
    else:
        from hsm_core.schedulers.pbs.dialect import Pbs

        from .pbs_jobs import PbsJobs, asked_of_pbs

        assert isinstance(scheduler, Pbs)
        writer = PbsJobs(paths.root, settings.python, setup, settings.cwd, fields["template"])
        asked_by = partial(asked_of_pbs, scheduler)

    known: dict[int, tuple[Mapping[str, Any], Needs]] = {}  # by the fields' identity, which they keep

    def needs_of(task: int) -> Needs:
        fields = settings.fields_of(task)
        if id(fields) not in known:
            spec = settings.spec_of(fields)
            known[id(fields)] = fields, Needs(asked_by(fields, spec.slots), spec)
        return known[id(fields)][1]

    return writer, needs_of


def require_here(name: str, flavour: str, host: Host) -> None:
    """Refuse, before anything is written, a scheduler that this machine has no commands for.

    Raises:
        BackendError: its commands are not on PATH, or are another system's.
    """
    missing = [command for command in ("sbatch", "squeue", "scancel") if host.which(command) is None]
    if name == "slurm" and missing:
        raise BackendError(
            "Slurm is not installed on this machine", evidence=f"{' and '.join(missing)} not found on PATH",
            fix="hsm doctor    # or hydra/launcher=hsm_local, to run the tasks here",
        )  # fmt: skip
    if name == "pbs":
        make_scheduler(name, host, flavour)


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
    writer, needs_of = _jobs(make_scheduler(name, host, settings.fields["flavour"]), paths, fixed)
    submission = Submission("launch-0/submit-0", "token", (), settings.spec, "launch-0")
    writer.text(needs_of(0).asked, submission, size=None, throttle=None)


def make_scheduler(name: str, host: Host, flavour: str = "auto") -> Scheduler:
    """The dialect that a launcher's class or a submission's ``backend`` names.

    Args:
        name: ``slurm``, ``pbs``, or one flavour of it: ``pbspro``, ``torque``.
        host: where its commands run.
        flavour: of ``pbs``, or ``auto``: as its commands say.

    Raises:
        BackendError: there is none of this name, or this machine has not its commands.
        ConfigError: there is no such flavour.
    """
    if name == "slurm":
        from hsm_core.schedulers.slurm.dialect import Slurm

        return Slurm(host)
    if name in ("pbs", "pbspro", "torque"):
        from hsm_core.schedulers.pbs.dialect import Pbs
        from hsm_core.schedulers.pbs.flavour import chosen_flavour

        return Pbs(chosen_flavour(flavour if name == "pbs" else name, host), host)
    raise BackendError(f"there is no scheduler '{name}'")
