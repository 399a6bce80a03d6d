"""hsm sources: shows where the tasks of a sweep run, and has a source get no more."""

from __future__ import annotations

import click

from hsm_core.errors import ConfigError, HsmError
from hsm_core.overrides import quoted
from hsm_core.store.lease import living_conductor
from hsm_core.store.requests import request_drain
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.status.source_view import read_sources, source_lines
from hsm_core.views.text import clean

from ..click_types import examples, open_sweep, sweep_argument
from ..own_sweeps_only import act_on
from ..terminal import remark, say


@click.command("sources", epilog=examples("hsm sources latest", "hsm sources latest --drain box2"))
@sweep_argument
@click.option("--drain", multiple=True, metavar="NAME", help="Give this source nothing more; what runs there ends.")
def sources(sweep: str, drain: tuple[str, ...]) -> int:
    """Show the sources of a sweep, or take one off while it runs."""
    if drain:
        told = f"give nothing more to {' and '.join(drain)}"
        return act_on(sweep, lambda state: _drain(state, drain), lambda _: told)
    state = open_sweep(sweep)
    state.refresh()
    for line in source_lines(read_sources(state)) or [f"  {name}" for name in state.sources]:
        say(clean(line.removeprefix("  ")))
    return 0


def _drain(state: SweepState, names: tuple[str, ...]) -> int:
    known = list(state.sources)
    for name in names:
        if name not in known:
            told = f"{state.record.id} has no source '{name}'"
            raise ConfigError(told, evidence=f"there are: {', '.join(known)}", fix=f"--drain {quoted(known[0])}")
    if living_conductor(state.paths) is None:
        raise HsmError(
            f"no process hands out the tasks of {state.record.id} now, so that there is nothing to drain",
            fix=f"hsm resume {quoted(state.record.selector)} --sources LIST    # where the rest is to run",
        )
    request_drain(state.paths, names)
    remark(f"{', '.join(names)}: no more tasks; what waits in a queue goes to the others, what runs ends there")
    return 0
