"""A fleet of real SSH hosts on this machine, each with its own network, disk, processes and boot id."""

from __future__ import annotations

import ctypes
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOSTS_SH = Path(__file__).with_name("ssh") / "hosts.sh"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Fleet:
    """Hosts ``h1`` … ``h<size>``; ``fleet("cut", 2)`` and the like: the verbs are in ``ssh/hosts.sh``."""

    prefix: str
    directory: Path
    size: int

    @property
    def ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    def __call__(self, *verb: object, check: bool = True) -> str:
        env = dict(os.environ, HSM_NET=self.prefix, HSM_HOSTS_DIR=str(self.directory), HSM_HOST_SIZE="512m")
        argv = [str(HOSTS_SH), *map(str, verb)]
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"{argv}: {done.stdout}{done.stderr}")
        return done.stdout

    def heal(self) -> None:
        """Undo what a test did to links and daemons."""
        for host in range(1, self.size + 1):
            self("heal", host)
            self("undrop", host)
            if not self("exec", host, "pgrep", "-x", "sshd", check=False):
                self("startsshd", host)

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """Inside, this thread and what it starts are on the hosts' network, and on no other."""
        outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        enter(os.open(f"/run/netns/{self.prefix}-hub", os.O_RDONLY))
        try:
            yield
        finally:
            enter(outside)


def enter(namespace: int) -> None:
    if LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(namespace)


@contextmanager
def running_fleet(directory: Path, size: int = 3, delay_ms: int = 0) -> Iterator[Fleet]:
    """Start the hosts, and end them with all that they ran.

    ``directory`` must be readable by anyone; ``delay_ms`` is that of each packet on its way.
    """
    fleet = Fleet("t" + uuid.uuid4().hex[:6], directory, size)
    try:
        fleet("start", size, delay_ms)
        yield fleet
    finally:
        fleet("stop")
