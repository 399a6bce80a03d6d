"""hsm wait: returns when a sweep has ended, for scripts."""

from __future__ import annotations

import time

import click

from hsm_core.model import STATES
from hsm_core.views.status.phase import phase_of
from hsm_core.views.status.sweep_json import enveloped
from hsm_core.views.text import state_words

from ..ask_schedulers import JobQuestions
from ..click_types import examples, json_option, sweep_argument
from ..find_sweep import find_sweep
from ..show_status import EXIT
from ..terminal import remark, say_json

_EVERY_S = 1.0


@click.command("wait", epilog=examples("hsm wait latest --timeout 3600 && hsm results latest"))
@sweep_argument
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECS", help="Give up after so long, with exit code 4."
)
@json_option
def wait(sweep: str, timeout: float | None, as_json: bool) -> int:
    """Wait until a sweep ends.

    Exit codes: 0 all completed, 3 ended with failures, 4 still running.
    """
    state = find_sweep(sweep)
    give_up = None if timeout is None else time.monotonic() + timeout
    ask = JobQuestions()
    while True:
        state.refresh()
        ask(state)
        state.refresh()
        counts = state.counts()
        phase = phase_of(state, counts)
        if phase != "running" or (give_up is not None and time.monotonic() >= give_up):
            remark(f"{state.record.id} {phase}: {state_words(counts)}")
            if as_json:
                numbers = {name: counts[name] for name in STATES}
                say_json(enveloped(id=state.record.id, phase=phase, total=state.total, counts=numbers))
            return EXIT[phase]
        time.sleep(min(_EVERY_S, max(0.0, give_up - time.monotonic())) if give_up else _EVERY_S)
