"""Shows a sweep or the list of them, once or again and again: what hsm-status and its kin do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hsm_core.store import catalogue
from hsm_core.store.record import sweep_root
from hsm_core.store.state import SweepState
from hsm_core.views.phase import Phase
from hsm_core.views.sweep_view import SweepView, look

from .jobs import JobQuestions
from .terminal import colour_on, columns, remark, say, say_json
from .which import directory_of

#: Sweeps that the list shows unless all are asked for.
_NEWEST = 20
#: What ``--exit-status`` answers.
EXIT: dict[Phase, int] = {"completed": 0, "finished": 3, "cancelled": 3, "stopped": 3, "running": 4}
_FIRST_STEP = "python train.py -m hydra/launcher=hsm_local lr=0.1,0.01"


@dataclass(frozen=True)
class Options:
    """What was asked for; ``watch`` is seconds between two looks, None for one look."""

    selector: str | None = None
    as_json: bool = False
    watch: float | None = None
    exit_status: bool = False
    all: bool = False
    listing: bool = False


def show(options: Options) -> int:
    """Print what was asked for; returns the exit code.

    Raises:
        HsmError: no sweep fits, or it can't be read.
    """
    root = _wanted(options)
    once = _many(options) if root is None else _one(SweepState(root), options)
    phase = once()
    while options.watch is not None and phase == "running":
        time.sleep(options.watch)
        start_anew()
        phase = once()
    return EXIT[phase] if options.exit_status else 0


def _wanted(options: Options) -> Path | None:
    if options.selector:
        return directory_of(options.selector)
    return None if options.all or options.listing else sweep_root(Path.cwd())


def _one(state: SweepState, options: Options) -> Callable[[], Phase]:
    questions = JobQuestions()

    def once() -> Phase:
        view = look(state, questions)
        _print(view, options)
        return view.phase

    return once


def _many(options: Options) -> Callable[[], Phase]:
    questions = JobQuestions()
    return lambda: _show_list(options, questions)


def _print(view: SweepView, options: Options) -> None:
    if options.as_json:
        from hsm_core.views.sweep_json import sweep_json

        say_json(sweep_json(view))
    else:
        from hsm_core.views.sweep_text import sweep_text

        say(sweep_text(view, width=columns(), colour=colour_on(sys.stdout)))
    sys.stdout.flush()


def _show_list(options: Options, questions: JobQuestions) -> Phase:
    """Print the list; its phase is the liveliest of its sweeps'."""
    from hsm_core.views.sweep_list import list_json, list_text, look_at

    known = catalogue.entries()
    found = [look_at(entry, questions) for entry in (known if options.all else known[:_NEWEST])]
    if options.as_json:
        say_json(list_json(found))
    elif found:
        hidden = len(known) - len(found)
        say(list_text(found, hidden, width=columns(), colour=colour_on(sys.stdout)))
    else:
        remark(f"you have no sweep yet\n  next: {_FIRST_STEP}")
    sys.stdout.flush()
    phases = {item.view.phase for item in found if item.view}
    order: tuple[Phase, ...] = ("running", "stopped", "cancelled", "finished")
    return next((phase for phase in order if phase in phases), "completed")


def start_anew() -> None:
    """Begin again at the top of a terminal; elsewhere only a blank line parts two looks."""
    sys.stdout.write("\x1b[H\x1b[J" if sys.stdout.isatty() else "\n")
