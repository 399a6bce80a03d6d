"""What Hydra's sweepers get back from a launcher: a ``JobReturn`` a task, whose contents are read when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.errors import SweepFailed
from hsm_core.store.files import read_json
from hsm_core.store.state import SweepState
from hsm_core.store.submission import require_owner

#: Composes the config of a task: (overrides, number) → config.
Compose = Callable[[tuple[str, ...], int], DictConfig]


class SweptJob(JobReturn):
    """A task's return. ``cfg``, ``hydra_cfg`` and the return value are loaded when they are asked for."""

    def __init__(
        self, state: SweepState, number: int, overrides: tuple[str, ...], name: str, compose: Compose
    ) -> None:
        self._state, self._number, self._task, self._compose = state, number, overrides, compose
        self._config: DictConfig | None = None
        self._loaded: tuple[Any] | None = None
        completed = state.state_of(number) == "completed"
        super().__init__(
            overrides=list(overrides), task_name=name,
            status=JobStatus.COMPLETED if completed else JobStatus.FAILED,
        )  # fmt: skip

    @property  # type: ignore[override]
    def cfg(self) -> DictConfig:
        """The task's config, composed as it was for the task."""
        config = self._composed().copy()
        with read_write(config), open_dict(config):
            del config["hydra"]
        return config

    @cfg.setter
    def cfg(self, value: Any) -> None:
        pass  # the dataclass sets its default

    @property  # type: ignore[override]
    def hydra_cfg(self) -> DictConfig:
        """The task's ``hydra`` node."""
        config: DictConfig = OmegaConf.masked_copy(self._composed(), ["hydra"])
        OmegaConf.set_readonly(config.hydra, True)
        return config

    @hydra_cfg.setter
    def hydra_cfg(self, value: Any) -> None:
        pass

    @property  # type: ignore[override]
    def working_dir(self) -> str:
        """Where the task's function ran."""
        config = self._composed()
        chdir = config.hydra.job.chdir
        if chdir is None:
            from hydra import version

            at_least = getattr(version, "base_at_least", None)
            chdir = at_least is not None and not at_least("1.2")
        return str(config.hydra.runtime.output_dir if chdir else config.hydra.runtime.cwd)

    @working_dir.setter
    def working_dir(self, value: Any) -> None:
        pass

    @property  # type: ignore[override]
    def _return_value(self) -> Any:
        if self._loaded is None:
            self._loaded = (self._load(),)
        return self._loaded[0]

    @_return_value.setter
    def _return_value(self, value: Any) -> None:
        if value is not None:
            self._loaded = (value,)

    def _composed(self) -> DictConfig:
        if self._config is None:
            config = self._compose(self._task, self._number)
            files = self._state.task_directory(self._number)
            with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
                config.hydra.runtime.output_dir = str(files.root) if files else None
            previous = HydraConfig.instance().cfg
            HydraConfig.instance().set_config(config)
            HydraConfig.instance().cfg = previous
            self._config = config
        return self._config

    def _load(self) -> Any:
        files = self._state.task_directory(self._number)
        status = self._state.state_of(self._number)
        if files is None or status not in ("completed", "failed"):
            return self._untold(status)
        try:
            outcome = read_json(files.outcome)
        except (OSError, ValueError):
            return self._untold(status)
        if outcome.get("pickle"):
            import cloudpickle

            require_owner(files.pickle)
            with open(files.pickle, "rb") as stream:
                return cloudpickle.load(stream)
        if status == "completed" and outcome.get("exact"):
            return outcome["value"]
        return RuntimeError(f"Remote {outcome.get('message', status)}")

    def _untold(self, status: str) -> Exception:
        task = self._state.tasks.get(self._number)
        last = (task.last if task else None) or {}
        message = str(last.get("message") or "")
        if status == "lost":
            message = self._state.evidence_of(self._number)
        return SweepFailed(
            f"task {self._number} is {status}", evidence=message, fix=f"hsm errors {self._state.record.id}"
        )
