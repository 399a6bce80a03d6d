"""Shows one sweep or the list of sweeps, once or repeatedly, for hsm-status, hsm monitor and hsm list."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hsm_core.overrides import quoted
from hsm_core.safe_open import user_name
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps import catalogue
from hsm_core.store.sweeps.selector import FIRST_STEP
from hsm_core.store.sweeps.sweep_root import place_around, sweep_root
from hsm_core.text import columns
from hsm_core.views.status.phase import Phase
from hsm_core.views.status.sweep_view import SweepView, read_view

from .ask_schedulers import JobQuestions
from .find_sweep import find_sweep, sweep_in
from .repaint import Repaint
from .terminal import colour_on, remark, say_json

#: Sweeps that the list shows unless all are asked for.
_NEWEST = 20
#: What ``--exit-status`` answers.
EXIT: dict[Phase, int] = {"completed": 0, "finished": 3, "cancelled": 3, "stopped": 3, "running": 4}


@dataclass(frozen=True)
class Options:
    """The options of these commands.

    Args:
        watch: seconds between two displays, None for a single one.
        listing: all sweeps, also inside the directory of one.
        running: of all sweeps, those that run.
    """

    selector: str | None = None
    as_json: bool = False
    watch: float | None = None
    exit_status: bool = False
    all: bool = False
    listing: bool = False
    running: bool = False


#: Prints once.
Print = Callable[[str], None]
#: Looks once and prints that.
Display = Callable[[Print], Phase]


def show(options: Options) -> int:
    """Prints what was asked for; returns the exit code.

    Raises:
        HsmError: no sweep fits, or it can't be read.
    """
    once = _display_of(options)
    with Repaint(again=options.watch is not None and not options.as_json) as place:
        phase = once(place.show)
        while options.watch is not None and phase == "running":
            time.sleep(options.watch)
            phase = once(place.show)
    return EXIT[phase] if options.exit_status else 0


def _display_of(options: Options) -> Display:
    questions = JobQuestions()
    if options.running and not options.selector:
        return Running(questions)
    state = _wanted(options)
    if state is None:
        return lambda put: _show_list(options, questions, put)
    return lambda put: _show_one(read_view(state, questions), options, put)


def _wanted(options: Options) -> SweepState | None:
    if options.selector:
        return find_sweep(options.selector)
    around = None if options.all or options.listing else sweep_root(Path.cwd())
    return sweep_in(around) if around else None


def _show_one(view: SweepView, options: Options, put: Print) -> Phase:
    if options.as_json:
        from hsm_core.views.status.sweep_json import sweep_json

        say_json(sweep_json(view))
        sys.stdout.flush()
    else:
        put(_text(view, watched=options.watch is not None))
    return view.phase


def _text(view: SweepView, *, watched: bool) -> str:
    from hsm_core.views.status.sweep_text import sweep_text

    return sweep_text(view, width=columns(), colour=colour_on(sys.stdout), watched=watched)


class Running:
    """Shows what runs: one sweep in full, several with their progress; what has ended meanwhile stays."""

    def __init__(self, questions: JobQuestions) -> None:
        self._questions = questions
        self._states: list[SweepState] | None = None

    def __call__(self, put: Print) -> Phase:
        """Prints once; returns ``running`` as long as anything is."""
        first = self._states is None
        views = self._first_views() if first else [read_view(state, self._questions) for state in self._states or ()]
        if not views:
            newest = next((entry.id for entry in catalogue.entries() if entry.is_there), "")
            remark(f"nothing is running\n  next: {f'hsm-status {quoted(newest)}' if newest else FIRST_STEP}")
            return "completed"
        if len(views) == 1:
            put(_text(views[0], watched=True))
        else:
            from hsm_core.views.status.sweep_list import running_text

            put(running_text(views, width=columns(), colour=colour_on(sys.stdout)))
        return _liveliest({view.phase for view in views})

    def _first_views(self) -> list[SweepView]:
        from hsm_core.views.status.sweep_list import read_listed

        found = [item.view for entry in catalogue.entries() if (item := read_listed(entry, self._questions)).view]
        views = [view for view in found if view is not None and view.phase == "running"]
        self._states = [view.state for view in views]
        return views


def _show_list(options: Options, questions: JobQuestions, put: Print) -> Phase:
    """Prints the list; returns the liveliest phase of its sweeps."""
    from hsm_core.views.status.sweep_list import list_json, list_text, read_listed

    known, around = catalogue.entries(), "" if options.all or options.listing else _around()
    found = [read_listed(entry, questions) for entry in (known if options.all else known[:_NEWEST])]
    if options.as_json:
        say_json(list_json(found))
        sys.stdout.flush()
    elif found:
        hidden = len(known) - len(found)
        put(list_text(found, hidden, width=columns(), colour=colour_on(sys.stdout)))
    elif not around:
        remark(f"you have no sweeps yet\n  next: {FIRST_STEP}")
    if around and not options.as_json:
        remark(around)
    return _liveliest({item.view.phase for item in found if item.view})


def _around() -> str:
    """Says whose sweep this directory lies in, as it is shown only if it is named."""
    place = place_around(Path.cwd())
    if place is None:
        return ""
    owner = user_name(os.stat(SweepPaths(place).record).st_uid)
    return f"this directory lies in a sweep of {owner}\n  next: hsm-status {quoted(str(place))}"


def _liveliest(phases: set[Phase]) -> Phase:
    order: tuple[Phase, ...] = ("running", "stopped", "cancelled", "finished")
    return next((phase for phase in order if phase in phases), "completed")
