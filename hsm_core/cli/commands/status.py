"""The options of hsm-status, ``hsm status``, ``hsm monitor`` and ``hsm list``."""

from __future__ import annotations

from typing import Any

import click

from ..click_types import SWEEP, examples
from ..show_status import Options, show
from ..watch_option import EVERY_S, LEAST_S, spell_out_watch


class WatchCommand(click.Command):
    """A command whose ``-w`` may stand before a sweep's name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spell_out_watch(args))


_EXAMPLES = """\b
Examples:
  hsm-status
  hsm-status latest
  hsm-status -w lr_ablation
  hsm-status latest --json --exit-status

\b
Exit codes: 0 answered, 1 error, 2 no such sweep or wrong option; with
--exit-status: 0 all completed, 3 ended with failures, 4 still running.
"""


@click.command("status", cls=WatchCommand, epilog=_EXAMPLES)
@click.argument("sweep", required=False, type=SWEEP, metavar="[SWEEP]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "-w", "--watch", type=click.FloatRange(min=LEAST_S), metavar="[SECS]",
    help="Repeat every SECS seconds (2) until it ends.",
)
@click.option("--exit-status", is_flag=True, help="Say by the exit code how the sweep stands.")
@click.option("--all", "show_all", is_flag=True, help="Include old sweeps.")
@click.version_option(package_name="hpc-sweep-manager", prog_name="hsm-status")
def status(sweep: str | None, as_json: bool, watch: float | None, exit_status: bool, show_all: bool) -> int:
    """Show all your sweeps, or one in detail.

    SWEEP is latest, an id or the start of one, a name, a directory, or a job id of Slurm or PBS.
    """
    return show(Options(sweep, as_json, watch, exit_status, show_all))


@click.command("monitor", cls=WatchCommand, epilog=examples("hsm monitor latest"))
@click.argument("sweep", required=False, type=SWEEP, metavar="[SWEEP]")
@click.option(
    "-w", "--watch", type=click.FloatRange(min=LEAST_S), default=EVERY_S, metavar="SECS", show_default=True,
    help="Seconds between two updates.",
)
@click.option("--exit-status", is_flag=True, help="Say by the exit code how the sweep ended.")
def monitor(sweep: str | None, watch: float, exit_status: bool) -> int:
    """Watch a sweep, or all that run, until it ends."""
    return show(Options(sweep, watch=watch, exit_status=exit_status, running=True))


@click.command("list", epilog=examples("hsm list --all --json"))
@click.option("--all", "show_all", is_flag=True, help="Include old sweeps.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def listing(**chosen: Any) -> int:
    """List your sweeps, newest first."""
    return show(Options(as_json=chosen["as_json"], all=chosen["show_all"], listing=True))
