"""Logs in with the user's keys, and with nothing that anybody would have to type."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.agent import AgentSSH

from hsm_core.errors import HostClosed, HostDown
from hsm_core.overrides import quoted

from .login_step import needs_login
from .ssh_config import Target

_AGENT_S = 5.0
_KINDS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True)
class _Key:
    """A key that can sign, and what it is called."""

    name: str
    key: paramiko.PKey


class _Agent(AgentSSH):
    """The user's SSH agent; unlike paramiko's own, one that hangs is given up, and any socket may be named."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.settimeout(_AGENT_S)
        self._connection.connect(path)
        self._connect(self._connection)  # type: ignore[attr-defined]  # for subclasses

    def close(self) -> None:
        self._connection.close()


def log_in(transport: paramiko.Transport, target: Target, login: str) -> str:
    """Authenticates a connection whose host key is believed; returns the name of the key that was accepted.

    Args:
        login: the ssh command that goes there, for messages.

    Raises:
        HostClosed: no key is accepted, or more than a key is wanted.
        HostDown: the host does not answer.
    """
    notes: list[str] = []
    agent = _agent(target, notes)
    try:
        for key in _keys(target, agent, notes):
            if _is_accepted(transport, target, key, notes, login):
                return key.name
    finally:
        if agent is not None:
            agent.close()
    raise _no_key(transport, target, notes, login)


def _agent(target: Target, notes: list[str]) -> _Agent | None:
    if target.identity_agent is None:
        return None
    try:
        return _Agent(target.identity_agent)
    except (OSError, paramiko.SSHException) as error:
        notes.append(f"ssh-agent ({error})")
        return None


def _keys(target: Target, agent: _Agent | None, notes: list[str]) -> Iterator[_Key]:
    """Yields keys in ssh's order: those of the agent that are named, others of the agent, then files."""
    held = {key.asbytes(): key for key in agent.get_keys()} if agent is not None else {}
    named = {path: _public(path) for path in target.identities}
    for path, public in named.items():
        if public is not None and public in held:
            yield _Key(f"{path.name} (ssh-agent)", held.pop(public))
    if not target.only_identities:
        yield from (_Key(f"{key.get_name()} of ssh-agent", key) for key in held.values())
    for path, public in named.items():
        if (public is None or agent is None or public not in {key.asbytes() for key in agent.get_keys()}) and (
            key := _private(path, notes)
        ) is not None:
            yield _Key(path.name, key)


def _public(path: Path) -> bytes | None:
    """Returns the public half of an identity, from the file beside it."""
    for file in (path.with_name(path.name + ".pub"), path):
        try:
            words = file.read_text(encoding="ascii").split()
            if len(words) >= 2 and words[0].startswith(("ssh-", "ecdsa-", "sk-")):
                return base64.b64decode(words[1])
        except (OSError, ValueError):
            continue
    return None


def _private(path: Path, notes: list[str]) -> paramiko.PKey | None:
    if not path.is_file():
        return None
    for kind in _KINDS:
        try:
            key = kind.from_private_key_file(str(path))
        except paramiko.PasswordRequiredException:
            notes.append(f"{path} (encrypted, and not in ssh-agent)")
            return None
        except (paramiko.SSHException, OSError, ValueError):
            continue
        certificate = path.with_name(path.name + "-cert.pub")
        if certificate.is_file():
            key.load_certificate(str(certificate))
        return key
    notes.append(f"{path} (of a kind that paramiko can't use)")
    return None


def _is_accepted(
    transport: paramiko.Transport, target: Target, key: _Key, notes: list[str], login: str
) -> bool:
    try:
        wanted = transport.auth_publickey(target.user, key.key)
    except paramiko.BadAuthenticationType as error:
        raise needs_login(target, f"it accepts {', '.join(error.allowed_types)}", login) from error
    except paramiko.AuthenticationException as error:
        if not transport.is_active():
            raise _gone(target, notes, key, error) from error
        notes.append(f"{key.name} (not accepted)")
        return False
    except (paramiko.SSHException, EOFError) as error:
        if transport.is_active():  # a key that can't sign: a certificate's, an agent's
            notes.append(f"{key.name} ({error})")
            return False
        raise _gone(target, notes, key, error) from error
    if wanted:
        raise needs_login(target, f"after the key it wants {', '.join(wanted)}", login)
    return True


def _gone(target: Target, notes: list[str], key: _Key, error: Exception) -> HostClosed | HostDown:
    if len(notes) >= 2:
        return HostClosed(
            f"{target.name} closed the connection after {len(notes) + 1} keys",
            evidence=", ".join([*notes, key.name]),
            fix="IdentitiesOnly yes    # and its IdentityFile, for this host in ~/.ssh/config",
        )  # fmt: skip
    why = str(error) or type(error).__name__
    return HostDown(f"{target.name} closed the connection during the login", evidence=why)


def _no_key(transport: paramiko.Transport, target: Target, notes: list[str], login: str) -> HostClosed:
    encrypted = [note.partition(" (")[0] for note in notes if "(encrypted" in note]
    wanted = ""
    if not notes:
        try:
            transport.auth_none(target.user)
        except paramiko.BadAuthenticationType as error:
            wanted = f"; it accepts {', '.join(error.allowed_types)}"
        except (paramiko.SSHException, EOFError):
            pass
    return HostClosed(
        f"{target.name} does not let {target.user} in",
        evidence=", ".join(notes) or f"there is no key to try{wanted}",
        fix=f"ssh-add {quoted(encrypted[0])}" if encrypted else f"ssh-copy-id {login.removeprefix('ssh ')}",
    )
