"""hsm forget: takes a sweep off the list."""

from __future__ import annotations

import click

from hsm_core.errors import HsmError, SweepNotFound
from hsm_core.overrides import quoted
from hsm_core.store.lease import living_conductor
from hsm_core.store.sweeps import catalogue
from hsm_core.store.sweeps.selector import find_place
from hsm_core.views.text import clean

from ..click_types import SWEEP, ask_schedulers, examples, open_sweep
from ..terminal import remark


@click.command("forget", epilog=examples("hsm forget lr_ablation-1122-0130-abcd", "hsm forget --gone"))
@click.argument("sweep", required=False, type=SWEEP)
@click.option("--gone", is_flag=True, help="All sweeps whose directories are gone.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--force", is_flag=True, help="Forget it even if it runs or can't be read.")
@click.option("--yes", is_flag=True, help="Not needed: nothing is asked.")
def forget(sweep: str | None, gone: bool, dry_run: bool, force: bool, yes: bool) -> int:
    """Take a sweep off your list; its files stay."""
    context = click.get_current_context()
    if gone and sweep:
        raise click.UsageError("name a sweep, or --gone", context)
    if gone:
        found = [entry for entry in catalogue.entries() if not entry.is_there]
    elif sweep:
        found = [_entry(sweep)]
    else:
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    for entry in found:
        _forget(entry, dry_run=dry_run, force=force)
    if not found:
        remark("no sweep on your list is gone")
    return 0


def _forget(entry: catalogue.Entry, *, dry_run: bool, force: bool) -> None:
    is_there = entry.is_there
    if is_there and not force:
        _require_ended(entry)
    if not dry_run:
        catalogue.forget(entry.id)
    files = "its files stay in" if is_there else "it is no longer in"
    remark(f"{entry.id} {'would be' if dry_run else 'is'} off your list; {files} {clean(str(entry.dir))}")


def _require_ended(entry: catalogue.Entry) -> None:
    state = open_sweep(str(entry.place))
    if state.numbers_in("queued", "running"):
        ask_schedulers(state)
    alive = state.numbers_in("queued", "running")
    if alive or living_conductor(state.paths) is not None:
        raise HsmError(
            f"{entry.id} is still running", evidence=f"{len(alive)} of its tasks run or wait in a queue",
            fix=f"hsm cancel {quoted(entry.id)}    # or hsm forget {quoted(entry.id)} --force, and it runs on",
        )  # fmt: skip


def _entry(sweep: str) -> catalogue.Entry:
    """Returns the list's entry, also of a sweep whose directory is gone."""
    exact = [entry for entry in catalogue.entries() if entry.id == sweep]
    root = None if exact else find_place(sweep, gone_too=True)
    for entry in exact or [entry for entry in catalogue.entries() if entry.place == root]:
        return entry
    raise SweepNotFound(f"{root} is not on your list", fix="hsm list --all")
