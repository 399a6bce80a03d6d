"""Reads the results of a sweep, a row a task: its parameters and the metrics that it returned or wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from hsm_core.model import State
from hsm_core.store.layout import TaskPaths
from hsm_core.store.outcomes import Owner, read_outcome
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable
from hsm_core.text import own_logger

from .collectors import collectors
from .metrics import Mode, merit, named
from .parameters import parameters

log = own_logger(__name__)
#: Of a task; each may become a column of a table.
_MOST_METRICS = 20_000


@dataclass(frozen=True)
class Row:
    """The results of one task.

    Args:
        parameters: what its overrides set.
        metrics: numbers mostly, dotted where they were nested.
        sources: where each metric was found.
        directory: None before the task began.
        reason: why it is not completed, if somebody who knows has said it; one of ``model.REASONS``.
        source: where it ran, as the sweep calls it; empty before it began.
    """

    sweep: str
    task: int
    attempt: int
    state: State
    parameters: dict[str, object] = field(default_factory=dict)
    metrics: dict[str, object] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None
    reason: str | None = None
    source: str = ""


def rows(
    state: SweepState, *, best: tuple[str, Mode] | None = None, among: Iterable[int] | None = None
) -> Iterator[Row]:
    """Yields the rows of a sweep whose state was read, each read when it is asked for.

    Args:
        among: only these tasks.
    """
    names, table = [name for name, _ in state.record.metric], TaskTable(state.paths)
    users = _users(state)
    if sharing := sum(count for count in users.values() if count > 1):
        log.warning("%d tasks share a directory: metrics in its files are left out", sharing)
    for task in table if among is None else map(table.__getitem__, among):
        known, files = state.tasks.get(task.number), state.task_directory(task.number)
        attempt, now = known.attempt if known else 1, state.state_of(task.number)
        owner = Owner(state.record.id, task.number, attempt)
        begun = known.begun if known else None
        is_shared = begun is not None and users[begun.directory] > 1
        found: dict[str, tuple[object, str]] = (
            _metrics(files, owner, names, best, is_shared=is_shared) if files else {}
        )
        yield Row(
            state.record.id, task.number, attempt, now, parameters(task.overrides),
            {name: value for name, (value, _) in found.items()},
            {name: source for name, (_, source) in found.items()},
            files.root if files else None, source=_source_of(state, task.number),
        )  # fmt: skip


def _source_of(state: SweepState, number: int) -> str:
    known = state.tasks.get(number)
    writer = state.writers.get(known.worker) if known else None
    return writer.as_worker.source if writer is not None and writer.as_worker is not None else ""


def own_directories(state: SweepState, among: Iterable[int] | None = None) -> Iterator[tuple[int, Path]]:
    """Yields the tasks that have begun, ascending, with directories whose files are theirs alone.

    Args:
        among: only these tasks.
    """
    users = _users(state)
    for number in sorted(state.tasks if among is None else set(among).intersection(state.tasks)):
        begun, files = state.tasks[number].begun, state.task_directory(number)
        if begun is not None and files is not None and not files.aside and users[begun.directory] == 1:
            yield number, files.root


def _users(state: SweepState) -> Counter[str]:
    """Counts the tasks that use each directory."""
    return Counter(begun.directory for task in state.tasks.values() if (begun := task.begun))


def _metrics(
    files: TaskPaths, owner: Owner, names: Sequence[str], best: tuple[str, Mode] | None, *, is_shared: bool
) -> dict[str, tuple[object, str]]:
    """Returns value and source of each metric; the first source that has one wins.

    The app's files of a task whose directory a later sweep uses are no longer its own.
    """
    found = {name: (value, "return value") for name, value in _returned(files, owner, names).items()}
    for source, collector in () if files.aside or is_shared else collectors():
        for name, value in _chosen(collector(files.root), best).items():
            found.setdefault(name, (value, source))
    if len(found) > _MOST_METRICS:
        log.warning("task %d has more than %d metrics: the others are left out", owner.task, _MOST_METRICS)
    return dict(islice(found.items(), _MOST_METRICS))


def _returned(files: TaskPaths, owner: Owner, names: Sequence[str]) -> dict[str, object]:
    outcome = read_outcome(files, owner)
    if outcome is None or outcome["state"] != "completed":
        return {}
    return named(outcome.get("value"), names)


def _chosen(lines: Iterable[Mapping[str, object]], best: tuple[str, Mode] | None) -> Mapping[str, object]:
    """Returns the line where a metric is best, or each metric's last value; a long file is never held as a whole."""
    last: dict[str, object] = {}
    chosen: Mapping[str, object] | None = None
    for line in lines:
        if best and best[0] in line:
            better = chosen is None or merit(line[best[0]], best[1]) < merit(chosen[best[0]], best[1])
            chosen = line if better else chosen
        last.update(line)
        if len(last) > _MOST_METRICS:
            break
    return last if chosen is None else chosen
