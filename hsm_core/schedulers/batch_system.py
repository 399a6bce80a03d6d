"""Describes batch systems to hsm; one is registered by an entry point of the group ``hsm.schedulers``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from hsm_core.hosts.interface import Done, Host
from hsm_core.model import Resources
from hsm_core.overrides import joined, quoted
from hsm_core.settings import LauncherSettings

from .interface import Scheduler

#: Queue, account and QOS of a job, whose limits count; None: the user's usual one.
Place = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class WorkerStart:
    """The worker that a job's script starts, in whichever scheduler's words, and where.

    Args:
        token: the job's name.
        size: elements of the array; None: a plain job.
        throttle: elements at once; None: no limit.
        program: the command that every worker starts with, and ``submission``, which it works on.
        setup: the user's own lines of shell, before the command.
        cwd: where the app was started.
        logs: the directory of the jobs' own logs, where the submit command runs, too.
        starts: a directory of this submission, which no one has made yet, for schedulers that don't tell a job
            how often it was started.
        template: the user's own script; None: ours.
    """

    token: str
    size: int | None
    throttle: int | None
    program: tuple[str, ...]
    submission: str
    setup: tuple[str, ...]
    cwd: Path
    logs: Path
    starts: Path
    template: Path | None = None

    def line(self, worker: str, *options: str) -> str:
        """Returns the line of shell that becomes the worker.

        Args:
            worker: its name, unique in the sweep, which holds the job's id and its number of starts.
            options: ``--batch``, ``--native-id`` and others of ``hsm_core.worker.main``. These and the name stand in
                shell's own quoting, as they are for the job: ``'"slurm-$ID"'``.
        """
        return " ".join([joined(self.program), worker, quoted(self.submission), *options])


class JobWriter(Protocol):
    """Works out what jobs ask for and writes their scripts, in one scheduler's words."""

    def asked(self, settings: LauncherSettings) -> Resources:
        """Returns what a job asks for; jobs that ask for the same share an array.

        Args:
            settings: as they are for one task, with resources as ``BatchSystem.parse`` made them; what these name
                is a task's, see ``for_slots``.

        Raises:
            ConfigError: they contradict each other, or can't be said to this scheduler.
        """

    def text(self, asked: Resources, start: WorkerStart) -> str:
        """Returns the text of the script.

        Raises:
            ConfigError: no script can say this.
        """

    def place(self, asked: Resources) -> Place:
        """Returns where such a job goes."""

    def longer(self, asked: Resources, times: int) -> tuple[Resources, str]:
        """Returns the resources of a job that runs ``times`` as long, and a message on its time.

        If no time is asked for, or only in the scheduler's own words, nothing changes, and the message says so.
        """


@dataclass(frozen=True)
class System:
    """A batch system that a host submits to.

    Args:
        name: as launchers name it.
        version: in its own words.
        path: of the command that was asked.
        flavour: which of several dialects it speaks; empty where there is one.
        trouble: why it does not answer now; empty if it does.
        wrapped: its submit command is a script that somebody put before the real one.
    """

    name: str
    version: str
    path: str
    flavour: str = ""
    trouble: str = ""
    wrapped: bool = False


@dataclass(frozen=True)
class Absent:
    """The reason why a batch system can't be used from a host.

    Args:
        odd: a command of its name is there all the same.
        fix: a line to copy; empty if there is none.
    """

    name: str
    why: str
    odd: bool = False
    fix: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that ``hsm doctor`` checked; ``fix`` is a line to copy."""

    name: str
    level: Literal["ok", "note", "bad"]
    said: str
    fix: str = ""


#: Seconds for a question: a command that finds no configuration may look for it for a minute.
_ASK_S = 15.0


def asked(host: Host, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Done:
    """Runs a command for at most 15 s and returns what it says; if it can't be started, the reason."""
    try:
        return host.run(argv, _ASK_S, env=env)
    except OSError as error:
        return Done(tuple(argv), 127, "", str(error))


class BatchSystem(Protocol):
    """A batch system, as the registry knows it; modules that it needs are imported when they are needed."""

    #: as launchers name it, and the entry point: ``slurm``
    name: str
    #: as it writes itself, for messages: ``Slurm``
    title: str
    #: titles of dialects by the names that ``Scheduler.name`` has in them, where there are others than ``name``
    flavours: Mapping[str, str]
    #: the launcher's fields that it heeds beside those of every scheduler
    fields: frozenset[str]
    #: names of a job's logs below ``WorkerStart.logs``, the likeliest first; see ``hsm_core.store.state.jobs``
    logs: tuple[str, ...]
    #: variables of the environment that say which server its commands ask
    variables: tuple[str, ...]
    #: a command for who wants to know why it does not answer
    status_command: str

    def find(self, host: Host) -> System | Absent:
        """Finds it on a host by what its commands answer, not by what they are called."""

    def require(self, host: Host, flavour: str) -> None:
        """Refuses a host that lacks it, before anything is written.

        Raises:
            BackendError: its commands are not on PATH, are another system's, or know no cluster.
            ConfigError: there is no such flavour.
        """

    def scheduler(self, host: Host, flavour: str) -> Scheduler:
        """Returns its dialect for a host.

        Args:
            flavour: one of ``flavours``; ``auto``: as its commands say.

        Raises:
            BackendError: the host has not its commands.
            ConfigError: there is no such flavour.
        """

    def parse(self, own: Mapping[str, object]) -> Resources:
        """Returns a subclass of ``Resources`` of its own, with what its own fields say.

        Args:
            own: the launcher's fields by name, as plain values; see ``hsm_core.settings.Fields``. All are there: the
                neutral ones, too, are left as they are where they are set here (Slurm's ``partition`` as ``queue``).
                Fields that hsm's own launchers lack are missing under ``hydra/launcher=hsm_hpc``.

        Raises:
            ConfigError: one of them has a value that means nothing.
        """

    def job_writer(self, scheduler: Scheduler) -> JobWriter:
        """Returns the writer of scripts for a dialect that ``scheduler`` made."""

    def is_job(self, native_id: str, typed: str) -> bool:
        """Returns whether what a user typed means this job or an element of it, with or without its server's name.

        Args:
            native_id: as ``Scheduler.submit`` returned it.
        """

    def index_of(self, native_id: str) -> int:
        """Returns an element's index in its array, from 0, as ``Scheduler.element`` counts; 0 for a plain job."""

    def findings(self, host: Host, system: System) -> Iterator[Finding]:
        """Yields what ``hsm doctor`` reports on a system that answers: queues, accounts."""
