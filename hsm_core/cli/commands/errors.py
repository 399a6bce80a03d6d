"""hsm errors: why tasks failed, grouped by cause."""

from __future__ import annotations

import sys

import click

from hsm_core.text import columns
from hsm_core.views.failures.by_cause import group_failures
from hsm_core.views.failures.not_begun import group_unbegun
from hsm_core.views.failures.refusals import refusal_group
from hsm_core.views.failures.text import failure_lines
from hsm_core.views.status.sweep_json import enveloped, failure_json

from ..click_types import examples, json_option, open_asked, sweep_argument
from ..terminal import colour_on, remark, say, say_json


@click.command("errors", epilog=examples("hsm errors latest"))
@sweep_argument
@json_option
def errors(sweep: str, as_json: bool) -> int:
    """Show why tasks failed or could not start, by cause.

    Each cause has its count, an example, its log and what to do next.
    """
    state = open_asked(sweep)
    refused = refusal_group(state)
    groups = [*([refused] if refused else []), *group_failures(state), *group_unbegun(state)]
    if as_json:
        say_json(enveloped(sweep=state.record.id, failures=[failure_json(group) for group in groups]))
    for group in groups if not as_json else []:
        for line in failure_lines(state, group, width=columns(), colour=colour_on(sys.stdout), brief=True):
            say(line)
    if not groups:
        remark(f"nothing failed in {state.record.id}")
    return 0
