"""Finds out what an SSH configuration says about a host: as ``ssh -G`` tells it, else as paramiko reads the file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core.errors import ConfigError, HostClosed

from .address import HostAddress

_ASK_S = 20.0
_USUAL_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
_NONE = ("none", "")


@dataclass(frozen=True)
class Target:
    """Where a login goes and what it needs.

    Args:
        key_name, key_port: what the host is called in known_hosts; an alias has no port.
        identities: private keys that are tried.
        only_identities: of an agent's keys, none but these.
        identity_agent: socket of the agent; None: there is none.
        jump: machines between, in the form of ``ssh -J``.
        proxy_command: a command that connects.
        control_path: socket of a connection that others may use, too.
        needs_openssh: what is configured that only the system's ssh can do.
        doubts: what may not have been read as ssh would.
    """

    name: str
    host: str
    port: int
    user: str
    key_name: str
    key_port: int
    known_hosts: tuple[Path, ...]
    hash_known_hosts: bool = False
    identities: tuple[Path, ...] = ()
    only_identities: bool = False
    identity_agent: str | None = None
    jump: tuple[str, ...] = ()
    proxy_command: str | None = None
    control_path: str | None = None
    needs_openssh: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Returns who logs in, where, and by which way."""
        way = f"through {', '.join(self.jump)}" if self.jump else "by its ProxyCommand" if self.proxy_command else ""
        return f"{self.user}@{self.host} port {self.port}{way and f', {way}'}"


def resolve(address: HostAddress, config: Path | None = None) -> Target:
    """Returns where a login goes.

    Args:
        config: the SSH configuration; None: the user's own and the system's.

    Raises:
        ConfigError: there is no such file, or ssh refuses it.
    """
    if config is not None and not config.is_file():
        raise ConfigError(f"there is no SSH configuration {config}")
    ssh = shutil.which("ssh")
    options = _asked(ssh, address, config) if ssh else _read(address, config)
    return _target(address, options, () if ssh else _doubts(config))


def _asked(ssh: str, address: HostAddress, config: Path | None) -> dict[str, list[str]]:
    argv = [ssh, "-G", *(["-F", str(config)] if config else []), *(["-p", str(address.port)] if address.port else [])]
    try:
        done = subprocess.run(
            [*argv, "--", address.login], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ASK_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise HostClosed(
            f"ssh does not say how {address.name} is reached", evidence=f"ssh -G: no answer for {_ASK_S:.0f} s"
        ) from error
    if done.returncode:
        raise ConfigError(
            f"ssh refuses its configuration of {address.name}", evidence=" ".join(done.stderr.split())[-400:],
            fix=f"ssh -G {address.login}",
        )  # fmt: skip
    return parse(done.stdout)


def parse(told: str) -> dict[str, list[str]]:
    """Returns the values of each option that ``ssh -G`` prints, a line each."""
    options: dict[str, list[str]] = {}
    for line in told.splitlines():
        key, _, value = line.partition(" ")
        options.setdefault(key.lower(), []).append(value)
    return options


def _read(address: HostAddress, config: Path | None) -> dict[str, list[str]]:
    import paramiko

    path = config or _home() / ".ssh" / "config"
    try:
        found = paramiko.SSHConfig.from_path(str(path)).lookup(address.host) if path.is_file() else {}
    except (paramiko.ConfigParseError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the SSH configuration {path} can't be read", evidence=str(error)) from error
    return {
        key.lower(): [str(one) for one in value] if isinstance(value, list) else [str(value)]
        for key, value in found.items()
    }


def _doubts(config: Path | None) -> tuple[str, ...]:
    path = config or _home() / ".ssh" / "config"
    if path.is_file() and re.search(r"(?im)^\s*include[\s=]", path.read_text(errors="replace")):
        return (f"there is no ssh command here, and without it the Include lines of {path} are not read",)
    return ()


def _target(address: HostAddress, options: Mapping[str, Sequence[str]], doubts: tuple[str, ...]) -> Target:
    def one(key: str, usual: str = "") -> str:
        return options[key][0] if options.get(key) else usual

    host = one("hostname", address.host)
    port = address.port or int(one("port", "22"))
    alias = one("hostkeyalias")
    jump, command = one("proxyjump"), one("proxycommand")
    return Target(
        name=address.name, host=host, port=port, user=address.user or one("user") or os.environ.get("USER", ""),
        key_name=alias if alias not in _NONE else host, key_port=22 if alias not in _NONE else port,
        known_hosts=tuple(_known_hosts(options)), hash_known_hosts=one("hashknownhosts") == "yes",
        identities=tuple(_identities(options)), only_identities=one("identitiesonly") == "yes",
        identity_agent=_agent(one("identityagent", "SSH_AUTH_SOCK")),
        jump=() if jump.lower() in _NONE else tuple(jump.split(",")),
        proxy_command=None if command.lower() in _NONE else command,
        control_path=None if one("controlpath").lower() in _NONE else one("controlpath"),
        needs_openssh=tuple(_needs_openssh(options)), doubts=doubts,
    )  # fmt: skip


def _known_hosts(options: Mapping[str, Sequence[str]]) -> Iterator[Path]:
    usual = {
        "userknownhostsfile": "~/.ssh/known_hosts ~/.ssh/known_hosts2",
        "globalknownhostsfile": "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
    }
    for key, files in usual.items():
        told = " ".join(options.get(key) or [files])
        whole = _path(told)  # ssh prints a name with spaces as it is
        for one in [whole] if whole.is_file() else [_path(word) for word in told.split()]:
            if str(one).lower() != "none":
                yield one


def _identities(options: Mapping[str, Sequence[str]]) -> Iterator[Path]:
    named = options.get("identityfile") or [f"~/.ssh/{name}" for name in _USUAL_KEYS]
    yield from dict.fromkeys(_path(name) for name in named if name.lower() != "none")


def _agent(value: str) -> str | None:
    if value.lower() in _NONE:
        return None
    if value == "SSH_AUTH_SOCK" or value.startswith("$"):
        return os.environ.get(value.lstrip("$").strip("{}")) or None
    return str(_path(value))


def _needs_openssh(options: Mapping[str, Sequence[str]]) -> Iterator[str]:
    keys = {"pkcs11provider": "PKCS11Provider", "revokedhostkeys": "RevokedHostKeys"}
    for key, name in keys.items():
        if (options.get(key) or ["none"])[0].lower() not in _NONE:
            yield name


def _path(name: str) -> Path:
    if name == "~" or name.startswith("~/"):
        return _home() / name[2:]
    return Path(name)


def _home() -> Path:
    """Returns the user's home as ssh sees it: that of the user database, whatever HOME says."""
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path.home()
