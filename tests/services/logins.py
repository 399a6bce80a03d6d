"""Changes what a test's login to a host of the fleet meets: the SSH configuration here, sshd there."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.fleet import Fleet
from tests.waiting import wait_until


class Config:
    """An SSH configuration of a test's own, which begins as the fleet's."""

    def __init__(self, fleet: Fleet, directory: Path) -> None:
        self.path, self.known_hosts = directory / "ssh_config", directory / "known_hosts"
        self._all = fleet.ssh_config.read_text().replace(str(fleet.directory / "known_hosts"), str(self.known_hosts))
        self.key = fleet.directory / "id_ed25519"
        shutil.copy(fleet.directory / "known_hosts", self.known_hosts)
        self.add("")

    def add(self, lines: str) -> None:
        """Puts lines before all others, where they win."""
        self.path.write_text(f"{lines}\n{self._all}")

    def without_key(self, lines: str = "") -> None:
        kept = "\n".join(line for line in self._all.splitlines() if "IdentityFile" not in line)
        self.path.write_text(f"{lines}\n{kept}")


@contextmanager
def sshd_with(fleet: Fleet, number: int, lines: str) -> Iterator[None]:
    """On this host, sshd has these lines in its configuration, before all others."""
    path, kept = "/etc/ssh/sshd_config_hsm", "/etc/ssh/sshd_config_kept"
    fleet("exec", number, "cp", path, kept)
    try:
        fleet("exec", number, "sh", "-c", f"{{ printf '{lines}\\n'; cat {kept}; }} > {path}")
        restart_sshd(fleet, number)
        yield
    finally:
        fleet("exec", number, "cp", kept, path)
        restart_sshd(fleet, number)


def restart_sshd(fleet: Fleet, number: int) -> None:
    fleet("killsshd", number)
    fleet("startsshd", number)
    wait_until(lambda: listens(f"192.0.2.{number}"), what="sshd to listen")


def listens(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, 22)) == 0
