"""Gathers when and where tasks ran, and what they used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hsm_core.model import State
from hsm_core.store.state.sweep_state import SweepState


@dataclass(frozen=True)
class TaskFacts:
    """The facts of a task's newest attempt.

    Args:
        begin, end: seconds since 1970, by its worker's clock; None: not yet, or nobody wrote it.
        wall, cpu: seconds that it took.
        mem: peak memory in MiB.
        asked: what its job had asked its scheduler for.
    """

    sweep: str
    task: int
    state: State
    source: str = ""
    node: str = ""
    begin: float | None = None
    end: float | None = None
    wall: float | None = None
    cpu: float | None = None
    mem: float | None = None
    asked: Mapping[str, object] | None = None


def task_facts(state: SweepState) -> Iterator[TaskFacts]:
    """Yields the facts of the tasks that anybody spoke of, ascending."""
    for number in sorted(state.tasks):
        task, now = state.tasks[number], state.state_of(number)
        begun, end = task.begun, task.end
        writer = state.writers.get(task.worker)
        head = writer.as_worker if writer else None
        begin = (begun.at or None) if begun else None
        yield TaskFacts(
            state.record.id, number, now, head.source if head else "", state.node_of(number) if begun else "", begin,
            (end.at or None) if end else None, end.wall if end else None, end.cpu if end else None,
            end.mem if end else None, state.resources_of(number) if begun else None,
        )  # fmt: skip
