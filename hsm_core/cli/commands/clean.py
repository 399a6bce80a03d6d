"""hsm clean: removes from machines behind SSH what sweeps have left there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from hsm_core.errors import ConfigError, HsmError
from hsm_core.hosts.ssh.address import HostAddress, Transport
from hsm_core.model import counted
from hsm_core.overrides import joined, quoted
from hsm_core.store.left_there import tasks_with_left
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps import catalogue
from hsm_core.views.status.left_view import size_text
from hsm_core.views.status.phase import phase_of
from hsm_core.views.status.sweep_json import enveloped
from hsm_core.views.text import clean as one_line
from hsm_core.views.text import duration

from ..click_types import examples, json_option, require_yes
from ..terminal import remark, say, say_json

if TYPE_CHECKING:
    from hsm_core.hosts.agent.remote_host import RemoteHost
    from hsm_core.sources.remote.kept_there import KeptThere

_SPARED_S = 3600.0


@dataclass(frozen=True)
class _Row:
    """Something that lies there.

    Args:
        why: it is kept; empty: it may be removed.
        is_to_pull: ``hsm pull`` changes that.
    """

    kept: KeptThere
    said: str
    why: str
    is_to_pull: bool = False


@click.command("clean", epilog=examples("hsm clean --host box1", "hsm clean --host box1 --yes"))
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option(
    "--host", "entry", required=True, metavar="HOST", help="The machine, written as in hydra.launcher.hosts."
)
@click.option("--transport", type=click.Choice(get_args(Transport)), help="What speaks SSH: auto is paramiko.")
@click.option(
    "--ssh-config", "config", type=click.Path(path_type=Path), help="Instead of HSM_SSH_CONFIG and ~/.ssh/config."
)
@click.option("--yes", is_flag=True, help="Remove without asking; without NAME, all that may be removed.")
@click.option("--force", is_flag=True, help="Remove what is named though its results are not here, or it is in use.")
@json_option
def clean(
    names: tuple[str, ...], entry: str, transport: Transport | None, config: Path | None, yes: bool, force: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """List or remove what sweeps have left on a machine.

    Without NAME and --yes it only lists. A sweep is removed only if it has ended and all its results are here.
    """
    from hsm_core.hosts.ssh.transports import make_host
    from hsm_core.sources.remote.kept_there import kept_there
    from hsm_core.sources.remote.sweep_there import folder_there

    from ..doctor.typed_hosts import read_hosts

    if force and not names:
        raise ConfigError("--force is for what is named", fix="hsm clean --host HOST NAME --force")
    (address,) = read_hosts([entry], transport)
    named = os.environ.get("HSM_SSH_CONFIG")
    config = config or (Path(named) if named else None)
    host = make_host(address, config and config.expanduser())
    try:
        folder = folder_there(host, {"dir": address.dir} if address.dir else {})
        rows = [_looked_at(host, folder, one) for one in kept_there(host, folder, host.greeting.python)]
        chosen = _chosen(rows, names, force) if names or yes else []
        if not (names or yes):
            _list(address, folder, rows, as_json)
        elif chosen:
            require_yes(f"remove {_named(chosen)} from {address.name}?", yes, "nothing was removed")
            _remove(host, folder, chosen)
        return 0
    finally:
        host.close()


def _looked_at(host: RemoteHost, folder: Path, kept: KeptThere) -> _Row:
    if kept.what != "sweep":
        why = "in use" if kept.is_used else "new" if kept.age_s < _SPARED_S else ""
        return _Row(kept, why or "not in use", why)
    if kept.is_used:
        return _Row(kept, "its worker runs", "its worker runs")
    from hsm_core.sources.remote.sweep_there import root_there

    entry = next((one for one in catalogue.entries() if one.id == kept.name), None)
    if entry is None or not entry.is_there:
        return _Row(kept, "no sweep of yours here", "its results are not here, as far as is known")
    state = SweepState(entry.place)
    state.refresh()
    phase = phase_of(state, state.counts())
    why = _why_kept(state, host, root_there(folder, kept.name))
    return _Row(kept, f"{phase}, {why or 'all is here'}", why, bool(tasks_with_left(state.paths)))


def _why_kept(state: SweepState, host: RemoteHost, there: Path) -> str:
    """Returns why a sweep must stay there; empty if it need not."""
    from hsm_core.sources.remote.clean_up import folders_of
    from hsm_core.sources.remote.kept_there import not_here

    open_tasks = state.numbers_in("queued", "running", "lost", "pending")
    if open_tasks:
        return f"{counted(len(open_tasks), 'task')} not ended"
    left = tasks_with_left(state.paths)
    if left:
        return f"files of {counted(len(left), 'task')} not here"
    try:
        missing = not_here(host, there, state.paths.root, folders_of(state))
    except OSError as error:
        return f"nobody knows whether its files are here: {error}"
    if missing:
        return f"{counted(len(missing), 'file')} not here as there, such as {one_line(str(missing[0]))}"
    return ""


def _chosen(rows: Sequence[_Row], names: Sequence[str], force: bool) -> list[_Row]:
    """Returns what is to be removed.

    Raises:
        HsmError: something that is named is not there, or may not be removed.
    """
    if not names:
        found = [row for row in rows if not row.why]
        if not found:
            remark("nothing may be removed")
        return found
    for name in names:
        row = next((one for one in rows if one.kept.name == name), None)
        if row is None:
            told = ", ".join(one.kept.name for one in rows) or "nothing"
            raise HsmError(f"there is no {one_line(name)} on that machine", evidence=f"there is {one_line(told)}")
        if row.why and not force:
            again = joined(["hsm", *sys.argv[1:], "--force"])
            fix = f"hsm pull {quoted(name)}" if row.is_to_pull else f"{again}    # removes it all the same"
            raise HsmError(f"{name} stays there: {row.why}", fix=fix)
    return [row for row in rows if row.kept.name in names]


def _named(rows: Sequence[_Row]) -> str:
    size = size_text(sum(row.kept.size for row in rows))
    return f"{', '.join(one_line(row.kept.name) for row in rows[:5])}{' …' if rows[5:] else ''} ({size})"


def _remove(host: RemoteHost, folder: Path, rows: Sequence[_Row]) -> None:
    from hsm_core.sources.remote.kept_there import remove

    for row in rows:
        remove(host, folder, row.kept)
        say(f"removed {row.kept.what} {one_line(row.kept.name)}, {size_text(row.kept.size)}")


def _list(address: HostAddress, folder: Path, rows: Sequence[_Row], as_json: bool) -> None:
    if as_json:
        say_json(enveloped(host=address.name, folder=str(folder), kept=list(map(_json, rows))))
        return
    say(f"{address.name}: {size_text(sum(row.kept.size for row in rows))} in {one_line(str(folder))}")
    for line in _lines(rows):
        say(line)
    if any(not row.why for row in rows):
        remark(f"next: {joined(['hsm', *sys.argv[1:], '--yes'])}    # removes what has a ✓")


def _lines(rows: Sequence[_Row]) -> Iterator[str]:
    for row in rows:
        kept = row.kept
        told = f"{size_text(kept.size)}, {duration(kept.age_s)} old, {row.said}"
        yield f"  {'✗' if row.why else '✓'} {kept.what} {one_line(kept.name)}: {told}"


def _json(row: _Row) -> dict[str, object]:
    return {**asdict(row.kept), "state": row.said, "stays_because": row.why or None}
