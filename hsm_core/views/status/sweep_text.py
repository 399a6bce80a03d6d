"""Writes one sweep as text: its facts, its progress, what went wrong and what to type next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from hsm_core.model import counted
from hsm_core.overrides import quoted

from ..failures.text import failure_lines
from ..text import clean, duration, local_time, paint, shorten, state_words
from .host_view import HostView
from .left_view import left_line
from .progress import progress_line
from .source_view import source_lines
from .sweep_view import SweepView

_GROUPS, _WORKERS = 8, 8
#: Of a time that is none.
_LONGEST = 32


def sweep_text(view: SweepView, *, width: int = 80, colour: bool = False, watched: bool = False) -> str:
    """Returns the text of ``hsm-status SWEEP``; ``watched``: it comes again, so nobody is advised to watch."""
    lines = [*_head(view, width, colour), *_progress(view, width, colour), *_failures(view, width, colour)]
    lines += _remarks(view, width)
    if not (watched and view.phase == "running" and view.next.startswith("hsm-status -w ")):
        lines.append(f"next: {view.next}")
    return "\n".join(lines)


def _head(view: SweepView, width: int, colour: bool) -> Iterator[str]:
    record = view.state.record
    yield f"{paint(record.id, 'bold', colour)}  {view.phase}"
    if record.description or record.tags:
        about = " ".join([record.description, *(f"#{tag}" for tag in record.tags)]).strip()
        yield "  " + shorten(clean(about), width - 2)
    by = f" by {record.user}@{record.host}" if record.user else ""
    began = f"  started  {when(record.created)}"
    full = clean(f"{began}{by}, {record.launcher}")
    yield full if len(full) <= width else shorten(began, width)
    yield clean(f"  dir      {view.state.paths.root}")
    if view.original:
        where = ": what runs, runs there" if view.phase == "running" else ""
        yield clean(f"  copied   from {view.original}{where}")
    elif view.moved:
        yield clean(f"  moved    from {record.dir}")


def _progress(view: SweepView, width: int, colour: bool) -> Iterator[str]:
    total = view.state.total
    line = progress_line(view.counts, total, view.pace.rate, view.pace.eta, width=width - 2, colour=colour)
    yield f"  {line}"
    yield f"  {state_words(view.counts, colour)}"


def _failures(view: SweepView, width: int, colour: bool) -> Iterator[str]:
    for group in view.failures[:_GROUPS]:
        yield from failure_lines(view.state, group, width=width, colour=colour, brief=True)
    if len(view.failures) > _GROUPS:
        more = counted(len(view.failures) - _GROUPS, "more cause")
        yield f"… and {more}: hsm errors {quoted(view.state.record.selector)}"


def _remarks(view: SweepView, width: int) -> Iterator[str]:
    for line in source_lines(view.sources):
        yield shorten(clean(line), width)
    for host in view.hosts:
        told = f"{host.used}/{host.slots} slots in use, {host.done} done{_coming(host)}"
        told += f", last word {duration(host.seconds)} ago"
        yield shorten(clean(f"{host.name}: {told}{f', {host.health}' if host.health else ''}"), width)
    for silence in sorted(view.silent, key=lambda item: -item.seconds)[:_WORKERS]:
        said = f"last report {duration(silence.seconds)} ago, {silence.running} running"
        yield clean(f"{silence.host}: {said}  ({silence.worker})")
    for one in view.left:
        yield shorten(clean(left_line(one, view.state.record)), width)
    for why, count in view.waits.most_common(_WORKERS):
        yield shorten(clean(f"waits    {counted(count, 'job')}: {why}"), width)
    for trouble in view.troubles[:_WORKERS]:
        told = shorten(clean(f"trouble  {trouble}"), 2 * width - 9)
        yield from textwrap.wrap(told, width, subsequent_indent=" " * 9)
    if len(view.troubles) > _WORKERS:
        yield f"… and {len(view.troubles) - _WORKERS} more: hsm logs {quoted(view.state.record.selector)}"
    if bad := view.state.bad_lines:
        yield f"{counted(bad, 'line')} could not be read in {clean(str(view.state.paths.events))}"
    for why in view.state.unreadable[:_WORKERS]:
        yield clean(f"not read: {why}")
    if len(view.state.unreadable) > _WORKERS:
        yield f"… and {counted(len(view.state.unreadable) - _WORKERS, 'more file')}"


def _coming(host: HostView) -> str:
    return f", {host.coming} being copied" if host.coming else ""


def when(created: str) -> str:
    """Returns a time and its age: ``2026-11-22 01:30 (12 min ago)``."""
    found = local_time(created)
    if found is None:
        return created[:_LONGEST]
    began, seconds = found
    return f"{began:%Y-%m-%d %H:%M} ({duration(seconds)} ago)"
