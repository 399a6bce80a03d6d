"""Whom a host lets in, and what is said where it does not: real sshd, with paramiko and with the system's ssh."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from hsm_core.errors import HostClosed, HostDown, HostTrouble
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.ssh.address import HostAddress, read_address
from hsm_core.hosts.ssh.openssh_host import OpenSshHost
from hsm_core.hosts.ssh.paramiko_host import ParamikoHost
from tests.services.fleet import Fleet
from tests.services.logins import Config, sshd_with
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd
both = pytest.mark.parametrize("kind", [ParamikoHost, pytest.param(OpenSshHost, marks=pytest.mark.slow)])
Kind = Callable[[HostAddress, Path], RemoteHost]


@pytest.fixture
def network(ssh_hosts: Fleet) -> Iterator[Fleet]:
    with ssh_hosts.reachable():
        yield ssh_hosts


@pytest.fixture
def config(network: Fleet, tmp_path: Path) -> Config:
    return Config(network, tmp_path)


def refused(kind: Kind, config: Config, address: str | Mapping[str, object] = "h1") -> HostTrouble:
    host = kind(read_address(address), config.path)
    with pytest.raises(HostTrouble) as raised:
        host.run(["true"], 20.0)
    host.close()
    return raised.value


def runs(kind: Kind, config: Config, address: str | Mapping[str, object] = "h1") -> bool:
    host = kind(read_address(address), config.path)
    try:
        return host.run(["true"], 20.0).code == 0
    finally:
        host.close()


@both
def test_an_unknown_host_stops_with_the_line_to_type(kind: Kind, config: Config) -> None:
    config.known_hosts.write_text("")
    error = refused(kind, config)
    assert isinstance(error, HostClosed)
    assert "is not known yet" in error.problem
    assert error.fix.startswith(f"ssh -F {config.path} h1 ")
    assert config.known_hosts.read_text() == ""


@both
def test_an_unknown_host_is_written_down_if_that_is_asked_for_and_then_known(kind: Kind, config: Config) -> None:
    config.known_hosts.write_text("")
    assert runs(kind, config, {"name": "h1", "host_keys": "accept_new"})
    assert config.known_hosts.read_text() != ""
    assert runs(ParamikoHost, config)
    assert runs(OpenSshHost, config)


@both
@pytest.mark.parametrize("host_keys", ["known", "accept_new"])
def test_a_changed_host_key_always_stops(kind: Kind, config: Config, host_keys: str) -> None:
    first, second, *_ = config.known_hosts.read_text().splitlines()
    config.known_hosts.write_text(f"{first.split()[0]} {' '.join(second.split()[1:])}\n")
    before = config.known_hosts.read_text()
    error = refused(kind, config, {"name": "h1", "host_keys": host_keys})
    assert isinstance(error, HostClosed)
    assert "WARNING: h1 has another host key" in error.problem
    assert error.fix.startswith("ssh-keygen -R 192.0.2.1 -f ")
    assert config.known_hosts.read_text() == before


@both
def test_a_revoked_host_key_stops(kind: Kind, config: Config) -> None:
    text = config.known_hosts.read_text()
    config.known_hosts.write_text(text + "@revoked * " + " ".join(text.splitlines()[0].split()[1:]) + "\n")
    assert "revoked" in refused(kind, config).problem
    assert runs(kind, config, "h2")


@both
def test_an_authority_in_known_hosts_breaks_nothing(kind: Kind, config: Config) -> None:
    text = config.known_hosts.read_text()
    config.known_hosts.write_text("@cert-authority *.lab " + " ".join(text.split()[1:3]) + "\n" + text)
    assert runs(kind, config)


@both
def test_hashed_known_hosts_are_read(kind: Kind, config: Config) -> None:
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", config.known_hosts], check=True, capture_output=True)
    assert runs(kind, config)


@both
def test_a_key_that_is_not_accepted_is_named_and_not_tried_again(
    kind: Kind, config: Config, tmp_path: Path, network: Fleet
) -> None:
    other = tmp_path / "id_other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", other], check=True)
    config.without_key(f"Host h1\n  IdentityFile {other}")
    host = kind(read_address("h1"), config.path)
    for _ in range(2):
        with pytest.raises(HostClosed, match="h1 does not let sweeper in"):
            host.run(["true"], 20.0)
    failures = network("exec", 1, "sh", "-c", "grep -c 'Failed publickey.*ECDSA' /var/log/sshd.log || :")
    assert int(failures) <= (1 if kind is ParamikoHost else 2)


def test_an_encrypted_key_is_asked_for_by_nobody(config: Config, tmp_path: Path) -> None:
    key = tmp_path / "id_secret"
    shutil.copy(config.key, key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", key], check=True, capture_output=True)
    config.without_key(f"Host h1\n  IdentityFile {key}")
    error = refused(ParamikoHost, config)
    assert (error.fix, "encrypted" in error.evidence) == (f"ssh-add {key}", True)


def test_a_key_of_the_agent_is_used(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        wait_until(path.exists)
        config.without_key("Host *\n  IdentitiesOnly no")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", config.key], check=True, capture_output=True)
        assert runs(ParamikoHost, config)
        config.without_key("Host *\n  IdentitiesOnly no\n  IdentityAgent none")
        assert "does not let sweeper in" in refused(ParamikoHost, config).problem
    finally:
        agent.kill()
        agent.wait()


@both
def test_a_jump_host_is_gone_through(kind: Kind, config: Config, network: Fleet) -> None:
    config.add("Host far\n  HostName 192.0.2.3\n  User sweeper\n  ProxyJump h1,h2\nHost h2\n  Port 22")
    host = kind(read_address("far"), config.path)
    assert host.run(["sh", "-c", "hostname; echo $SSH_CONNECTION | cut -d' ' -f1"], 20.0).out == "h3\n192.0.2.2\n"
    host.close()


@both
def test_what_login_files_print_disturbs_nothing(kind: Kind, config: Config, network: Fleet) -> None:
    rc = "echo Welcome, traveller; echo to stderr >&2; printf 'no newline'"
    network("exec", 2, "sh", "-c", f'echo "{rc}" > /home/sweeper/.bashrc; chmod 644 /home/sweeper/.bashrc')
    try:
        host = kind(read_address("h2"), config.path)
        assert host.run(["echo", "word"], 20.0).out == "word\n"
        assert host.greeting.noise == len("Welcome, traveller\nno newline")
        host.close()
    finally:
        network("exec", 2, "rm", "/home/sweeper/.bashrc")


@both
def test_one_session_is_enough(kind: Kind, config: Config, network: Fleet) -> None:
    with sshd_with(network, 2, "MaxSessions 1"):
        host = kind(read_address("h2"), config.path)
        host.write(Path("/tmp/one"), b"x" * 1_000_000)
        assert host.read(Path("/tmp/one"), 999_999) == b"x"
        host.close()


def test_a_host_that_wants_more_than_a_key_needs_a_person(config: Config, network: Fleet) -> None:
    both_wanted = "AuthenticationMethods publickey,keyboard-interactive\\nKbdInteractiveAuthentication yes"
    with sshd_with(network, 2, both_wanted):
        began = time.monotonic()
        error = refused(ParamikoHost, config, "h2")
        assert time.monotonic() - began < 15
    assert isinstance(error, HostClosed)
    assert error.fix.startswith("ssh -fN -F ")


def test_a_persons_own_login_is_used_and_none_is_opened_when_it_is_gone(
    config: Config, network: Fleet, request: pytest.FixtureRequest
) -> None:
    folder = tempfile.TemporaryDirectory(prefix="cm", dir="/tmp")  # the path of a unix socket has 108 characters
    request.addfinalizer(folder.cleanup)
    config.add(f"Host h1\n  ControlPath {folder.name}/%C\n  ControlMaster auto")
    error = refused(OpenSshHost, config)
    assert isinstance(error, HostDown)
    assert "nobody is logged in to h1" in error.problem
    start = ["ssh", "-F", config.path, "-N", "h1"]
    master = subprocess.Popen(start, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        host = OpenSshHost(read_address("h1"), config.path)
        assert wait_until(lambda: answers(host), what="the login") == "h1\n"
        logins = len(accepted(network))
    finally:
        master.kill()
        master.wait()
    with pytest.raises(HostTrouble):
        host.run(["hostname"], 20.0)
    assert len(accepted(network)) == logins
    host.close()


def answers(host: RemoteHost) -> str:
    try:
        return host.run(["hostname"], 20.0).out
    except HostDown:
        return ""


def accepted(fleet: Fleet) -> list[str]:
    return fleet("exec", 1, "sh", "-c", "grep 'Accepted publickey' /var/log/sshd.log").splitlines()


@both
def test_a_host_without_a_usable_python_is_told_what_was_tried(kind: Kind, config: Config, network: Fleet) -> None:
    network("exec", 2, "sh", "-c", "mkdir /away; mv /usr/bin/python3* /away; rm -f /usr/local/bin/python3*")
    try:
        error = refused(kind, config, "h2")
    finally:
        network("exec", 2, "sh", "-c", "mv /away/* /usr/bin; rmdir /away")
    assert isinstance(error, HostClosed)
    assert "no Python 3.10 or newer" in error.problem
    assert "python3 (not there)" in error.evidence


@both
def test_the_python_that_is_named_is_the_one_that_runs(kind: Kind, config: Config, network: Fleet) -> None:
    network("exec", 2, "sh", "-c", "ln -sf /usr/bin/python3 '/home/sweeper/my python'")
    named = {"name": "h2", "python": "~/my python"}
    host = kind(read_address(named), config.path)
    assert host.greeting.python.endswith("/my python")
    host.close()
    error = refused(kind, config, {**named, "python": "~/none"})
    assert error.evidence == "hsm: no usable Python: /home/sweeper/none (not there)"


@both
def test_a_host_that_does_not_exist_or_listen_is_down(kind: Kind, config: Config) -> None:
    config.add("Host nowhere\n  HostName no-such-host.invalid\nHost deaf\n  HostName 192.0.2.1\n  Port 2\n  User x")
    for name in ("nowhere", "deaf"):
        error = refused(kind, config, name)
        assert isinstance(error, HostDown), error
        assert f"{name} does not answer" in error.problem


@both
def test_a_call_to_a_connected_host_is_quick(kind: Kind, config: Config) -> None:
    host = kind(read_address("h1"), config.path)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        host.which("sh")
        times.append(time.perf_counter() - began)
    host.close()
    assert min(times) < 0.03, "Nagle's algorithm costs 0.04 s"
