"""Starts one sshd on this machine's loopback, for the user who runs the tests, with a home directory of its own."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until

_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv HOME={folder}/home
"""
_CLIENT = """
Host single
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
"""


@contextmanager
def running_sshd(folder: Path) -> Iterator[Path]:
    """Yields the SSH configuration in which it is called ``single``; ends it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    facts = {"port": port, "folder": folder, "user": getpass.getuser()}
    (folder / "home").mkdir()
    (folder / "sshd_config").write_text(_CONFIG.format(**facts))
    (folder / "ssh_config").write_text(_CLIENT.format(**facts))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host_key.pub').read_text()}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    argv = ["/usr/sbin/sshd", "-D", "-f", folder / "sshd_config", "-E", folder / "log"]
    server = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), what="sshd to listen")
        yield folder / "ssh_config"
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
