"""The settings of a launcher: what the user set under ``hydra.launcher``, checked and typed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import ConfigError
from .model import Isolation, Resources, Strategy

Word = TypeVar("Word", bound=str)
#: The variable that holds the words, as JSON, of the command that resumes a sweep, for who starts its app.
RESUMED_BY = "HSM_RESUMED_BY"


@dataclass(frozen=True)
class QueueSettings:
    """How tasks become jobs.

    Args:
        mode: ``array``, ``individual`` or ``auto``.
        tasks_per_job: tasks that one job runs.
        parallelism: jobs, and elements of arrays, at once; None is no limit.
        max_array_size: at most so many elements an array; None: what the scheduler says.
    """

    mode: str = "auto"
    tasks_per_job: int = 1
    parallelism: int | None = None
    max_array_size: int | None = None


@dataclass(frozen=True)
class SshSettings:
    """The machines behind SSH.

    Args:
        hosts: as their user wrote them: texts or mappings.
        transport, host_keys: of those that say nothing else.
        config: the SSH configuration; None: the user's own.
        path_map: folders of this machine and where all hosts have them, as their user wrote them.
        on_lost: what becomes of the tasks of one that stays away: ``retry_elsewhere`` or ``wait``.
        lost_after_s: seconds that it may stay away before that.
        exclude: patterns of tasks' files that stay there.
        max_file_gb: files of more GiB stay there; None: all come.
        cleanup: when the sweep's directory there is removed: ``on_success`` or ``never``.
    """

    hosts: tuple[object, ...] = ()
    transport: str = "auto"
    host_keys: str = "known"
    config: str | None = None
    path_map: tuple[object, ...] = ()
    on_lost: str = "retry_elsewhere"
    lost_after_s: float = 3600.0
    exclude: tuple[str, ...] = ()
    max_file_gb: float | None = None
    cleanup: str = "on_success"


@dataclass(frozen=True)
class SeveralSettings:
    """Several places at once.

    Args:
        sources: as their user wrote them: texts or mappings.
        strategy: how tasks are divided among them.
        parallel_limit: tasks at once over all of them; None is no limit.
        degraded_after, disabled_after: failures of a place itself in a row, after which it gets fewer tasks, or none.
        probe_after_s: seconds after which one that gets none is given a task as a probe.
    """

    sources: tuple[object, ...] = ()
    strategy: Strategy = "fastest"
    parallel_limit: int | None = None
    degraded_after: int = 2
    disabled_after: int = 4
    probe_after_s: float = 60.0


@dataclass(frozen=True)
class LauncherSettings:
    """How a sweep runs, and what its tasks get; of fields that may follow a task, as they are for one of them.

    Args:
        resume: a sweep's id, the start of it, its name, ``latest``, or its directory.
        only_tasks: numbers of the tasks that run on resume; None: all that are left.
        share: who else may read the sweep: ``read`` everybody, ``group``, ``none``; nobody else may write.
        python: the interpreter of the tasks.
        code: ``live``, ``snapshot`` or ``verify``.
        env: variables for every task.
        max_failure_rate: end the sweep when more than this share of the tasks has failed; 1.0 never.
        on_interrupt: what Ctrl-C does: ``cancel``, ``detach`` or ``ask``.
        poll_interval_s: seconds between polls of the tasks.
        task_timeout_min: minutes a task may run; None is no limit.
        grace_s: seconds between TERM and KILL.
        slots: tasks at once in one worker; None: as many as suits the place.
        tasks_per_gpu: tasks at once on one GPU.
        nice: niceness added.
        gpus: of this machine, as the user wrote it: ``none``, ``auto`` or a list of numbers.
        setup: lines of shell before the worker starts.
        setup_strict: whether the first of them that fails ends the job.
        flavour: of a scheduler that has several dialects; ``auto``: as its commands say.
        template: the user's own script of a job.
        resources: what a task asks for; of a scheduler, its own subclass.
        ignored: fields that were set but mean nothing where the tasks go.
    """

    resume: str | None = None
    retry_failed: bool = False
    only_tasks: frozenset[int] | None = None
    force: bool = False
    allow_changed: bool = False
    detach: bool = False
    dry_run: bool = False
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    python: str = ""
    code: str = "live"
    share: str = "read"
    env: Mapping[str, str] = field(default_factory=dict)
    isolation: Isolation = "auto"
    fail_fast: bool = False
    max_failure_rate: float = 1.0
    on_interrupt: str = "cancel"
    poll_interval_s: float = 0.5
    task_timeout_min: float | None = None
    grace_s: float = 10.0
    slots: int | None = None
    tasks_per_gpu: int = 1
    nice: int = 0
    gpus: object = "none"
    ssh: SshSettings = field(default_factory=SshSettings)
    several: SeveralSettings = field(default_factory=SeveralSettings)
    setup: tuple[str, ...] = ()
    setup_strict: bool = True
    flavour: str = "auto"
    template: str | None = None
    queue: QueueSettings = field(default_factory=QueueSettings)
    resources: Resources = field(default_factory=Resources)
    ignored: tuple[str, ...] = ()

    @property
    def slots_of_job(self) -> int:
        """Tasks at once in a scheduler's job: no more than it runs."""
        return min(1 if self.slots is None else self.slots, self.queue.tasks_per_job)

    @property
    def task_timeout_s(self) -> float | None:
        """Seconds a task may run; None is no limit."""
        return None if self.task_timeout_min is None else self.task_timeout_min * 60


class Fields:
    """Fields of ``hydra.launcher`` as plain values; each is read as what it is.

    All methods take a field's name and raise a ConfigError if its value is of another kind, or means nothing.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        value = self._values[name]
        if value is None or isinstance(value, str):
            return value
        raise _must_be(name, value, "a text")

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._values[name]
        if isinstance(value, (list, tuple)):
            return tuple(str(item) for item in value)
        raise _must_be(name, value, "a list")

    def entries(self, name: str) -> tuple[object, ...]:
        value = self._values[name]
        if isinstance(value, (list, tuple)):
            return tuple(value)
        raise _must_be(name, value, "a list")

    def mapping(self, name: str) -> dict[str, object]:
        value = self._values[name]
        if isinstance(value, Mapping):
            return {str(key): item for key, item in value.items()}
        raise _must_be(name, value, "a dict")

    def flag(self, name: str) -> bool:
        value = self._values[name]
        if isinstance(value, bool):
            return value
        raise _must_be(name, value, "true or false")

    def number(self, name: str) -> float | None:
        value = self._values[name]
        if value is None or isinstance(value, (int, float)):
            return value
        raise _must_be(name, value, "a number")

    def whole(self, name: str) -> int | None:
        value = self._values[name]
        if value is None or isinstance(value, int):
            return value
        raise _must_be(name, value, "a whole number")

    def count(self, name: str) -> int:
        """A whole number that is never null."""
        value = self.whole(name)
        if value is None:
            raise _must_be(name, value, "a whole number")
        return value

    def at_least_one(self, name: str) -> int | None:
        value = self.whole(name)
        if value is not None and value < 1:
            raise ConfigError(f"hydra.launcher.{name}={value} must be at least 1", fix=f"hydra.launcher.{name}=1")
        return value

    def positive(self, name: str) -> float:
        value = self.number(name)
        if value is None or not 0 < value < math.inf:
            raise ConfigError(
                f"hydra.launcher.{name}={value} must be a number above 0", fix=f"hydra.launcher.{name}=1"
            )
        return float(value)

    def within(self, name: str, least: float, most: float) -> float:
        value = self.number(name)
        if value is None or not least <= value <= most:
            told = f"hydra.launcher.{name}={value} must be between {least} and {most}"
            raise ConfigError(told, fix=f"hydra.launcher.{name}={least}")
        return float(value)

    def one_of(self, name: str, known: tuple[Word, ...]) -> Word:
        value = self._values[name]
        if value not in known:
            told = f"hydra.launcher.{name}={value} must be one of {', '.join(known)}"
            from difflib import get_close_matches

            near = get_close_matches(str(value), known, 1) or known
            raise ConfigError(told, fix=f"hydra.launcher.{name}={near[0]}")
        return next(one for one in known if one == value)


def _must_be(name: str, value: object, what: str) -> ConfigError:
    return ConfigError(
        f"hydra.launcher.{name}={value} must be {what}", fix="--cfg hydra -p hydra.launcher    # shows all fields"
    )
