"""hsm forget: takes a sweep off the list."""

from __future__ import annotations

import click

from hsm_core.errors import SweepNotFound
from hsm_core.store import catalogue

from ..clicked import examples, sweep_argument
from ..terminal import remark


@click.command("forget", epilog=examples("hsm forget lr_ablation-1122-0130-abcd"))
@sweep_argument
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--yes", is_flag=True, help="Accepted; nothing is asked.")
def forget(sweep: str, dry_run: bool, yes: bool) -> int:
    """Take a sweep off your list; its files stay."""
    entry = _entry(sweep)
    if not dry_run:
        catalogue.forget(entry.id)
    remark(f"{entry.id} {'would be' if dry_run else 'is'} off your list; its files stay in {entry.dir}")
    return 0


def _entry(sweep: str) -> catalogue.Entry:
    """The list's entry, also of a sweep whose directory is gone."""
    exact = [entry for entry in catalogue.entries() if entry.id == sweep]
    root = None if exact else catalogue.find(sweep)
    for entry in exact or [entry for entry in catalogue.entries() if entry.place == root]:
        return entry
    raise SweepNotFound(f"{root} is not on your list", fix="hsm list --all")
