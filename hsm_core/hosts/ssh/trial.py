"""Logs in to a host once, as a sweep would, and tells each step: what it was let in by, or what stopped it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hsm_core.errors import HostClosed, HostDown, HsmError
from hsm_core.overrides import quoted

from .address import HostAddress
from .host_key import login_line
from .login_step import KINDS, Kind, Step
from .openssh_host import command_for, environment, explain
from .ssh_config import Target
from .transports import uses_openssh

#: Sessions that are opened at once at most, to see how many a host gives.
MOST_SESSIONS = 4
_LONGEST_S = 60.0
#: What ssh says of itself that is no trouble.
_CHATTER = re.compile(r"debug\d: |OpenSSH_|Authenticated |Transferred: |Bytes per second: |Warning: Permanently")


@dataclass(frozen=True)
class Trial:
    """How a login went.

    Args:
        steps: that were taken; with paramiko those on the way, too, in their order.
        seconds: that it took.
        sessions: that one connection has at once, up to ``MOST_SESSIONS``; None: nobody tried.
        trouble: what stopped it.
    """

    transport: str
    steps: tuple[Step, ...]
    seconds: float
    sessions: int | None = None
    trouble: HsmError | None = None

    @property
    def failed(self) -> Kind | None:
        """Returns the step that could not be taken."""
        if self.trouble is None:
            return None
        last = KINDS.index(self.steps[-1].kind) if self.steps else -1
        return KINDS[(last + 1) % len(KINDS)]


def try_login(address: HostAddress, config: Path | None = None) -> Trial:
    """Logs in and out again; nobody is ever asked for anything.

    Args:
        config: the SSH configuration; None: the user's own and the system's.
    """
    steps: list[Step] = []
    began, transport, sessions = time.monotonic(), "paramiko", None
    try:
        if uses_openssh(address):
            transport = "openssh"
            _with_openssh(address, config, steps)
        else:
            sessions = _with_paramiko(address, config, steps)
    except HsmError as trouble:
        return Trial(transport, tuple(steps), time.monotonic() - began, sessions, trouble)
    return Trial(transport, tuple(steps), time.monotonic() - began, sessions)


def _with_paramiko(address: HostAddress, config: Path | None, steps: list[Step]) -> int:
    from .paramiko_host import Login, connect, sessions

    transports = connect(Login(address, config, steps.append))
    try:
        return sessions(transports[-1], MOST_SESSIONS)
    finally:
        for transport in reversed(transports):
            transport.close()


def _with_openssh(address: HostAddress, config: Path | None, steps: list[Step]) -> None:
    argv, target = command_for(address, config, "exit 0", "DEBUG1")
    try:
        done = subprocess.run(
            argv, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=_LONGEST_S, check=False,
            start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise HostDown(
            f"{target.name} does not answer", evidence=f"ssh: no end within {_LONGEST_S:.0f} s"
        ) from error
    said = done.stderr.decode("utf-8", "replace")
    steps += steps_told(said, target)
    if done.returncode == 255:
        raise why_refused(said, target, login_line(address, config))


def why_refused(said: str, target: Target, login: str) -> HsmError:
    """Returns why ssh ended with 255.

    Args:
        said: on its standard error, at its ``LogLevel`` DEBUG1.
        login: the ssh command that goes there, for messages.
    """
    plain = "\n".join(line for line in said.splitlines() if not _CHATTER.match(line))
    accepted = _last(r"Server accepts key: (\S+)", said)
    is_ours = accepted in map(str, target.identities)  # and not a word that the host made up
    if is_ours and "partial success" not in said and "Permission denied" in plain:
        return HostClosed(
            f"{target.name} does not let {target.user} in",
            evidence=f"it accepts {accepted}, but the key can't be used: encrypted, and not in ssh-agent",
            fix=f"ssh-add {quoted(accepted)}",
        )
    return explain(plain, target, login)


def steps_told(said: str, target: Target) -> Iterator[Step]:
    """Yields the steps that ssh told of at its ``LogLevel`` DEBUG1; of machines on the way it tells none.

    Args:
        said: on its standard error.
        target: the machine that it was to go to.
    """
    if "mux_client_request_session" in said:
        for kind in KINDS:
            yield Step(kind, target.name, _of_master(kind, target))
        return
    if "debug1: Authenticating to " not in said:
        return
    yield Step("connection", target.name, target.words)
    key, place = _last(r"Server host (?:key|certificate): (\S+ \S+)", said), _last(r"Found (?:CA )?key in (.+)", said)
    added = "new: now written down" if "Permanently added" in said else ""
    if key and (place or added):
        yield Step("host key", target.name, f"{key}, {added or f'as in {place}'}")
    if how := _last(r"Authenticated to .* using \"([\w-]+)\"", said):
        key = _last(r"Server accepts key: (\S+)", said)
        yield Step("login", target.name, f"by the key {key}" if key else f"by {how}")


def _of_master(kind: Kind, target: Target) -> str:
    where = f"{target.words}, through the login that you opened ({target.control_path})"
    return {"connection": where, "host key": "checked when you logged in", "login": "yours"}[kind]


def _last(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    return found[-1].strip() if found else ""
