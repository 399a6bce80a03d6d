"""Sums up the sources of a sweep that has several: what each runs, has done and how fast, and how well it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import order_of

from .rate import rate_of


@dataclass(frozen=True)
class SourceView:
    """A source as it is shown.

    Args:
        capacity: tasks that its living workers run at once.
        waiting: tasks that it was given and that have not begun.
        rate: tasks a second lately; None before one has ended, and where nothing runs.
        health: ``well``, ``degraded``, ``disabled`` or ``drained``; ``why`` says why.
    """

    name: str
    kind: str
    capacity: int
    running: int
    waiting: int
    done: int
    rate: float | None
    health: str
    why: str


def read_sources(state: SweepState) -> list[SourceView]:
    """Returns the sources of a sweep that has several, in the order in which it names them.

    Of one, and of hosts alone, none: their lines say more.
    """
    used = {one.source for one in state.submissions}.intersection(state.sources)
    if len(state.sources) < 2 or all(state.sources[name].kind == "host" for name in used):
        return []
    found = {name: Counter[str]() for name in state.sources}
    given = _given(state)
    source_of = {writer.name: writer.as_worker.source for writer in state.workers() if writer.as_worker}
    for number, task in state.tasks.items():
        told = state.state_of(number)
        source = given.get(number, "") if told == "queued" else source_of.get(task.worker, "")
        if source in found:
            found[source][told] += 1
    return [_view(state, name, found[name]) for name in state.sources]


def _given(state: SweepState) -> dict[int, str]:
    """The sources that tasks were given to last."""
    lines = sorted((one for one in state.submissions if not one.is_void), key=lambda one: order_of(one.name))
    return {number: line.source for line in lines for span in line.tasks for number, _ in span}


def _view(state: SweepState, name: str, counts: Counter[str]) -> SourceView:
    alive = [
        writer for writer in state.workers()
        if writer.as_worker and writer.as_worker.source == name
        and not writer.sealed and not state.death_of(writer.name)
    ]  # fmt: skip
    capacity = sum(writer.as_worker.slots for writer in alive if writer.as_worker)
    ended = [writer for writer in alive if writer.ends]
    rate = sum(map(rate_of, ended)) if ended else None
    told = state.standings.get(name)
    health, why = (told.standing, told.why) if told else ("well", "")
    return SourceView(
        name, state.sources[name].kind, capacity, counts["running"], counts["queued"], counts["completed"], rate,
        health, why,
    )  # fmt: skip


def source_lines(views: Sequence[SourceView]) -> list[str]:
    """Returns a table, a line a source."""
    if not views:
        return []
    rows = [("source", "running", "waiting", "done", "rate", "health")]
    for one in views:
        running = f"{one.running}/{one.capacity}" if one.capacity else str(one.running)
        rate = "" if one.rate is None else f"{one.rate:.2g}/s"
        rows.append((one.name, running, str(one.waiting), str(one.done), rate, one.health))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    whys = ["", *(f": {one.why}" if one.why else "" for one in views)]
    return [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1] + why])
        for row, why in zip(rows, whys, strict=True)
    ]

