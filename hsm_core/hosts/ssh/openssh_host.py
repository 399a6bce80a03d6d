"""Reaches a machine with the system's own ssh: for what paramiko can't do, or through a person's own login."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from hsm_core.errors import ConfigError, HostClosed, HostDown, HostTrouble
from hsm_core.hosts.agent.channel import Channel, PipeChannel

from .address import HostAddress
from .host_key import changed, login_line, unknown
from .login_step import needs_login
from .ssh_config import Target, resolve
from .ssh_host import SshHost

_CONNECT_S, _ASK_S = 10, 10.0
_OPTIONS = {
    "BatchMode": "yes", "ControlMaster": "no", "ConnectTimeout": str(_CONNECT_S), "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3", "ClearAllForwardings": "yes", "ForwardAgent": "no", "ForwardX11": "no",
    "PermitLocalCommand": "no", "RemoteCommand": "none", "RequestTTY": "no",
}  # fmt: skip
#: What ssh says, and what that means for a login that is tried again.
_HOST_KEY = re.compile(r"host key|remote host identification", re.IGNORECASE)
_DENIED = re.compile(r"Permission denied \(([\w,-]+)\)")
_NEVER = re.compile(r"Permission denied|Too many authentication failures|no matching|Bad configuration|Bad owner")


class OpenSshHost(SshHost):
    """A machine behind the system's ssh.

    Where the SSH configuration names a ``ControlPath``, the login that a person opened there is used, and no other.
    """

    transport = "openssh"

    @staticmethod
    def open_channel(address: HostAddress, config: Path | None, line: str) -> Channel:
        argv, target = command_for(address, config, line)
        return _SshChannel(argv, address, config, target)


class _SshChannel(PipeChannel):
    """The ssh command, which can tell why there is no connection."""

    def __init__(self, argv: list[str], address: HostAddress, config: Path | None, target: Target) -> None:
        super().__init__(argv, env=environment())
        self._address, self._config, self._target = address, config, target

    def trouble(self) -> HostTrouble | None:
        if self.code() != 255:
            return None
        return explain(self.said(), self._target, login_line(self._address, self._config))


def environment() -> dict[str, str]:
    """Returns the variables of an ssh that opens no window to ask for a password."""
    return {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}


def command_for(
    address: HostAddress, config: Path | None, line: str, level: str = "ERROR"
) -> tuple[list[str], Target]:
    """Returns the ssh command that runs a line on a host, and where it goes.

    Args:
        line: for the login shell there.
        level: of what ssh says about itself, as its ``LogLevel``.

    Raises:
        ConfigError: there is no ssh here, or it refuses its configuration.
        HostDown: a person must be logged in, and is not.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        raise ConfigError(f"{address.name} has transport: openssh, but there is no ssh command here")
    target = resolve(address, config)
    start = [ssh, *(["-F", str(config)] if config else []), *(["-p", str(address.port)] if address.port else [])]
    checking = "accept-new" if address.host_keys == "accept_new" else "yes"
    options = {**_OPTIONS, "StrictHostKeyChecking": checking, "LogLevel": level}
    if target.control_path is not None:
        _require_master(start, address, config, target.control_path)
        # else ssh logs in anew where that connection is dead, or has no session left
        options |= {"ControlPath": target.control_path, "ProxyCommand": "false"}
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return [*start, "-T", *words, "--", address.login, line], target


def _require_master(start: list[str], address: HostAddress, config: Path | None, path: str) -> None:
    """Returns if a person's login is there.

    Raises:
        HostDown: it is not, or it hangs; it may come back.
    """
    argv = [*start, "-S", path, "-O", "check", "--", address.login]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ASK_S, check=False
        )
        if done.returncode == 0:
            return
        said = " ".join(done.stderr.split())
    except subprocess.TimeoutExpired:
        said = f"ssh -O check: no answer for {_ASK_S:.0f} s"
    raise HostDown(
        f"nobody is logged in to {address.name}, and hsm does not log in there itself: it has a ControlPath",
        evidence=said, fix=login_line(address, config).replace("ssh ", "ssh -fN -o ControlMaster=auto ", 1),
    )  # fmt: skip


def explain(said: str, target: Target, login: str) -> HostTrouble:
    """Returns what ssh's last words mean.

    Args:
        login: the ssh command that goes there, for messages.
    """
    words = " ".join(line for line in said.splitlines() if not line.startswith("@"))[-600:]
    if _HOST_KEY.search(said):
        return _of_host_key(said, words, target, login)
    if "Session open refused by peer" in said:
        return HostDown(
            f"the login that you opened to {target.name} has no session left", evidence=words.partition(" kex_")[0],
            fix="MaxSessions 10    # in its sshd_config; or end what else goes through that login",
        )
    wanted = _DENIED.search(said)
    if wanted and "publickey" not in wanted[1]:  # it accepted the key, or takes none
        return needs_login(target, words, login)
    if _NEVER.search(said):
        return HostClosed(f"{target.name} does not let {target.user} in", evidence=words, fix=login)
    return HostDown(f"{target.name} does not answer", evidence=words or "ssh: exit code 255, without a word")


def _of_host_key(said: str, words: str, target: Target, login: str) -> HostTrouble:
    if "HAS CHANGED" in said:
        found = re.search(r"Offending .* key in (.+):\d+", said)
        return changed(target, words, Path(found[1]) if found else None)
    if "revoked" in said:
        return HostClosed(f"the host key of {target.name} was revoked: do not log in there", evidence=words)
    return unknown(target, words, login)
