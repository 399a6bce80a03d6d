"""Lists the user's sweeps, a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hsm_core.errors import HsmError
from hsm_core.model import State, counted
from hsm_core.overrides import quoted
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps.catalogue import Entry

from ..text import GLYPH, clean, duration, local_time, paint, shorten
from .progress import counts_done, progress_line
from .sweep_json import brief_json, enveloped
from .sweep_view import SweepView, read_view

_NOT_WELL: tuple[State, ...] = ("failed", "lost", "cancelled")
GONE = "moved, deleted, or disk not mounted"
REPLACED = "deleted; its directory holds"


@dataclass(frozen=True)
class Listed:
    """A sweep on the list; ``view`` is None where its directory can't be read, as ``trouble`` says."""

    entry: Entry
    view: SweepView | None
    trouble: str = ""


def read_listed(entry: Entry, ask: Callable[[SweepState], str] | None = None) -> Listed:
    """Reads one sweep of the list; ``ask`` as for ``sweep_view.read_view``."""
    if not entry.dir.is_dir():
        return Listed(entry, None, GONE)
    if other := entry.replaced_by:
        return Listed(entry, None, f"{REPLACED} {other}")
    try:
        return Listed(entry, read_view(SweepState(entry.place), ask))
    except HsmError as error:
        return Listed(entry, None, error.problem)
    except OSError as error:
        return Listed(entry, None, f"unreadable: {error.strerror}")


def list_text(found: Sequence[Listed], hidden: int = 0, *, width: int = 80, colour: bool = False) -> str:
    """Returns the text of ``hsm-status``.

    Args:
        hidden: older sweeps that are not shown.
    """
    room = min(max((len(item.entry.id) for item in found), default=0), max(24, width - 44))
    lines = [paint(f"{'sweep':{room}}  {'started':>12}  {'done':>11}  state", "dim", colour)]
    lines += [_line(item, room, width, colour) for item in found]
    if hidden:
        lines.append(f"… and {hidden} older: hsm-status --all")
    readable = next((item.entry.id for item in found if item.view), "")
    lines += [f"next: hsm-status {quoted(readable)}"] if readable else []
    return "\n".join([*lines, *_forget_line(found)])


def _forget_line(found: Sequence[Listed]) -> Iterator[str]:
    """Yields the line that takes what is gone off the list."""
    gone = [item for item in found if item.trouble == GONE or item.trouble.startswith(REPLACED)]
    is_sure = all(item.trouble != GONE for item in gone)
    if len(gone) == 1:
        yield f"next: hsm forget {quoted(gone[0].entry.id)}{'' if is_sure else '    # if it was deleted'}"
    elif gone:
        told = "" if is_sure else ", if they were deleted"
        yield f"next: hsm forget --gone    # takes {len(gone)} off your list{told}"


def list_json(found: Sequence[Listed]) -> dict[str, object]:
    """Returns the JSON of ``hsm-status --json``."""
    return enveloped(sweeps=[brief_json(item.view) if item.view else _unreadable_json(item) for item in found])


def _line(item: Listed, room: int, width: int, colour: bool) -> str:
    head = f"{shorten(clean(item.entry.id), room):{room}}  {_age(item.entry.created):>12}  "
    if item.view is None:
        return head + clean(shorten(item.trouble, max(20, width - len(head))))
    done = f"{counts_done(item.view.counts)}/{item.view.state.total}"
    return f"{head}{done:>11}  {item.view.phase}" + "".join(_bad(item.view, colour))


def _bad(view: SweepView, colour: bool) -> Iterator[str]:
    if view.refused:
        yield "  " + paint("✗ refused", "failed", colour)
    for state in _NOT_WELL:
        if view.counts[state]:
            yield "  " + paint(f"{GLYPH[state]} {view.counts[state]}", state, colour)


def _age(created: str) -> str:
    found = local_time(created)
    if found is None:
        return clean(created[:12])
    began, seconds = found
    return f"{duration(seconds)} ago" if seconds < 86400 else f"{began:%Y-%m-%d}"


def _unreadable_json(item: Listed) -> dict[str, object]:
    entry = item.entry
    return {
        "id": entry.id, "name": entry.name, "dir": str(entry.dir),
        "created": entry.created, "phase": "unreadable", "trouble": item.trouble,
    }  # fmt: skip


def running_text(views: Sequence[SweepView], *, width: int = 80, colour: bool = False) -> str:
    """Returns the text of ``hsm monitor`` for several sweeps.

    Args:
        views: newest first; those that have ended since it began are among them.
    """
    lines = [line for view in views for line in _lines(view, width, colour)]
    running = next((view for view in views if view.phase == "running"), None)
    following = f"hsm monitor {quoted(running.state.record.selector)}" if running else "hsm-status"
    return "\n".join([*lines, f"next: {following}"])


def _lines(view: SweepView, width: int, colour: bool) -> Iterator[str]:
    record = view.state.record
    yield f"{paint(clean(record.id), 'bold', colour)}  {view.phase}, {clean(record.launcher)}"
    total, pace = view.state.total, view.pace
    yield "  " + progress_line(view.counts, total, pace.rate, pace.eta, width=width - 2, colour=colour)
    for why, count in view.waits.most_common(1):
        yield shorten(clean(f"  waits    {counted(count, 'job')}: {why}"), width)
    for trouble in view.troubles[:1]:
        yield shorten(clean(f"  trouble  {trouble}"), width)
