"""hsm doctor --host says of real hosts behind SSH whether a sweep can run there, and what to type where it can't."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest

from hsm_core.cli.doctor.host_checks import verdict
from hsm_core.cli.doctor.hosts import examine_all
from hsm_core.cli.doctor.typed_hosts import read_hosts
from hsm_core.detect.python_there import own_interpreter
from hsm_core.schedulers.batch_system import Finding
from tests.conftest import open_to_all
from tests.services.fleet import Fleet, running_fleet
from tests.services.logins import Config, sshd_with
from tests.services.wheels import wheels_of_this_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd
both = pytest.mark.parametrize("transport", ["paramiko", pytest.param("openssh", marks=pytest.mark.slow)])
_ENV = "/home/sweeper/hsm-env/bin/python"
ROOT = Path(__file__).resolve().parents[2]
_TWO_STEPS = "AuthenticationMethods publickey,keyboard-interactive\\nKbdInteractiveAuthentication yes"


@pytest.fixture
def network(ssh_hosts: Fleet) -> Iterator[Fleet]:
    with ssh_hosts.reachable():
        yield ssh_hosts


@pytest.fixture
def config(network: Fleet, tmp_path: Path) -> Config:
    return Config(network, tmp_path)


def found_of(config: Config, host: str = "h1", transport: str = "auto") -> dict[str, Finding]:
    addresses = read_hosts([host], transport)  # type: ignore[arg-type]
    ((_, found),) = examine_all(addresses, config.path)
    assert all(one.fix for one in found if one.level != "ok"), found
    return {one.name: one for one in found}


def levels(found: dict[str, Finding]) -> dict[str, str]:
    return {name: one.level for name, one in found.items() if one.level != "ok"}


@contextmanager
def command_there(fleet: Fleet, number: int, path: str, script: str) -> Iterator[None]:
    """On this host, a command is this script."""
    argv = ["sh", "-c", f"mkdir -p {Path(path).parent} && printf '%s' \"$1\" > {path} && chmod 755 {path}", "sh"]
    fleet("exec", number, *argv, script)
    try:
        yield
    finally:
        fleet("exec", number, "rm", "-rf", path, "/home/sweeper/hsm-env")


def answering(version: str, **packages: str) -> str:
    """A script that answers what hsm asks an interpreter."""
    told = {"python": _ENV, "version": version, **own_interpreter().packages, **packages}
    return f"#!/bin/sh\necho 'hsm-python:{json.dumps(told)}'\n"


@both
def test_of_a_host_that_will_do_all_is_told(transport: str, config: Config, network: Fleet) -> None:
    with command_there(network, 1, _ENV, answering(own_interpreter().version)):
        found = found_of(config, transport=transport)
    assert verdict(list(found.values())).startswith("a sweep can run there")
    assert found["connection"].said == f"sweeper@192.0.2.1 port 22, by {transport}"
    assert f"as in {config.known_hosts}:1" in found["host key"].said
    assert "id_ed25519" in found["login"].said
    assert found["python"].said == f"{_ENV}, {own_interpreter().version}, as here"
    assert found["hydra-core"].said == f"{own_interpreter().packages['hydra-core']}, as here"
    assert found["login files"].said == "/bin/bash prints nothing of its own"
    names = ["agent", "round trip", "omegaconf", "disk", "gpus", "cores", "clock", "logout"]
    assert set(names) < set(found)
    assert not set(levels(found)) - {"disk", "round trip"}  # these hosts are small, and this machine may be busy


@both
def test_an_unknown_host_is_to_be_logged_in_to_by_hand(transport: str, config: Config) -> None:
    config.known_hosts.write_text("")
    found = found_of(config, transport=transport)
    assert levels(found) == {"host key": "bad"}
    assert "is not known yet" in found["host key"].said
    assert found["host key"].fix.startswith(f"ssh -F {config.path} h1 ")
    assert "login" not in found


@both
def test_a_changed_host_key_is_told_loudly(transport: str, config: Config) -> None:
    first, second, *_ = config.known_hosts.read_text().splitlines()
    config.known_hosts.write_text(f"{first.split()[0]} {' '.join(second.split()[1:])}\n")
    found = found_of(config, transport=transport)
    assert levels(found) == {"host key": "bad"}
    assert found["host key"].said.startswith("WARNING: h1 has another host key")
    assert found["host key"].fix.startswith("ssh-keygen -R 192.0.2.1 ")


@both
def test_a_key_that_nobody_there_knows(transport: str, config: Config, tmp_path: Path) -> None:
    other = tmp_path / "id_other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    config.without_key(f"Host h1\n  IdentityFile {other}")
    found = found_of(config, transport=transport)
    assert levels(found) == {"login": "bad"}
    assert "h1 does not let sweeper in" in found["login"].said
    assert found["login"].fix.startswith("ssh")


@both
def test_an_encrypted_key_is_to_be_added_to_the_agent(transport: str, config: Config, tmp_path: Path) -> None:
    key = tmp_path / "id_secret"
    shutil.copy(config.key, key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", key], check=True, capture_output=True)
    config.without_key(f"Host h1\n  IdentityFile {key}")
    found = found_of(config, transport=transport)
    assert levels(found) == {"login": "bad"}
    assert found["login"].fix == f"ssh-add {key}"


@both
def test_a_host_that_wants_a_code_needs_a_person(transport: str, config: Config, network: Fleet) -> None:
    with sshd_with(network, 2, _TWO_STEPS):
        found = found_of(config, "h2", transport)
    assert levels(found) == {"login": "bad"}
    assert found["login"].fix.startswith(f"ssh -fN -F {config.path} h2 ")
    assert "ControlMaster" in found["login"].fix


def test_the_login_that_a_person_opened_is_looked_at(config: Config, network: Fleet) -> None:
    with tempfile.TemporaryDirectory(prefix="cm", dir="/tmp") as folder:
        config.add(f"Host h1\n  ControlPath {folder}/%C\n  ControlMaster auto")
        closed = found_of(config, transport="openssh")
        assert closed["connection"].fix.startswith("ssh -fN ")
        start = ["ssh", "-F", config.path, "-N", "h1"]
        master = subprocess.Popen(start, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: "login" in found_of(config, transport="openssh"), what="the login")
            found = found_of(config, transport="openssh")
        finally:
            master.kill()
            master.wait()
    assert "through the login that you opened" in found["connection"].said
    assert found["login"].said == "yours"


@pytest.mark.slow
def test_a_host_with_two_factors_is_used_through_the_login_that_its_user_opened(
    config: Config, network: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network("exec", 2, "sh", "-c", "echo sweeper:code | chpasswd")
    says = tmp_path / "says"
    says.write_text("#!/bin/sh\necho code\n")
    says.chmod(0o700)
    two = "AuthenticationMethods publickey,password\\nPasswordAuthentication yes"
    with sshd_with(network, 2, two), tempfile.TemporaryDirectory(prefix="cm", dir="/tmp") as folder:
        config.add(f"Host h2\n  ControlPath {folder}/%C\n  ControlMaster auto")
        alone = found_of(config, "h2")
        assert levels(alone) == {"login": "bad"}
        assert alone["login"].fix == f"ssh -fN -F {config.path} h2    # then transport: openssh"
        with monkeypatch.context() as patch:
            patch.setenv("SSH_ASKPASS", str(says))
            patch.setenv("SSH_ASKPASS_REQUIRE", "force")
            argv = ["ssh", "-fN", "-F", str(config.path), "h2"]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
        found = found_of(config, "h2", "openssh")
        subprocess.run(["ssh", "-F", config.path, "-O", "exit", "h2"], check=True, capture_output=True)
        gone = found_of(config, "h2", "openssh")
    assert found["login"].said == "yours"
    assert found["agent"].level == "ok"
    assert levels(gone) == {"connection": "bad"}
    assert gone["connection"].fix.startswith("ssh -fN ")


@both
def test_a_host_behind_another_is_told_as_such(transport: str, config: Config) -> None:
    config.add("Host far\n  HostName 192.0.2.3\n  User sweeper\n  ProxyJump h1")
    found = found_of(config, "far", transport)
    assert found["connection"].said == f"sweeper@192.0.2.3 port 22, through h1, by {transport}"


def test_a_host_behind_a_command_is_told_as_such(config: Config) -> None:
    command = f"ssh -F {config.path} -W [%h]:%p h1"
    config.add(f"Host far\n  HostName 192.0.2.3\n  User sweeper\n  ProxyCommand {command}")
    assert "by its ProxyCommand" in found_of(config, "far")["connection"].said
    config.known_hosts.write_text("")
    found = found_of(config, "far")
    assert levels(found) == {"connection": "bad"}
    assert "Host key verification failed" in found["connection"].said


def test_what_login_files_print_under_any_shell_is_noted(config: Config, network: Fleet) -> None:
    network("exec", 2, "sh", "-c", "usermod -s /bin/csh sweeper; echo echo hello > /home/sweeper/.cshrc")
    network("exec", 2, "chmod", "644", "/home/sweeper/.cshrc")
    try:
        found = found_of(config, "h2")
    finally:
        network("exec", 2, "sh", "-c", "usermod -s /bin/bash sweeper; rm /home/sweeper/.cshrc")
    assert found["login files"].level == "note"
    assert "/bin/csh prints 6 bytes" in found["login files"].said
    assert found["agent"].level == "ok"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answering("3.8.1"), "Python 3.8.1 with Hydra"),
        (answering(own_interpreter().version, **{"hydra-core": ""}), "without hydra-core"),
        (answering(own_interpreter().version, **{"hydra-core": "1.1.2"}), "with Hydra 1.1.2"),
    ],
)
def test_a_python_that_will_not_do_is_named_beside_this_one(
    script: str, words: str, config: Config, network: Fleet
) -> None:
    with command_there(network, 1, _ENV, script):
        found = found_of(config)
    assert found["python"].level == "bad"
    assert words in found["python"].said
    assert own_interpreter().words in found["python"].said
    assert found["python"].fix.startswith(f"hsm doctor --host h1 --ssh-config {config.path} --install")
    assert "clock" in found


def test_a_host_without_python_is_told_what_was_tried(config: Config) -> None:
    found = found_of(config, "{name: h1, python: ~/none}")
    assert levels(found) == {"agent": "bad"}
    assert "/home/sweeper/none (not there)" in found["agent"].said


def test_a_full_disk_is_told_and_nothing_is_left_there(config: Config, network: Fleet) -> None:
    full = "mkdir -p /small; mount -t tmpfs -o size=8k,mode=777 small /small; cat /dev/zero > /small/file"
    network("exec", 3, "sh", "-c", f"{full} 2>/dev/null || :")
    try:
        found = found_of(config, "{name: h3, dir: /small/sweeps}")
        assert network("exec", 3, "ls", "-A", "/small") == "file\n"
    finally:
        network("exec", 3, "umount", "/small")
    assert found["disk"].level == "bad"
    assert "/small/sweeps can't be written" in found["disk"].said
    assert "No space left" in found["disk"].said


def test_a_clock_that_is_two_hours_off_is_noted(config: Config, network: Fleet) -> None:
    with command_there(network, 1, "/usr/local/bin/date", '#!/bin/sh\nexec /bin/date -d "2 hours ago" "$@"\n'):
        clock = found_of(config)["clock"]
    assert clock.level == "note"
    assert clock.said.startswith(("7200.", "7199."))
    assert "behind ours" in clock.said


def test_sessions_are_counted(config: Config, network: Fleet) -> None:
    with sshd_with(network, 2, "MaxSessions 1"):
        assert found_of(config, "h2")["sessions"].said.startswith("1 at once")
    with sshd_with(network, 2, "MaxSessions 0"):
        found = found_of(config, "h2")
    assert levels(found) == {"sessions": "bad"}


def test_a_server_with_too_many_logins_is_told(config: Config, network: Fleet) -> None:
    with sshd_with(network, 2, "MaxStartups 1:100:1"), wait_until(begun_login, what="the only login"):
        found = found_of(config, "h2")
    assert levels(found) == {"connection": "bad"}
    assert "MaxStartups" in found["connection"].said


def begun_login() -> socket.socket | None:
    """A connection that sshd waits for to log in; None: it still has another."""
    begun = socket.create_connection(("192.0.2.2", 22), 5)
    if begun.recv(4) == b"SSH-":
        return begun
    begun.close()
    return None


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_a_blackhole_holds_up_no_other_host(transport: str, config: Config, network: Fleet) -> None:
    network("drop", 2)
    try:
        began = time.monotonic()
        addresses = read_hosts(["h1", "h2", "h3"], transport)  # type: ignore[arg-type]
        found = {address.name: rows for address, rows in examine_all(addresses, config.path)}
        assert time.monotonic() - began < 40
    finally:
        network("undrop", 2)
    assert [(one.name, one.level) for one in found["h2"]] == [("connection", "bad")]
    assert "h2 does not answer" in found["h2"][0].said
    assert all(len(found[name]) > 5 for name in ("h1", "h3"))


@pytest.mark.slow
def test_a_server_that_hangs_is_told_as_such(config: Config, network: Fleet) -> None:
    network("exec", 2, "pkill", "-STOP", "-x", "sshd")
    try:
        found = found_of(config, "h2")
    finally:
        network("exec", 2, "pkill", "-CONT", "-x", "sshd")
    assert levels(found) == {"connection": "bad"}
    assert "says nothing for 10 s" in found["connection"].said


@pytest.mark.slow
def test_a_long_way_is_measured_and_taken_out_of_the_clocks_difference(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    with running_fleet(open_to_all(tmp_path_factory.mktemp("far")), 1, delay_ms=100) as fleet, fleet.reachable():
        found = found_of(Config(fleet, tmp_path))
    assert float(found["round trip"].said.split()[0]) > 195
    offset, within = (float(word) for word in re.findall(r"([\d.]+) s", found["clock"].said))
    assert offset <= within + 0.01
    assert within > 0.095


def hsm(config: Config, *words: str) -> list[str]:
    return [sys.executable, "-m", "hsm_core.cli.hsm", "doctor", "--ssh-config", str(config.path), *words]


def test_the_command_tells_programs_the_same_and_prints_no_log_of_paramiko(config: Config) -> None:
    config.known_hosts.write_text(config.known_hosts.read_text().splitlines()[0] + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "hsm_core.cli.hsm", "doctor", "--host", "h1", "--host", "sweeper@h2", "--json"],
        env={**os.environ, "HSM_SSH_CONFIG": str(config.path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert told["schema_version"] == 1
    hosts = {(one["host"], one["name"]): one["level"] for one in told["findings"]}
    assert hosts["h1", "login"] == "ok"
    assert hosts["sweeper@h2", "host key"] == "bad"


@both
def test_on_a_terminal_nobody_is_asked_for_a_password(transport: str, config: Config, network: Fleet) -> None:
    config.without_key("Host *\n  IdentityFile none")
    allowed = "PasswordAuthentication yes\\nKbdInteractiveAuthentication yes"
    with sshd_with(network, 2, allowed):
        told = on_a_terminal(hsm(config, "--host", "h2", "--transport", transport))
    assert "assword:" not in told
    assert "h2: a sweep can't run there: login" in told


#: What the page tells to type.
PAGE = [
    line
    for line in (ROOT / "docs" / "commands.md").read_text().splitlines()
    if line.startswith("hsm doctor --host ")
]
_BOXES = """
Host box1
  HostName 192.0.2.1
Host box2
  HostName 192.0.2.2
Host 10.0.0.3
  HostName 192.0.2.3
Host *
  User sweeper
"""


@pytest.mark.slow
def test_every_command_of_the_page_runs(config: Config, network: Fleet, tmp_path: Path) -> None:
    config.add(_BOXES)
    ready = answering(own_interpreter().version)
    with (
        command_there(network, 1, _ENV, ready), command_there(network, 2, _ENV, ready),
        command_there(network, 3, _ENV, ready), sshd_with(network, 3, "Port 2222\\nPort 22"),
    ):  # fmt: skip
        lines = [line for line in PAGE if "--install" not in line]
        typed(lines, config, tmp_path)
    assert (len(PAGE), len(lines)) == (6, 5)


@pytest.mark.slow
def test_an_environment_with_the_versions_of_this_one_is_created(
    config: Config, network: Fleet, tmp_path: Path, pip: Callable[[str], None]
) -> None:
    config.add(_BOXES)
    folder = tmp_path / "wheels"
    assert wheels_of_this_environment(folder, ["hydra-core", "omegaconf", "packaging"])
    subprocess.run(["scp", "-q", "-r", "-F", config.path, folder, "h1:"], check=True)
    pip("no-index = true\nfind-links = /home/sweeper/wheels")
    told = typed([line for line in PAGE if "--install" in line], config, tmp_path)
    assert "box1: a sweep can run there" in told
    assert f"hydra-core: {own_interpreter().packages['hydra-core']}, as here" in told
    words = "import packaging, hydra; print(packaging.__version__, hydra.__file__)"
    there = network("exec", 1, _ENV, "-c", words)
    assert there.startswith(f"{metadata.version('packaging')} /home/sweeper/hsm-env/")


@pytest.mark.slow
def test_where_no_index_is_reached_packages_are_to_be_sent(config: Config, pip: Callable[[str], None]) -> None:
    pip("index-url = https://127.0.0.1:9/simple\nextra-index-url =\nfind-links =")
    done = subprocess.run(hsm(config, "--host", "h1", "--install"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "-m venv /home/sweeper/hsm-env" in done.stderr
    assert "--install --yes" in done.stderr
    yes = hsm(config, "--host", "h1", "--install", "--yes", "--json")
    done = subprocess.run(yes, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (told,) = [one for one in json.loads(done.stdout)["findings"] if one["level"] == "bad"]
    assert "h1 reaches no package index" in told["said"]
    assert "Connection refused" in told["said"]
    assert told["fix"].startswith("pip wheel -w wheels hydra-core==")
    assert f"| ssh -F {config.path} h1 'tar x && " in told["fix"]


@pytest.fixture
def pip(network: Fleet) -> Iterator[Callable[[str], None]]:
    """Sets up pip on h1; afterwards nothing of it is left there."""

    def configure(lines: str) -> None:
        write = "mkdir -p /home/sweeper/.config/pip; printf '%s' \"$1\" > /home/sweeper/.config/pip/pip.conf"
        network("exec", 1, "sh", "-c", write, "sh", f"[global]\n{lines}\n")

    yield configure
    network("exec", 1, "sh", "-c", "cd /home/sweeper && rm -rf hsm-env wheels .config")


def typed(lines: list[str], config: Config, cwd: Path) -> str:
    """What a shell prints that runs these lines with this SSH configuration as the system's; each exits with 0."""
    script = "mount --bind $0 /etc/ssh/ssh_config; exec bash -ec \"$1\""
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    argv = ["unshare", "-m", "sh", "-ec", script, str(config.path), "\n".join(lines)]
    done = subprocess.run(
        argv, cwd=cwd, env={**os.environ, "PATH": here}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on_a_terminal(argv: list[str]) -> str:
    """What a command prints on a terminal of its own, until it ends."""
    runs = "import pty, sys; pty.spawn(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", runs, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    return done.stdout
