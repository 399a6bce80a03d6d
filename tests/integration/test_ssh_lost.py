"""Hosts behind SSH that stay away: their tasks go elsewhere, and by an independent witness no attempts overlap."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hsm_core.conductor.conductor import Conductor
from hsm_core.conductor.tasks_to_run import resumable
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.installing import install
from hsm_core.hosts.interface import Host
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.transports import make_host
from hsm_core.sources.remote.pool import Equipment, HostPool
from hsm_core.sources.remote.sweep_there import folder_there, program_files
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import WorkerSpec
from tests.integration.test_ssh_source import frozen
from tests.services.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd
PYTHON = "/usr/bin/python3"
SPEC = WorkerSpec(slots=2, beat_s=0.3, grace_s=0.5, idle_s=5.0)
TIMING = Timing(beat_s=0.3, dead_s=1.2, hello_s=20.0)
LOST_AFTER_S = 2.0
#: Says by the hosts' common clock when an attempt, and what it started, was alive; it waits for its host's gate.
CODE = """
import subprocess, time
name = "/tmp/seen/%d.%d" % (order["task"], order["attempt"])
child = '''
import sys, time
while True:
    with open(sys.argv[1], "a") as stream:
        stream.write("alive %f\\\\n" % time.clock_gettime(time.CLOCK_BOOTTIME))
    time.sleep(0.05)
'''
def note(word):
    with open(name, "a") as stream:
        stream.write("%s %f\\n" % (word, time.clock_gettime(time.CLOCK_BOOTTIME)))
note("begin")
subprocess.Popen(["setsid", "/usr/bin/python3", "-c", child, name + ".child"])
while not os.path.exists("/tmp/seen/gate"):
    note("alive")
    time.sleep(0.02)
note("end")
result = order["attempt"]
"""


def equip(name: str, host: Host) -> Equipment:
    program = install(host, program_files(), folder_there(host, {}) / "worker", PYTHON)
    return Equipment(PYTHON, program, replace(SPEC, source=name, slots=2 if name == "h1" else 4))


class Client:
    """A sweep over h1 and h2, and whoever conducts it."""

    def __init__(self, folder: Path, fleet: Fleet, tasks: int) -> None:
        self.fleet, self.plain = fleet, frozen(folder, [CODE] * tasks)
        self.conductor: Any = None
        self.tasks, self.said, self.children = tasks, list[str](), list[int]()
        for number in (1, 2):
            fleet("exec", number, "sh", "-c", "rm -rf /tmp/seen /home/sweeper/.local/share/hsm/sweeps")
            fleet("exec", number, "mkdir", "-m", "777", "/tmp/seen")

    def begin(self, lost_after_s: float = LOST_AFTER_S) -> None:
        """Begins with the sweep, or goes on with it, as a new client."""
        state = self.plain.state()
        self.conductor = self._conductor(lost_after_s)
        self.conductor.attach()
        pairs = resumable(self.conductor.state, range(self.tasks), failed_too=False)
        self.conductor.add(pairs, self.plain.launch if not state.submissions else self._again(), self.plain.launch)

    def _again(self) -> LaunchPaths:
        launch = self.plain.paths.launch(0)
        number = len(list(self.plain.paths.hsm.glob("launch-0*")))
        again = LaunchPaths(launch.root.with_name(f"launch-0-{number}"))
        again.root.mkdir()
        return again

    def begin_elsewhere(self, lost_after_s: float = LOST_AFTER_S) -> int:
        """The same in a process of its own, which is returned: it can be killed."""
        child = os.fork()
        if not child:
            try:
                self.begin(lost_after_s)
                self.finish(100.0)
            finally:
                os._exit(0)
        self.children.append(child)
        return child

    def _conductor(self, lost_after_s: float) -> Conductor:
        hosts = [make_host(read_address({"name": one}), self.fleet.ssh_config, timing=TIMING) for one in ("h1", "h2")]
        pools = [
            HostPool(
                SourceRecord(one.name.partition(":")[2], "host", one.name, dict(one.settings)), self.plain.paths, one,
                SPEC, partial(equip, one.name.partition(":")[2]), lost_after_s,
            )
            for one in hosts
        ]  # fmt: skip
        return Conductor(pools, self.plain.state())

    def step_until(self, condition: Callable[[], bool], timeout: float = 25.0) -> None:
        give_up = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > give_up:
                pytest.fail("\n".join([*self.said, str(self.attempts()), *self.hosts_say()]))
            self.conductor.step()
            self.said += self.conductor.new_messages()
            self.conductor.news.wait(0.05)

    def hosts_say(self) -> list[str]:
        found = [(host, pair, words[0], words[-1]) for host in (1, 2) for pair, words in self.seen(host).items()]
        return [*map(str, found), *(one.read_text() for one in self.plain.paths.events.glob("h*"))]

    def attempts(self) -> dict[int, tuple[int, str]]:
        state = self.conductor.state
        return {number: (task.attempt, state.state_of(number)) for number, task in state.tasks.items()}

    def seen(self, host: int) -> dict[tuple[int, int], list[tuple[str, float]]]:
        """What the witness of a host has, by task and attempt."""
        found: dict[tuple[int, int], list[tuple[str, float]]] = {}
        text = self.fleet("exec", host, "sh", "-c", "cd /tmp/seen && grep -H . [0-9]*; true", check=False)
        for line in text.splitlines():
            name, _, said = line.partition(":")
            word, at = said.split()
            task, attempt = name.split(".")[:2]
            found.setdefault((int(task), int(attempt)), []).append((word, float(at)))
        return found

    def begun(self, host: int) -> int:
        return len(self.seen(host))

    def open_gate(self, *hosts: int) -> None:
        for host in hosts:
            self.fleet("exec", host, "touch", "/tmp/seen/gate")

    def finish(self, timeout: float = 25.0) -> None:
        self.step_until(lambda: not self.conductor.open_tasks, timeout)
        self.conductor.close()

    def check(self) -> None:
        """Lost 0, overlapping 0, two accepted outcomes 0."""
        lives: dict[int, dict[int, list[tuple[str, float]]]] = {}
        for host in (1, 2):
            for (task, attempt), words in self.seen(host).items():
                assert attempt not in lives.setdefault(task, {}), "an attempt ran on two hosts"
                lives[task][attempt] = words
        state = self.plain.state()
        assert state.numbers_in("completed") == list(range(self.tasks)), self.said
        for task, by_attempt in lives.items():
            times = [[at for _, at in words] for _, words in sorted(by_attempt.items())]
            assert all(max(one) < min(other) for one, other in pairwise(times)), f"attempts of task {task} overlap"
            accepted = state.tasks[task].attempt
            assert any(word == "end" for word, _ in by_attempt[accepted])
            files = state.task_directory(task)
            assert files is not None
            outcome = json.loads(files.outcome.read_bytes())
            assert (outcome["attempt"], outcome["value"]) == (accepted, accepted)

    def require_moved(self) -> None:
        """What h1 had begun has an accepted attempt on h2. Under load, a lease of 2 s may run out on h2, too."""
        tasks = self.plain.state().tasks
        moved = {task for task, attempt in self.seen(1) if attempt == 1}
        assert len(moved) == 2
        assert all((task, tasks[task].attempt) in self.seen(2) for task in moved)

    def kill(self, child: int) -> None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.children.remove(child)

    def end(self) -> None:
        for child in list(self.children):
            self.kill(child)
        if self.conductor is not None:
            self.conductor.close()
        for number in (1, 2):
            pattern = "hsm_core/worker|tmp/seen"
            self.fleet("exec", number, "pkill", "-KILL", "-u", "sweeper", "-f", pattern, check=False)
        self.plain.close()


@pytest.fixture
def client(
    request: pytest.FixtureRequest, fleet: Fleet, weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    monkeypatch.setattr("hsm_core.hosts.ssh.paramiko_host._CONNECT_S", 0.5)
    monkeypatch.setattr("hsm_core.sources.job_monitor.LEAST_S", 0.3)
    made = Client(weird_tmp_path, fleet, getattr(request, "param", 4))
    yield made
    fleet.heal()
    made.end()


def test_the_tasks_of_a_host_that_stays_away_end_there_and_run_elsewhere(client: Client) -> None:
    client.begin()
    client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 2)
    client.fleet("drop", 1)
    client.open_gate(2)
    client.finish()
    client.check()
    client.require_moved()


@pytest.mark.slow
def test_what_ended_there_unheard_is_not_accepted_once_it_runs_elsewhere(client: Client) -> None:
    client.begin()
    client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 2)
    client.fleet("cut", 1)
    client.open_gate(1)
    client.step_until(lambda: any(attempt == 2 for _, attempt in client.seen(2)))
    client.fleet("heal", 1)
    journals = client.plain.paths.events
    client.step_until(lambda: sum(b'"state":"completed"' in one.read_bytes() for one in journals.glob("h1*")) > 0)
    client.open_gate(2)
    client.finish()
    client.check()
    client.require_moved()


@pytest.mark.slow
@pytest.mark.parametrize("client", [14], indirect=True)
def test_a_host_that_comes_back_is_used_again(client: Client) -> None:
    client.begin()
    client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 4)
    client.fleet("drop", 1)
    client.step_until(lambda: any("go elsewhere" in line for line in client.said))
    client.fleet("undrop", 1)
    client.step_until(lambda: client.begun(1) > 2, 60.0)
    client.open_gate(1, 2)
    client.finish()
    client.check()
    assert len(list(client.plain.paths.events.glob("h1-*.jsonl"))) == 2
    assert not any("a worker died" in line for line in client.said)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["KILL", "STOP"])
def test_a_worker_that_is_killed_or_stopped_meanwhile_leaves_nothing_running(client: Client, how: str) -> None:
    client.begin()
    client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 2)
    client.fleet("drop", 1)
    supervisor = client.fleet("exec", 1, "pgrep", "-o", "-f", "main__.py supervise").split()[0]
    client.fleet("exec", 1, "kill", f"-{how}", supervisor)
    client.step_until(lambda: any(attempt == 2 for _, attempt in client.seen(2)))
    client.fleet("undrop", 1)
    client.open_gate(1, 2)
    client.finish()
    client.check()
    assert not client.fleet("exec", 1, "pgrep", "-f", "main__.py supervise", check=False)


@pytest.mark.slow
def test_a_host_that_crashed_is_given_up_and_taken_up_again(client: Client) -> None:
    client.begin()
    client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 2)
    seen = client.seen(1)
    client.fleet("crash", 1)
    client.step_until(lambda: client.said != [])
    client.fleet("boot", 1)
    client.fleet("exec", 1, "mkdir", "-m", "777", "/tmp/seen")
    client.open_gate(1, 2)
    client.finish()
    assert client.plain.state().numbers_in("completed") == [0, 1, 2, 3]
    assert len(seen) == 2


@pytest.mark.slow
def test_a_lease_is_renewed_on_a_full_disk(client: Client) -> None:
    client.begin()
    client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 2)
    client.fleet("exec", 1, "sh", "-c", "cat /dev/zero > /home/fill; true", check=False)
    until = time.monotonic() + 4 * LOST_AFTER_S
    client.step_until(lambda: time.monotonic() > until)
    assert not client.fleet("exec", 1, "sh", "-c", "ls /tmp/seen/*.2", check=False)
    client.fleet("drop", 1)
    client.step_until(lambda: any(attempt == 2 for _, attempt in client.seen(2)))
    client.fleet("exec", 1, "rm", "/home/fill")
    client.fleet("undrop", 1)
    client.open_gate(1, 2)
    client.finish()
    client.check()


@pytest.mark.slow
def test_a_client_that_is_killed_twice_meanwhile_waits_anew_and_moves_them(client: Client) -> None:
    first = client.begin_elsewhere(5.0)
    wait_until(lambda: client.begun(1) == 2 and client.begun(2) == 2, 25.0)
    client.fleet("drop", 1)
    client.kill(first)
    second = client.begin_elsewhere(5.0)
    time.sleep(1.0)
    client.kill(second)
    client.begin(5.0)
    client.open_gate(2)
    client.finish()
    client.check()
    client.fleet("undrop", 1)
    client.require_moved()


@pytest.mark.slow
def test_a_client_that_was_away_for_long_tries_again_what_has_ended_there(client: Client) -> None:
    first = client.begin_elsewhere()
    wait_until(lambda: client.begun(1) == 2 and client.begun(2) == 2, 25.0)
    client.kill(first)
    wait_until(lambda: not client.fleet("exec", 1, "pgrep", "-f", "main__.py supervise", check=False), 30.0)
    client.begin()
    client.open_gate(1, 2)
    client.finish()
    client.check()
    assert max(task.attempt for task in client.plain.state().tasks.values()) == 2


@pytest.mark.slow
@pytest.mark.parametrize("leaves", [True, False], ids=["left", "killed"])
def test_what_its_client_left_or_may_not_move_goes_on_for_ever(client: Client, leaves: bool) -> None:
    if leaves:
        client.begin()
        client.step_until(lambda: client.begun(1) == 2 and client.begun(2) == 2)
        client.conductor.close()
        time.sleep(2 * LOST_AFTER_S)
    else:
        first = client.begin_elsewhere(6.0)
        wait_until(lambda: client.begun(1) == 2 and client.begun(2) == 2, 25.0)
        client.kill(first)
    client.begin(lost_after_s=0.0)
    leases = list(client.plain.paths.inbox("").parent.glob("*.lease"))
    client.step_until(lambda: all(b"released" in one.read_bytes() for one in leases))
    client.fleet("drop", 1)
    until = time.monotonic() + (8.5 if not leaves else 4 * LOST_AFTER_S)
    client.step_until(lambda: time.monotonic() > until)
    client.fleet("undrop", 1)
    client.open_gate(1, 2)
    client.finish()
    client.check()
    assert {task.attempt for task in client.plain.state().tasks.values()} == {1}
