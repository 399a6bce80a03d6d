"""Hands results to Hydra's sweepers: a ``JobReturn`` a task, read when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.errors import SweepFailed
from hsm_core.overrides import quoted
from hsm_core.safe_open import MOST_PICKLED, read_own
from hsm_core.store.layout import TaskPaths
from hsm_core.store.outcomes import Owner, read_outcome
from hsm_core.store.state.sweep_state import SweepState

from ..error_display import for_hydra
from ..hydra_private.task import take_traces
from ..task.values import loads

#: Composes the config of a task: (overrides, number) → config.
Compose = Callable[[tuple[str, ...], int], DictConfig]


class RemoteTraceback(Exception):
    """Where a task failed, as its process wrote it; the cause of the exception that was brought here."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


class NotKept:
    """Stands for what a task returned and could not be kept.

    Args:
        text: how its ``repr`` began.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<not kept: {self.text}>"


class SweptJob(JobReturn):
    """A task's return. ``cfg``, ``hydra_cfg`` and the return value are loaded when they are asked for.

    Args:
        is_needed: the sweeper goes by what tasks return, so a value that can't be kept is an error.
    """

    def __init__(
        self, state: SweepState, number: int, overrides: tuple[str, ...], name: str, compose: Compose,
        is_needed: bool,
    ) -> None:  # fmt: skip
        self._state, self._number, self._task, self._compose = state, number, overrides, compose
        self._is_needed = is_needed
        self._config: DictConfig | None = None
        self._value: tuple[Any] | None = None
        self._traces: dict[str, Any] = {}
        completed = state.state_of(number) == "completed"
        super().__init__(
            overrides=list(overrides), task_name=name,
            status=JobStatus.COMPLETED if completed else JobStatus.FAILED,
        )  # fmt: skip

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled or copied, it is a plain ``JobReturn`` that needs no sweep directory."""
        return _itself, (self._plain(),)

    @property
    def cfg(self) -> DictConfig:
        """The task's config, composed as it was for the task."""
        config = self._composed().copy()
        with read_write(config), open_dict(config):
            del config["hydra"]
        return config

    @cfg.setter
    def cfg(self, value: Any) -> None:
        pass  # the dataclass sets its default

    @property
    def hydra_cfg(self) -> DictConfig:
        """The task's ``hydra`` node."""
        config: DictConfig = OmegaConf.masked_copy(self._composed(), ["hydra"])
        OmegaConf.set_readonly(config.hydra, True)
        return config

    @hydra_cfg.setter
    def hydra_cfg(self, value: Any) -> None:
        pass

    @property
    def working_dir(self) -> str:
        """Where the task's function ran."""
        hydra = self._composed().hydra
        if not _changes_directory(hydra.job.chdir):
            return str(hydra.runtime.cwd)
        return _as_written(str(hydra.sweep.dir), str(hydra.runtime.output_dir))

    @working_dir.setter
    def working_dir(self, value: Any) -> None:
        pass

    @property
    def return_value(self) -> Any:
        """Returns the value of the task's function.

        Raises:
            Exception: what the task raised.
            SweepFailed: it ended without a word of its own; or it returned what can't be kept, and the sweeper
                needs that.
        """
        return self._with_value(JobReturn(overrides=self.overrides, status=self.status)).return_value

    @return_value.setter
    def return_value(self, value: Any) -> None:
        self._value = (value,)

    def _with_value(self, plain: JobReturn) -> JobReturn:
        """Give a return of Hydra's own what the task returned or raised, its traceback included."""
        if self._value is None:
            self._value = (self._load(),)
        plain.return_value = self._value[0]
        take_traces(plain, self._traces)
        return plain

    def _plain(self) -> JobReturn:
        plain = JobReturn(
            overrides=self.overrides, cfg=self.cfg, hydra_cfg=self.hydra_cfg, working_dir=self.working_dir,
            task_name=self.task_name, status=self.status,
        )  # fmt: skip
        return self._with_value(plain)

    def _composed(self) -> DictConfig:
        if self._config is None:
            config = self._compose(self._task, self._number)
            files = self._state.task_directory(self._number)
            with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
                config.hydra.runtime.output_dir = str(files.root) if files else ""
            previous = HydraConfig.instance().cfg
            HydraConfig.instance().set_config(config)
            HydraConfig.instance().cfg = previous
            self._config = config
        return self._config

    def _load(self) -> Any:
        """The task's own word on its end, if it left one; else what is known of it."""
        files, state = self._state.task_directory(self._number), self._state.state_of(self._number)
        attempt = self._state.tasks[self._number].attempt if files else 0
        outcome = read_outcome(files, Owner(self._state.record.id, self._number, attempt)) if files else None
        if files is None or outcome is None or outcome["state"] != state:
            return self._untold(state)
        if outcome.get("pickle"):
            return self._unpickle(files, outcome)
        if state == "completed":
            return outcome["value"] if outcome.get("exact") else self._unkept(outcome)
        return _caused_by(RuntimeError(f"Remote {outcome.get('message', state)}"), outcome)

    def _unpickle(self, files: TaskPaths, outcome: dict[str, Any]) -> Any:
        value, fields = loads(read_own(files.pickle, most=MOST_PICKLED))
        self._traces = fields
        told = take_traces(self, fields)
        return value if told or outcome["state"] == "completed" else _caused_by(value, outcome)

    def _unkept(self, outcome: dict[str, Any]) -> NotKept:
        what = NotKept(str(outcome.get("repr") or "a value"))
        if self._is_needed:
            raise for_hydra(
                SweepFailed(
                    f"task {self._number} completed, but what it returned can't be kept for the sweeper: {what.text}",
                    evidence=str(outcome.get("warning") or "it can't be pickled"),
                    fix="return a number from the task: return float(score)",
                )
            )
        return what

    def _untold(self, state: str) -> Exception:
        end = self._state.end_of(self._number)
        message = self._state.evidence_of(self._number) if state == "lost" else end.message if end else ""
        fix = f"hsm errors {quoted(self._state.record.selector)}"
        return SweepFailed(f"task {self._number} is {state}", evidence=message, fix=fix)


def _caused_by(error: Exception, outcome: dict[str, Any]) -> Exception:
    error.__cause__ = RemoteTraceback(outcome.get("trace", ""))
    return error


def _changes_directory(chdir: bool | None) -> bool:
    """Hydra's rule where ``hydra.job.chdir`` is not set: yes with ``version_base`` below 1.2."""
    if chdir is None:
        from hydra import version

        at_least = getattr(version, "base_at_least", None)
        return at_least is not None and not at_least("1.2")
    return chdir


def _as_written(sweep: str, directory: str) -> str:
    """A task's directory as Hydra tells it: relative where the sweep's is."""
    within = os.path.relpath(directory, os.path.abspath(sweep)) if directory else os.pardir
    return directory if os.path.isabs(sweep) or within.startswith(os.pardir) else os.path.join(sweep, within)


def _itself(job: JobReturn) -> JobReturn:
    return job
