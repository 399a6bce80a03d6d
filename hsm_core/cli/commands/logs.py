"""hsm logs: what a task printed, or what happened in a sweep."""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from hsm_core.errors import HsmError
from hsm_core.model import ENDED
from hsm_core.overrides import joined, quoted
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.text import columns, printable_log
from hsm_core.views.event_log import EventLog, LoggedEvent, begin_within, tail
from hsm_core.views.failures.reasons import message_of
from hsm_core.views.lines_to_copy.resume_lines import resume_line
from hsm_core.views.status.phase import phase_of
from hsm_core.views.status.sweep_json import enveloped
from hsm_core.views.task_log import has_text, stream_of, where_to_read
from hsm_core.views.text import clean, shorten

from ..ask_schedulers import JobQuestions
from ..click_types import ask_schedulers, examples, open_sweep, open_whole, require_tasks, sweep_argument
from ..terminal import remark, say, say_json, write, write_raw

_EVERY_S = 0.5
#: Bytes of a log that are shown, and that JSON may hold.
_MOST, _MOST_JSON = 2**28, 2**22
#: A line of a sweep's events is not cut to less: a narrow terminal wraps it.
_WIDTH = 80
#: Lines that are printed at once.
_LINES = 1000


@click.command(
    "logs", epilog=examples("hsm logs latest 3 -f", "hsm logs latest 3 --stderr", "hsm logs latest")
)
@sweep_argument
@click.argument("task", type=click.IntRange(min=0), required=False)
@click.option("-f", "--follow", is_flag=True, help="Keep printing until the task, or the sweep, ends.")
@click.option("--stderr", is_flag=True, help="Show standard error, with tracebacks.")
@click.option("--raw", is_flag=True, help="Print colours and control characters as they are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; of a whole sweep, an object per line.")
def logs(sweep: str, task: int | None, follow: bool, stderr: bool, raw: bool, as_json: bool) -> int:
    """Show what a task printed, or what happened in a sweep."""
    state = open_sweep(sweep) if task is not None else open_whole(sweep)
    if task is None:
        event_log = EventLog(state.paths)
        if _is_elsewhere(state):
            ask_schedulers(state)
        if not as_json:
            remark(f"in {clean(str(state.paths.root))}:")
        _follow(state, lambda: _tell(event_log, as_json), lambda: _is_over(state), follow)
        return 0
    require_tasks(state, [task])
    if stream_of(state, task, stderr) is None or _is_elsewhere(state):
        ask_schedulers(state)  # its job may have ended before a worker began, or it has printed more elsewhere
    put = write_raw if raw else partial(write, clean=printable_log)
    return _print_json(state, task, stderr) if as_json else _print_task(state, task, stderr, follow, put)


def _print_json(state: SweepState, task: int, stderr: bool) -> int:
    path = stream_of(state, task, stderr)
    text = "".join(text for text, _ in _pieces(path, begin_within(path, _MOST_JSON))) if path is not None else None
    where = str(path) if path else None
    say_json(enveloped(sweep=state.record.id, task=task, state=state.state_of(task), path=where, text=text))
    return 0


def _print_task(state: SweepState, task: int, stderr: bool, follow: bool, put: Callable[[str], None]) -> int:
    path, offset = stream_of(state, task, stderr), 0
    if path is None and (not follow or state.state_of(task) in ENDED):
        raise _not_started(state, task)
    if path is not None and (has_text(path) or state.state_of(task) not in ENDED):
        remark(clean(str(path)))
        offset = _say_begin(path)
        if not has_text(path) and not follow:
            remark(f"task {task} has printed nothing yet\n  next: {joined(['hsm', *sys.argv[1:], '-f'])}")
    elif path is not None:
        remark("\n".join(_nothing_printed(state, task, stderr)))

    def more() -> None:
        nonlocal path, offset
        path = path or stream_of(state, task, stderr)
        if path is not None:
            for text, following in _pieces(path, offset):
                put(text)
                offset = following

    _follow(state, more, lambda: state.state_of(task) in ENDED or _is_over(state), follow)
    if path is None:
        raise _not_started(state, task)
    return 0


def _pieces(path: Path, offset: int) -> Iterator[tuple[str, int]]:
    """Yields the text of a log from an offset in bytes on, piece by piece, each with the offset of the next."""
    while True:
        text, offset = tail(path, offset)
        if not text:
            return
        yield text, offset


def _say_begin(path: Path) -> int:
    """Returns the offset in bytes from which a log is shown; remarks if that is not its beginning."""
    begin = begin_within(path, _MOST)
    if begin:
        remark(f"the first {begin / 2**30:.1f} GiB are left out\n  next: {joined(['less', str(path)])}")
    return begin


def _not_started(state: SweepState, task: int) -> HsmError:
    now = state.state_of(task)
    if now == "failed":
        return HsmError(f"task {task} failed before it started", fix=f"hsm errors {quoted(state.record.selector)}")
    if now in ENDED:
        return HsmError(f"task {task} was {now} before it started", fix=resume_line(state.record))
    if _is_over(state):
        return HsmError(f"task {task} has not started, and nothing will start it", fix=resume_line(state.record))
    return HsmError(f"task {task} has not started", fix=f"hsm logs {quoted(state.record.selector)} {task} -f")


def _nothing_printed(state: SweepState, task: int, stderr: bool) -> Iterator[str]:
    """Yields lines that say so, and where there is something to read."""
    now, sweep = state.state_of(task), state.record.selector
    other = where_to_read(state, task)
    told = f"task {task} printed nothing"
    if other is not None:
        yield f"{told} on {'stderr' if stderr else 'stdout'}"
        yield f"  next: {f'hsm logs {quoted(sweep)} {task} {other}'.rstrip()}"
        return
    ended = state.end_of(task)
    why = message_of(ended).removeprefix(f"{now} ") if ended and ended.message else ""
    yield f"{told}: it {'was ' if now in ('cancelled', 'lost') else ''}{now}{f', {clean(why)}' if why else ''}"
    if now == "cancelled":
        yield f"  next: {resume_line(state.record)}"
    else:
        yield f"  next: hsm {'results' if now == 'completed' else 'errors'} {quoted(sweep)}"


def _follow(state: SweepState, more: Callable[[], None], over: Callable[[], bool], follow: bool) -> None:
    """Prints what there is, then what comes, until ``over`` returns True; has it fetched if nobody else does."""
    ask, told = JobQuestions(follows=True), ""
    while follow and not over():
        more()
        sys.stdout.flush()
        time.sleep(_EVERY_S)
        if (trouble := ask(state)) and trouble != told:
            remark(trouble)
        told = trouble
        state.refresh()
    more()


def _tell(event_log: EventLog, as_json: bool) -> None:
    found, width = event_log.read_new(), max(columns(), _WIDTH)
    for first in range(0, len(found), _LINES):
        some = found[first : first + _LINES]
        if as_json:
            say("\n".join(map(_json, some)))
        else:
            say("\n".join(shorten(str(one), width) for one in some))


def _json(one: LoggedEvent) -> str:
    return json.dumps(enveloped(at=_iso(one.at), writer=one.writer, event=one.event, text=one.text))


def _iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(timespec="milliseconds")


def _is_elsewhere(state: SweepState) -> bool:
    """Returns whether tasks run on machines behind SSH."""
    return any(one.kind == "host" for one in state.sources.values()) and not _is_over(state)


def _is_over(state: SweepState) -> bool:
    return phase_of(state, state.counts()) != "running"
