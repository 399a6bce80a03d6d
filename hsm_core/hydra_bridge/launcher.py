"""What every hsm launcher does when Hydra calls it; all that is heavy is imported then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.plugins.launcher import Launcher

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from .handover import PlannedSweep
    from .launching import Launching


class LauncherBase(Launcher):
    """Hands the tasks of a sweep to a backend and returns what they returned.

    Args:
        fields: see ``launcher_fields.LauncherConf``.
    """

    #: Which place the tasks go to, see ``hsm_core.backends.by_name``.
    backend: ClassVar[str]

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        self._launching: Launching | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context, self._task_function, self._config = hydra_context, task_function, config
        self._open().require_free()  # before the sweeper writes to the directory

    def announce(self, planned: PlannedSweep) -> None:
        """Take the whole plan, before the first launch of it."""
        self._open().announce(planned)

    def recorded_tasks(self, resume: str | None = None) -> Sequence[tuple[str, ...]] | None:
        """The tasks of the sweep to go on with, in order of their numbers; None when a new one starts."""
        return self._open().recorded_tasks(resume)

    def preview(self, tasks: Sequence[Sequence[str]]) -> list[str]:
        """What would be submitted for these tasks, as lines to read."""
        return self._open().preview(tasks, 0)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run tasks; what they returned comes in their order. Detached or dry, nothing comes back."""
        return self._open().launch(job_overrides, initial_job_idx)

    def _open(self) -> Launching:
        if self._launching is None:
            from .launching import Launching

            self._launching = Launching(
                self.place(), self._fields, self._context, self._task_function, self._config
            )
        return self._launching

    def place(self) -> str:
        """The backend's name, known at the latest when it is needed."""
        return self.backend
