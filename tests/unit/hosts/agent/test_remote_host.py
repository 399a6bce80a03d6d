"""A host behind an agent does what a host must; here the agent runs on this machine, at the end of a pipe."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.errors import HostClosed, HostDown, LinkLost
from hsm_core.hosts.agent.carried import PYTHONS, command, program
from hsm_core.hosts.agent.channel import PipeChannel
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.messages import pack
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Host, Patience
from hsm_core.hosts.registry import KINDS
from hsm_core.testing.host import HostContract
from tests.waiting import wait_until

QUICK = Timing(hello_s=20, beat_s=0.1, dead_s=1.0, silent_s=2.0, answer_s=20)


class Machine:
    """Starts agents on this machine; what they run under can be changed between two of them."""

    def __init__(self, timing: Timing = QUICK) -> None:
        self.timing = timing
        self.before = ""
        self.pythons: tuple[str, ...] = PYTHONS
        self.channels: list[PipeChannel] = []

    def connect(self) -> PipeChannel:
        line = command(self.pythons, name="agent", beat_s=self.timing.beat_s, silent_s=self.timing.silent_s)
        self.channels.append(PipeChannel(["sh", "-c", self.before + line]))
        return self.channels[-1]

    def host(self, patience: Patience | None = None) -> RemoteHost:
        return RemoteHost("box1", self.connect, patience, self.timing)

    @property
    def agent(self) -> int:
        return self.channels[-1]._process.pid


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    for channel in machine.channels:
        channel.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[RemoteHost]:
    host = Machine(Timing()).host()
    yield host
    host.close()


class TestRemoteHost(HostContract):
    @pytest.fixture
    def host(self, shared: RemoteHost, monkeypatch: pytest.MonkeyPatch) -> Host:
        monkeypatch.setitem(KINDS, "box1", lambda name, settings, patience: Machine().host(patience))
        return shared

    @pytest.fixture
    def folder(self, weird_tmp_path: Path) -> Path:
        return weird_tmp_path.resolve()


def test_what_a_login_shell_prints_first_is_no_answer(machine: Machine) -> None:
    machine.before = "echo Welcome; printf 'no newline: {\"id\": 1}'; echo to stderr >&2; "
    host = machine.host()
    assert host.run(["echo", "word"], 20.0).out == "word\n"
    assert host.greeting.noise == 29


def test_without_a_python_it_is_said_what_was_tried_and_never_tried_again(machine: Machine) -> None:
    machine.pythons = ("no-such-python", "sh", "~/none/python")
    host = machine.host()
    for _ in range(2):
        with pytest.raises(HostClosed, match=r"no Python 3\.10") as raised:
            host.run(["true"], 20.0)
    assert "no-such-python (not there), sh (" in raised.value.evidence
    assert len(machine.channels) == 1


def test_what_can_not_connect_is_tried_again_but_not_at_once(machine: Machine) -> None:
    machine.before = "echo refused >&2; exit 255; "
    host = machine.host()
    for _ in range(3):
        with pytest.raises(HostDown, match="refused"):
            host.run(["true"], 20.0)
    assert len(machine.channels) == 1
    machine.before = ""
    assert wait_until(lambda: _code(host), what="the next try") == "0"


def _code(host: Host) -> str:
    try:
        return str(host.run(["true"], 20.0).code)
    except HostDown:
        return ""


def test_a_broken_link_ends_a_command_in_doubt_and_the_next_call_connects_again(
    machine: Machine, tmp_path: Path
) -> None:
    host, failed = machine.host(), []

    def run() -> None:
        try:
            host.run(["sh", "-c", "touch begun; sleep 3; touch late"], 60.0, cwd=tmp_path)
        except LinkLost as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: (tmp_path / "begun").exists())
    started = host.start(["sleep", "60"], host.environment, tmp_path / "log")
    machine.channels[-1].close()
    thread.join(30)
    assert [type(error) for error in failed] == [LinkLost]
    assert host.evidence_of_death(started) is None
    assert len(machine.channels) == 2
    host.signal(started, signal.SIGKILL)
    wait_until(lambda: host.evidence_of_death(started) is not None)


def test_a_link_on_which_nothing_comes_is_dead_soon(machine: Machine, tmp_path: Path) -> None:
    host = machine.host()
    host.write(tmp_path / "file", b"content")
    os.kill(machine.agent, signal.SIGSTOP)
    began = time.monotonic()
    assert host.read(tmp_path / "file") == b"content"  # on a new one
    assert time.monotonic() - began < 15
    assert len(machine.channels) == 2


def test_an_agent_whose_client_is_silent_ends_with_what_it_runs_for_it(tmp_path: Path) -> None:
    channel = Machine().connect()
    call = {"id": 1, "call": "run", "argv": ["sh", "-c", "echo $$ > pid; sleep 60"], "timeout_s": 60}
    channel.write(program() + pack({**call, "cwd": str(tmp_path), "env": None}))
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    wait_until(lambda: channel.code() == 0, what="the agent to end")
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    channel.close()


def test_whoever_wants_to_leave_is_not_kept(machine: Machine) -> None:
    patience = Patience()
    host = machine.host(patience)
    host.run(["true"], 20.0)
    began = time.monotonic()
    with patience.of(lambda: time.monotonic() - began > 0.3, print):
        done = host.run(["sh", "-c", "echo so far; exec sleep 60"], 60.0)
    assert (done.code, done.out) == (None, "so far\n")
    assert time.monotonic() - began < 20


def test_a_program_that_arrives_damaged_is_not_run() -> None:
    channel = Machine().connect()
    channel.write(bytes(reversed(program())))
    wait_until(lambda: channel.read(1.0) == b"")
    assert "damaged" in channel.said()
    assert channel.code() == 1
    channel.close()
