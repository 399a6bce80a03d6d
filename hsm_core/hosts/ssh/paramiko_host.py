"""Reaches a machine with paramiko, over one connection: a command there, whose input and output are a channel."""

from __future__ import annotations

import contextlib
import logging
import random
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from hsm_core.errors import HostClosed, HostDown, HostTrouble
from hsm_core.hosts.agent.channel import MOST_SAID, Channel

from .address import HostAddress, read_jump
from .host_key import check, login_line
from .known_hosts import known_kinds, read_lines
from .login import log_in
from .login_step import Step, Tell, ignore
from .proxy_command import ProxySocket
from .ssh_config import Target, resolve
from .ssh_host import SshHost

_CONNECT_S, _BANNER_S, _LOGIN_S, _CHANNEL_S = 10.0, 10.0, 20.0, 20.0
#: Seconds after which the kernel gives up a connection on which nothing is acknowledged.
_UNACKNOWLEDGED_S = 20
#: Tries where a server that is asked by many at once hangs up on some.
_TRIES = 3
_MOST_JUMPS = 8
#: Pieces of what is said beside an answer that are read at once: a host could say more without end.
_HEARD_AT_ONCE = 16
_READ = 1 << 16
_LOG = logging.getLogger("hsm.paramiko")  # paramiko prints tracebacks of what we explain
_LOG.propagate = False
_LOG.addHandler(logging.NullHandler())

Socket = socket.socket | paramiko.Channel


class _HungUp(HostDown):
    """The server hung up before it said who it is: it has too many logins at once, or is going down."""


@dataclass(frozen=True)
class Login:
    """How a host is logged in to.

    Args:
        config: the SSH configuration; None: the user's own.
        tell: is told each step.
    """

    address: HostAddress
    config: Path | None = None
    tell: Tell = ignore


class ParamikoHost(SshHost):
    """A machine behind paramiko."""

    transport = "paramiko"

    @staticmethod
    def open_channel(address: HostAddress, config: Path | None, line: str) -> Channel:
        return ParamikoChannel(Login(address, config), line)


class ParamikoChannel:
    """A command on a host.

    Args:
        command: for its user's login shell.

    Raises:
        HostTrouble: it can't be started.
    """

    def __init__(self, login: Login, command: str) -> None:
        self._transports = connect(login)
        self._said = b""
        try:
            self._channel = self._transports[-1].open_session(timeout=_CHANNEL_S)
            self._channel.exec_command(command)  # nosec B601  # a line of quoted words
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._close_transports()
            raise _no_session(login.address.name, error) from error
        self._poll = select.poll()
        self._poll.register(self._channel.fileno(), select.POLLIN)

    def read(self, timeout_s: float) -> bytes | None:
        try:
            if not self._channel.recv_ready() and not self._poll.poll(timeout_s * 1000):
                return None
            self._hear()
            if self._channel.recv_ready() or self._channel.eof_received or self._channel.closed:
                return self._channel.recv(_READ)
        except (OSError, EOFError, ValueError):
            return b""
        return None

    def write(self, data: bytes) -> None:
        try:
            self._channel.sendall(data)
        except (paramiko.SSHException, EOFError) as error:  # paramiko's words for a connection that was closed
            raise BrokenPipeError("the connection was closed") from error

    def said(self) -> str:
        with contextlib.suppress(OSError):
            self._hear()
        return self._said.decode("utf-8", "replace").strip()

    def code(self) -> int | None:
        deadline = time.monotonic() + 2.0
        while not self._channel.exit_status_ready() and time.monotonic() < deadline:
            time.sleep(0.02)
        code = self._channel.recv_exit_status() if self._channel.exit_status_ready() else -1
        return None if code < 0 else code

    def trouble(self) -> HostTrouble | None:
        return None

    def close(self) -> None:
        self._close_transports()

    def _hear(self) -> None:
        for _ in range(_HEARD_AT_ONCE):
            if not self._channel.recv_stderr_ready():
                return
            self._said = (self._said + self._channel.recv_stderr(_READ))[-MOST_SAID:]

    def _close_transports(self) -> None:
        for transport in reversed(self._transports):
            transport.close()


def connect(login: Login) -> list[paramiko.Transport]:
    """Logs in, through the machines between, the host's own connection coming last.

    Raises:
        HostTrouble: it does not answer, or does not let us in.
    """
    transports: list[paramiko.Transport] = []
    try:
        _connect(login, transports, 0)
    except BaseException:
        for transport in reversed(transports):
            transport.close()
        raise
    return transports


def _connect(login: Login, transports: list[paramiko.Transport], depth: int) -> None:
    target = resolve(login.address, login.config)
    if target.needs_openssh:
        raise _only_openssh(target, f"its SSH configuration has {', '.join(target.needs_openssh)}")
    if len(target.jump) + depth > _MOST_JUMPS:
        raise HostClosed(f"{target.name} is more than {_MOST_JUMPS} machines away", evidence=",".join(target.jump))
    for number, jump in enumerate(target.jump):
        address = read_jump(jump, login.address)
        on_the_way = replace(login, address=address)
        if number == 0:
            _connect(on_the_way, transports, depth + len(target.jump))
        else:
            hop = resolve(address, login.config)
            transports.append(_logged_in(hop, on_the_way, _through(transports[-1], hop)))
    through = transports[-1] if target.jump else None

    def open_socket() -> Socket:
        return _through(through, target) if through is not None else _socket(target)

    transports.append(_patiently(lambda: _logged_in(target, login, open_socket())))


def _patiently(log_in: Callable[[], paramiko.Transport]) -> paramiko.Transport:
    for _ in range(_TRIES - 1):
        with contextlib.suppress(_HungUp):
            return log_in()
        time.sleep(random.uniform(0.5, 2.0))
    return log_in()


def _socket(target: Target) -> Socket:
    if target.proxy_command is not None:
        return ProxySocket(target)
    try:
        found = socket.create_connection((target.host, target.port), timeout=_CONNECT_S)
    except OSError as error:
        raise _down(target, error) from error
    _tune(found)
    return found


def _tune(found: socket.socket) -> None:
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_S * 1000}
    for name, value in wanted.items():
        if hasattr(socket, name):  # Linux
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _through(transport: paramiko.Transport, target: Target) -> Socket:
    try:
        there = (target.host, target.port)
        return transport.open_channel("direct-tcpip", there, ("127.0.0.1", 0), timeout=_CONNECT_S)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _down(target, error) from error


def _logged_in(target: Target, login: Login, found: Socket) -> paramiko.Transport:
    transport = paramiko.Transport(found)
    transport.set_log_channel(_LOG.name)
    transport.daemon = True
    transport.banner_timeout, transport.auth_timeout, transport.channel_timeout = _BANNER_S, _LOGIN_S, _CHANNEL_S
    line = login_line(login.address, login.config)
    try:
        _prefer(transport, known_kinds(read_lines(target.known_hosts), target.key_name, target.key_port))
        try:
            transport.start_client(timeout=_BANNER_S)
            key = transport.get_remote_server_key()  # fails if the host said nothing in time
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise _no_start(target, error, found) from error
        login.tell(Step("connection", target.name, target.words))
        accept_new = login.address.host_keys == "accept_new"
        known = check(target, key.get_name(), key.asbytes(), accept_new=accept_new, login=line)
        login.tell(Step("host key", target.name, known))
        login.tell(Step("login", target.name, f"by the key {log_in(transport, target, line)}"))
    except BaseException:
        transport.close()
        raise
    return transport


def sessions(transport: paramiko.Transport, most: int) -> int:
    """Returns how many sessions a host gives us at once over one connection, as far as ``most``."""
    found: list[paramiko.Channel] = []
    try:
        while len(found) < most:
            found.append(transport.open_session(timeout=_CHANNEL_S))
    except (paramiko.SSHException, EOFError, OSError):
        pass  # no more
    finally:
        for channel in found:
            channel.close()
    return len(found)


def _prefer(transport: paramiko.Transport, kinds: Sequence[str]) -> None:
    """Asks for a key of a kind that is written down: else a host with several kinds would seem unknown."""
    names = {"rsa-sha2-512": "ssh-rsa", "rsa-sha2-256": "ssh-rsa"}
    options = transport.get_security_options()
    options.key_types = tuple(sorted(options.key_types, key=lambda name: names.get(name, name) not in kinds))


def _no_start(target: Target, error: Exception, found: Socket) -> HostTrouble:
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return _only_openssh(target, f"paramiko and the host have no algorithm in common: {error}")
    if isinstance(found, ProxySocket) and (said := found.said()):
        return HostDown(f"the ProxyCommand of {target.name} does not lead there", evidence=said)
    if "banner" in str(error) and isinstance(error.__context__, (EOFError, ConnectionResetError)):
        return _HungUp(
            f"{target.name} closed the connection before the login",
            evidence="too many logins at once (MaxStartups in its sshd_config), or it blocks this machine",
        )
    if "No existing session" in str(error) or isinstance(error.__context__, TimeoutError):  # the first to notice
        return _down(target, TimeoutError(f"it takes the connection, but says nothing for {_BANNER_S:.0f} s"))
    return _down(target, error)


def _only_openssh(target: Target, evidence: str) -> HostClosed:
    return HostClosed(
        f"{target.name} can be reached by the system's ssh only", evidence=evidence,
        fix=f"{{name: {target.name}, transport: openssh}}    # in hydra.launcher.hosts",
    )  # fmt: skip


def _down(target: Target, error: Exception) -> HostDown:
    seen = str(error) or type(error).__name__
    return HostDown(f"{target.name} does not answer", evidence=f"{target.host} port {target.port}: {seen}")


def _no_session(name: str, error: Exception) -> HostTrouble:
    if isinstance(error, paramiko.ChannelException):
        return HostClosed(
            f"{name} lets us in, but runs no commands", evidence=str(error),
            fix="MaxSessions 1    # or more, in its sshd_config",
        )  # fmt: skip
    return HostDown(f"{name} did not stay connected", evidence=str(error) or type(error).__name__)
