"""A sweep as Python sees it: its state, its tasks, its results, and what ``hsm`` can do to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_core.errors import ConfigError, HsmError
from hsm_core.model import STATES, Reason, State
from hsm_core.results.curves import curves
from hsm_core.results.metrics import Mode
from hsm_core.results.rows import Row
from hsm_core.results.table import best_first
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps.catalogue import entries
from hsm_core.store.sweeps.selector import find_place
from hsm_core.text import tell
from hsm_core.views.explained_rows import explained_rows
from hsm_core.views.status.phase import Phase, phase_of

from .html import sweep_html
from .tables import Curves, Results

if TYPE_CHECKING:
    from hsm_core.cli.ask_schedulers import JobQuestions

#: Runs ``hsm``; unlike ``-m`` or ``-c`` alone, with no module that lies in the current directory, whoever's it is.
_HSM = (
    "-c", "import sys; sys.path[:] = filter(None, sys.path); sys.argv[0] = 'hsm'\n"
    "from hsm_core.cli.hsm import main; sys.exit(main())",
)  # fmt: skip


@dataclass(frozen=True)
class SweepTask:
    """A task of a sweep, as it was when it was asked for.

    Args:
        overrides: as on a command line.
        attempt: the newest.
        reason: why it is not completed, if that is known; as ``hsm errors`` says it.
        directory: of its files; None before it began.
        node: where it ran last; empty before that.
    """

    number: int
    state: State
    attempt: int
    overrides: tuple[str, ...]
    parameters: dict[str, object]
    metrics: dict[str, object]
    reason: Reason | None
    directory: Path | None
    node: str

    @property
    def log(self) -> str:
        """The last lines that it printed, up to 50 lines; empty before it began."""
        from hsm_core.safe_open import last_lines
        from hsm_core.store.layout import TaskPaths

        return "" if self.directory is None else last_lines(TaskPaths(self.directory).stdout, 50)


class Sweep:
    """A sweep of the user's, or of a colleague's by its path; whatever is asked for is read anew from its directory.

    Nothing that was returned or pickled by a task is unpickled.

    >>> import hsm_core as hsm
    >>> sweep = hsm.sweep("latest")
    >>> sweep.state, len(sweep), sweep.counts["completed"]
    ('completed', 4, 4)
    >>> sweep.tasks[0].parameters["lr"], sweep.tasks[0].metrics["loss"]
    (0.1, 0.01)
    """

    def __init__(self, place: Path, typed: str = "") -> None:
        self._state = SweepState(place, typed)
        self._ask: JobQuestions | None = None

    @property
    def id(self) -> str:
        """Its id, as ``hsm-status`` lists it."""
        return self._state.record.id

    @property
    def name(self) -> str:
        """Its name: ``hydra.sweeper.name``, or that of its app."""
        return self._state.record.name

    @property
    def directory(self) -> Path:
        """Its ``hydra.sweep.dir``."""
        return self._state.paths.root

    @property
    def state(self) -> Phase:
        """``running``, ``completed``, ``finished`` (with failures), ``cancelled`` or ``stopped`` (tasks are left)."""
        state = self._read()
        return phase_of(state, state.counts())

    @property
    def counts(self) -> dict[State, int]:
        """How many of its tasks are in each state."""
        found = self._read().counts()
        return {name: found[name] for name in STATES}

    def __len__(self) -> int:
        return self._read().total

    @property
    def tasks(self) -> list[SweepTask]:
        """All its tasks, by number."""
        from hsm_core.store.tasks import TaskTable

        state = self._read()
        overrides = {task.number: task.overrides for task in TaskTable(state.paths)}
        return [
            SweepTask(
                row.task, row.state, row.attempt, overrides[row.task], row.parameters, row.metrics,
                _reason(row), row.directory, state.node_of(row.task),
            )
            for row in explained_rows(state)
        ]  # fmt: skip

    def results(self) -> Results:
        """Returns a row a task: parameters and metrics.

        >>> import hsm_core as hsm
        >>> hsm.sweep("latest").results().to_pandas()[["lr", "seed", "loss"]].head(2)
            lr  seed  loss
        0  0.1     1  0.01
        1  0.1     2  0.02
        """
        return Results(list(explained_rows(self._read())))

    def curves(self, *metrics: str, tasks: Sequence[int] | None = None) -> Curves:
        """Returns what tasks wrote down step by step; files are read as the result is gone through.

        Args:
            metrics: only these; none: all.
            tasks: only these; else all.

        >>> import hsm_core as hsm
        >>> for point in hsm.sweep("latest").curves("loss", tasks=[0]):
        ...     print(point.step, point.value)
        0.0 1.0
        1.0 0.01
        """
        state = self._read()
        return Curves(lambda: curves(state, metrics, tasks))

    def best(self, metric: str | None = None, *, mode: Mode | None = None) -> SweepTask:
        """Returns the task that did best.

        Args:
            metric: the sweep's own (``hydra.sweeper.metric``), if it declares one.
            mode: which is best, ``min`` or ``max``; as the sweep declares it, else ``min``.

        Raises:
            ConfigError: no task has a finite number for it, none was named, or the mode is another word.

        >>> import hsm_core as hsm
        >>> hsm.sweep("latest").best("loss").number
        0
        """
        if mode not in (None, "min", "max"):
            raise ConfigError(f"mode is 'min' or 'max', not {mode!r}")
        declared = dict(self._state.record.metric)
        name = metric or next(iter(declared), None)
        if name is None:
            raise ConfigError("name a metric: the sweep declares none", fix='sweep.best("loss")')
        way: Mode = mode or ("max" if declared.get(name) == "max" else "min")
        found = best_first(list(explained_rows(self._read())), name, way, 1)
        if not found:
            raise ConfigError(f"no task has a finite {name}", evidence=f"{self.id} is {self.state}")
        return next(task for task in self.tasks if task.number == found[0].task)

    def wait(self, timeout_s: float | None = None) -> Phase:
        """Waits until nothing of it runs any more, asking schedulers too; returns its state then.

        Args:
            timeout_s: give up after so many seconds.

        Raises:
            TimeoutError: it still runs.
        """
        give_up = None if timeout_s is None else time.monotonic() + timeout_s
        while (found := self.state) == "running":
            left = 1.0 if give_up is None else give_up - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{self.id} is still running")
            time.sleep(min(1.0, left))
        return found

    def cancel(self, tasks: Sequence[int] | None = None) -> None:
        """Ends running tasks and doesn't start pending ones, as ``hsm cancel``.

        Args:
            tasks: only these.

        Raises:
            HsmError: some may go on.
        """
        some = [] if tasks is None else ["--task", ",".join(map(str, tasks))]
        self._do("cancel", "--yes", *some)

    def resume(self, *, retry_failed: bool = False) -> Phase:
        """Runs what is neither completed nor alive, as ``hsm resume``; returns its state afterwards.

        Args:
            retry_failed: failed tasks too.

        Raises:
            HsmError: it can't go on.
        """
        self._do("resume", *(["--retry-failed"] if retry_failed else []), ends=(0, 3))
        return self.state

    def __repr__(self) -> str:
        return f"<sweep {self.id}: {self.state}, {self.counts['completed']} of {len(self)} completed>"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows."""
        return sweep_html(self.id, self.state, self.counts, str(self.directory))

    def _read(self) -> SweepState:
        from hsm_core.cli.ask_schedulers import JobQuestions

        self._state.refresh()
        self._ask = self._ask or JobQuestions()
        self._ask(self._state)
        return self._state

    def _do(self, verb: str, *words: str, ends: Sequence[int] = (0,)) -> None:
        """Runs ``hsm`` beside this program, so that the app's program starts in a process of its own."""
        argv = [sys.executable, *_HSM, verb, self._state.record.selector, *words]
        done = subprocess.run(argv, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
        told = done.stderr.strip()
        if done.returncode not in ends:
            raise HsmError(told.removeprefix("error: ") or f"it ended with exit code {done.returncode}")
        if told:
            print(told, file=sys.stderr)


def sweep(selector: str | os.PathLike[str]) -> Sweep:
    """Returns a sweep.

    Args:
        selector: as on the command line: ``latest``, the beginning of an id, a name (its newest sweep), a path.

    Raises:
        SweepNotFound: there is none, or several.
        StoreError, VersionMismatch: it can't be read.
    """
    typed = os.fspath(selector)
    return Sweep(find_place(typed, say=tell), typed)


def sweeps() -> list[Sweep]:
    """Returns the user's sweeps, newest first; without those that were moved away or can't be read."""
    return list(_readable())


def _readable() -> Iterator[Sweep]:
    for entry in entries():
        if entry.is_there:
            try:
                yield Sweep(entry.place)
            except HsmError:
                continue  # hsm-status says what is wrong with it


def _reason(row: Row) -> Reason | None:
    from hsm_core.model import REASONS

    return next((reason for reason in REASONS if reason == row.reason), None)
