"""hsm doctor: checks what keeps sweeps from working here, or on machines behind SSH, with a line to fix each."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from hsm_core.errors import ConfigError
from hsm_core.hosts.ssh.address import Transport
from hsm_core.schedulers.batch_system import Finding
from hsm_core.text import advice, columns
from hsm_core.views.status.sweep_json import enveloped
from hsm_core.views.text import paint

from ..click_types import examples, json_option, require_yes
from ..terminal import colour_on, remark, say, say_json

if TYPE_CHECKING:
    from ..doctor.host_checks import Asked

_SIGN = {"ok": ("✓", "completed"), "note": ("!", "cancelled"), "bad": ("✗", "failed")}


@click.command(
    "doctor",
    epilog=examples("cd my_project && hsm doctor", "hsm doctor --host box1 --host ann@box2",
                    "hsm doctor --host box1 --install --with numpy"),
)  # fmt: skip
@click.option(
    "--host", "hosts", multiple=True, metavar="HOST",
    help="Check a machine behind SSH instead, written as in hydra.launcher.hosts; may be repeated.",
)
@click.option(
    "--transport", type=click.Choice(get_args(Transport)), help="What speaks SSH with the hosts: auto is paramiko."
)
@click.option(
    "--ssh-config", "config", type=click.Path(path_type=Path), help="Instead of HSM_SSH_CONFIG and ~/.ssh/config."
)
@click.option("--install", is_flag=True, help="Create ~/hsm-env on the hosts, with Hydra in the version used here.")
@click.option("--with", "more", multiple=True, metavar="PACKAGE", help="Install this there, too; may be repeated.")
@click.option("--yes", is_flag=True, help="Don't ask before --install.")
@json_option
def doctor(
    hosts: tuple[str, ...], transport: Transport | None, config: Path | None, install: bool, more: tuple[str, ...],
    yes: bool, as_json: bool,
) -> int:  # fmt: skip
    """Check this machine and project, or machines behind SSH.

    Exit code 1 if something is wrong.
    """
    if more and not install:
        raise ConfigError("--with says what --install installs", fix="add --install", instead=("", "--install"))
    if hosts:
        return _hosts(hosts, transport, config, (more, yes) if install else None, as_json)
    for given, option in ((transport, "--transport"), (config, "--ssh-config"), (install, "--install")):
        if given:
            raise ConfigError(f"{option} is about hosts, and none is named", fix=f"hsm doctor --host box1 {option} …")
    return _here(as_json)


def _here(as_json: bool) -> int:
    from ..doctor.checks import all_findings

    found = list(all_findings())
    if as_json:
        say_json(enveloped(findings=[asdict(finding) for finding in found]))
    for finding in found if not as_json else []:
        _tell(finding)
    return _code(found)


def _hosts(
    entries: Sequence[str], transport: Transport | None, config: Path | None,
    install: tuple[Sequence[str], bool] | None, as_json: bool,
) -> int:  # fmt: skip
    from ..doctor.host_checks import verdict
    from ..doctor.hosts import examine_all
    from ..doctor.typed_hosts import read_hosts

    addresses = read_hosts(entries, transport)
    first = None if install is None else _installer(*install)
    everything, rows = list[Finding](), list[dict[str, object]]()
    named = os.environ.get("HSM_SSH_CONFIG")  # as the launcher's field ssh_config has it
    config = config or (Path(named) if named else None)
    for address, found in examine_all(addresses, config and config.expanduser(), first):
        everything += found
        rows += [{"host": address.name, **asdict(finding)} for finding in found]
        if not as_json:
            say(f"{address.name}: {verdict(found)}")
            for finding in found:
                _tell(finding)
            sys.stdout.flush()
    if as_json:
        say_json(enveloped(findings=rows))
    return _code(everything)


def _installer(more: Sequence[str], yes: bool) -> Callable[[Asked], None]:
    """Returns what installs on a host, once its user agreed to what is shown."""
    from ..doctor.install import carry_out, make_plan, wanted_packages

    packages = wanted_packages(more)

    def install(asked: Asked) -> None:
        plan = make_plan(asked.host, packages)
        remark(f"on {asked.address.name}:\n{plan.words}")
        require_yes(f"run these on {asked.address.name}?", yes, "nothing was installed")
        found = carry_out(asked.host, plan, asked.login)
        remark(f"{asked.address.name}: created {found.path}: {found.words}")

    return install


def _code(found: Sequence[Finding]) -> int:
    return int(any(finding.level == "bad" for finding in found))


def _tell(finding: Finding) -> None:
    sign, colour = _SIGN[finding.level]
    wrapped = textwrap.wrap(
        f"{finding.name}: {finding.said}", columns() - 4, break_long_words=False, break_on_hyphens=False
    )
    say(f"{paint(sign, colour, colour_on(sys.stdout))} " + "\n    ".join(wrapped))
    if finding.fix:
        say(f"    {advice(finding.fix)}")
