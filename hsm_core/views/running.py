"""What runs: the user's sweeps that somebody alive works for, with their progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hsm_core.model import counted

from .progress import progress_line
from .sweep_view import SweepView
from .text import clean, paint, shorten


def running_text(views: Sequence[SweepView], *, width: int = 80, colour: bool = False) -> str:
    """What ``hsm monitor`` prints of several sweeps.

    Args:
        views: newest first; those that have ended since it began are among them.
    """
    lines = [line for view in views for line in _lines(view, width, colour)]
    running = next((view for view in views if view.phase == "running"), None)
    following = f"hsm monitor {running.state.record.id}" if running else "hsm-status"
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
