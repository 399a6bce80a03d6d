"""Whole sweeps over hosts behind SSH that are awkward or break, judged by a witness that knows nothing of hsm."""

from __future__ import annotations

import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from tests.conftest import open_to_all
from tests.integration.ssh_sweeping import SshApp, with_hydra
from tests.services.fleet import Fleet, running_fleet
from tests.services.logins import sshd_with
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd
GATE = "gate=/tmp/seen/gate"
COMPLETED = re.compile(rb'^\{"e":"end","t":(\d+),"a":\d+,"state":"completed"', re.MULTILINE)
#: Notes by the clock that all hosts share when an attempt was alive.
APP = '''
import os, pathlib, time
import hydra

def note(word, cfg):
    with open(cfg.witness, "a") as stream:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        stream.write(f"{word} {cfg.x} {os.environ['HSM_ATTEMPT']} {now}\\n")

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    note("begin", cfg)
    print("hello", cfg.x, flush=True)
    while cfg.gate and not os.path.exists(cfg.gate):
        time.sleep(0.02)
        note("alive", cfg)
    made = pathlib.Path("re\\nsult")
    made.mkdir()
    data = pathlib.Path(hydra.utils.get_original_cwd(), "da\\nta", "te\\nxt")
    made.joinpath("fi\\nle").write_text(f"{cfg.x} {data.read_text()}")
    if cfg.large:
        with open("large", "wb") as stream:
            stream.write(b"first")
            stream.truncate(int(cfg.large))
            stream.seek(0, os.SEEK_END)
            stream.write(b"last")
    note("end", cfg)
    return {"score": cfg.x / 2}

if __name__ == "__main__":
    main()
'''
CONFIG = """
x: 0
gate: ""
large: 0
witness: /tmp/seen/witness
hydra: {job: {chdir: true}}
"""
#: An interpreter that answers as Python 3.7 would.
OTHER = """#!/bin/sh
echo 'hsm-python:{"python": "p", "version": "3.7.1", "hydra-core": "1.3.2", "omegaconf": "2.3.0"}'
"""
#: Of programs started with it, only the clock on the wall is two hours late.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t which, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(which, now);
    if (which == CLOCK_REALTIME) now->tv_sec -= 7200;
    return code;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


class Witnessed(SshApp):
    """A sweep whose witnesses say what ran when."""

    def __init__(self, folder: Path, fleet: Fleet, hosts: dict[str, int], *more: str) -> None:
        super().__init__(folder, fleet, hosts, *more)
        self.slots = hosts
        (folder / "train.py").write_text(APP)
        (folder / "conf" / "config.yaml").write_text(CONFIG)
        (folder / "da\nta").mkdir()
        (folder / "da\nta" / "te\nxt").write_text("text\n")

    def notes(self, host: str) -> list[tuple[str, int, int, float]]:
        text = self.fleet("exec", host.removeprefix("h"), "cat", "/tmp/seen/witness", check=False)
        lines = [line.split() for line in text.splitlines()]
        return [(word, int(task), int(attempt), float(at)) for word, task, attempt, at in lines]

    def check(self, tasks: int, *, retried: bool = False) -> None:
        """Nothing is lost, nothing overlapped, and one outcome of each task was accepted.

        Args:
            retried: what a host or a worker took with it may have run again.
        """
        state = self.state()
        assert state.numbers_in("completed") == list(range(tasks)), self.status()
        spans: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        for host in self.slots:
            for _, task, attempt, at in self.notes(host):
                spans[task][attempt].append(at)
        for task, attempts in spans.items():
            order = [attempts[number] for number in sorted(attempts)]
            assert retried or len(order) == 1, f"task {task} ran {len(order)} times"
            for earlier, later in pairwise(order):
                assert max(earlier) < min(later), f"attempts of task {task} overlapped"
        begun = Counter((host, *note[:3]) for host in self.slots for note in self.notes(host) if note[0] == "begin")
        assert max(begun.values()) == 1
        self._check_slots()
        self._check_accepted(tasks)
        for number in range(tasks):
            assert (self.sweep / str(number) / "re\nsult" / "fi\nle").read_text() == f"{number} text\n"

    def _check_slots(self) -> None:
        """No more ran at once than the host has slots; what never ended was killed before the next one began."""
        for host, slots in self.slots.items():
            notes = self.notes(host)
            ended = {note[1:3] for note in notes if note[0] == "end"}
            running = most = 0
            for word, task, attempt, _ in notes:
                if (task, attempt) in ended:
                    running += {"begin": 1, "end": -1}.get(word, 0)
                most = max(most, running)
            assert most <= slots, f"{most} tasks ran at once on {host}"

    def _check_accepted(self, tasks: int) -> None:
        said: Counter[int] = Counter()
        for path in (self.sweep / ".hsm" / "events").glob("*.jsonl"):
            said.update(map(int, COMPLETED.findall(path.read_bytes())))
        assert said == dict.fromkeys(range(tasks), 1)


@pytest.fixture
def app(fleet: Fleet, weird_tmp_path: Path) -> Iterator[Witnessed]:
    with_hydra(fleet)
    made = Witnessed(weird_tmp_path / "app", fleet, {"h1": 2, "h2": 1})
    yield made
    made.end()


@contextmanager
def login_shell(fleet: Fleet, number: int, shell: str, rc: str) -> Iterator[None]:
    """The user of a host has this login shell, whose rc file prints something."""
    fleet("exec", number, "sh", "-c", f"sed -i '/^sweeper:/s|[^:]*$|{shell}|' /etc/passwd")
    fleet("exec", number, "sh", "-c", f"echo 'echo Welcome; echo to all' > /home/sweeper/{rc}")
    try:
        yield
    finally:
        fleet("exec", number, "sh", "-c", "sed -i '/^sweeper:/s|[^:]*$|/bin/bash|' /etc/passwd")
        fleet("exec", number, "rm", f"/home/sweeper/{rc}")


def test_awkward_hosts_run_a_sweep(app: Witnessed) -> None:
    """csh and bash that print something at each login, one session only, newlines in the names of files."""
    awkward = sshd_with(app.fleet, 1, "MaxSessions 1")
    with awkward, login_shell(app.fleet, 1, "/bin/csh", ".cshrc"), login_shell(app.fleet, 2, "/bin/bash", ".bashrc"):
        done = app.run("x=range(5)")
    assert done.returncode == 0, done.stderr
    app.check(5)
    assert {app.state().node_of(number) for number in range(5)} == {"h1", "h2"}


@pytest.mark.slow
def test_what_a_killed_worker_had_begun_is_tried_again(app: Witnessed) -> None:
    process = app.start("x=range(6)", GATE)
    app.wait_for_seen(3)
    app.fleet("exec", 1, "pkill", "-KILL", "-u", "sweeper", "-f", "worker/__main__.py supervise")
    app.open_gate()
    told = process.communicate(timeout=90)[1]
    assert process.returncode == 0, told
    app.check(6, retried=True)
    assert sum(line.startswith("begin") for line in app.seen()) == 6 + 2


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_a_client_that_is_killed_twice(app: Witnessed, transport: str) -> None:
    process = app.start("x=range(8)", GATE, f"hydra.launcher.transport={transport}")
    app.wait_for_seen(3)
    for _ in range(2):
        app.kill(process)
        conductors = len(list((app.sweep / ".hsm" / "events").glob("conductor-*")))
        process = app.start_hsm("resume", str(app.sweep))
        events = app.sweep / ".hsm" / "events"
        wait_until(lambda: len(list(events.glob("conductor-*"))) > conductors, 30.0, "the resume")  # noqa: B023
        time.sleep(1.0)  # it gives its hosts work, if it wrongly thinks that they have room
    assert sum(line.startswith("begin") for line in app.seen()) == 3
    app.open_gate()
    told = process.communicate(timeout=90)[1]
    assert process.returncode == 0, told
    app.check(8)


@pytest.mark.slow
def test_a_link_that_is_cut_for_20_seconds(app: Witnessed) -> None:
    process = app.start("x=range(6)", GATE)
    app.wait_for_seen(3)
    app.fleet("cut", 1)
    app.open_gate()
    time.sleep(20.0)
    app.fleet("heal", 1)
    told = process.communicate(timeout=90)[1]
    assert process.returncode == 0, told
    app.check(6)


@pytest.mark.slow
def test_a_clock_that_is_two_hours_late(app: Witnessed, tmp_path: Path) -> None:
    source, shim = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
    place = app.fleet.directory / "h1" / "root" / "usr" / "lib" / "clock.so"
    into = ["nsenter", "-t", (app.fleet.directory / "h1" / "pid").read_text().strip(), "-m"]
    copy = [*into, "sh", "-c", 'cat > "$1"; chmod 755 "$1"', "sh", place]
    subprocess.run(copy, input=shim.read_bytes(), check=True)
    with sshd_with(app.fleet, 1, "SetEnv LD_PRELOAD=/usr/lib/clock.so"):
        login = ["ssh", "-F", str(app.fleet.ssh_config), "h1", "python3 -c 'import time; print(time.time())'"]
        late = time.time() - float(subprocess.run(login, check=True, capture_output=True).stdout)
        assert 7000 < late < 7400
        process = app.start("x=range(6)", GATE)
        app.wait_for_seen(3)
        shown = app.status()
        app.open_gate()
        told = process.communicate(timeout=90)[1]
    assert process.returncode == 0, told
    app.check(6)
    for told in (shown, app.status(), app.hsm("tasks", str(app.sweep)).stdout):
        assert not re.search(r"-\d+ s\b|-\d+:\d\d|\b[12] ?h\b|[12]:\d\d:\d\d", told), told


@pytest.mark.slow
def test_a_server_that_turns_logins_away_for_a_while(app: Witnessed) -> None:
    with sshd_with(app.fleet, 1, "MaxStartups 1"):
        idle = socket.create_connection(("192.0.2.1", 22))
        idle.recv(100)
        process = app.start("x=range(6)", GATE)
        app.wait_for_seen(1)
        idle.close()
        app.wait_for_seen(3)
        app.open_gate()
        told = process.communicate(timeout=90)[1]
    assert process.returncode == 0, told
    app.check(6)


@pytest.mark.slow
def test_where_only_a_persons_own_login_gets_in(app: Witnessed, request: pytest.FixtureRequest) -> None:
    """A key no longer helps, as where each login wants a one-time password."""
    folder = tempfile.TemporaryDirectory(prefix="cm", dir="/tmp")  # the path of a unix socket has 108 characters
    request.addfinalizer(folder.cleanup)
    config = app.folder / "ssh_config"
    control = f"Host h1\n  ControlPath {folder.name}/%C\n  ControlMaster auto\n"
    config.write_text(control + app.fleet.ssh_config.read_text())
    master = subprocess.Popen(["ssh", "-F", config, "-N", "h1"], stdin=subprocess.DEVNULL)
    keys = "/home/sweeper/.ssh/authorized_keys"
    try:
        wait_until(lambda: any(Path(folder.name).iterdir()), what="the login")
        app.fleet("exec", 1, "mv", keys, keys + ".kept")
        given = [f"hydra.launcher.ssh_config={hydra_text(str(config))}"]
        closed = app.run("x=1,2", *given)
        done = app.run("x=range(6)", *given, "hydra.launcher.transport=openssh")
    finally:
        master.kill()
        master.wait()
        app.fleet("exec", 1, "mv", keys + ".kept", keys, check=False)
    assert closed.returncode == 1
    assert "h1 does not let sweeper in" in closed.stderr
    assert done.returncode == 0, done.stderr
    app.check(6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("~/none", "/home/sweeper/none (not there)"),
        ("/usr/bin/python3", "hydra-core"),
        ("~/other", "3.7"),
    ],
    ids=["missing", "no-hydra", "other-version"],
)
def test_a_python_that_will_not_do_stops_the_sweep_before_anything_is_written(
    app: Witnessed, python: str, told: str
) -> None:
    write = ["ssh", "-F", str(app.fleet.ssh_config), "h1", "cat > other; chmod 755 other"]
    subprocess.run(write, input=OTHER.encode(), check=True)
    hosts = f"hydra.launcher.hosts=[{{name:h1,slots:2,python:'{python}'}}]"
    done = app.run("x=1,2", hosts)
    assert done.returncode == 1
    assert told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not app.sweep.exists()


@pytest.mark.slow
def test_a_round_trip_of_200_ms(tmp_path_factory: pytest.TempPathFactory, weird_tmp_path: Path) -> None:
    directory = open_to_all(tmp_path_factory.mktemp("far"))
    with running_fleet(directory, 2, delay_ms=100) as fleet, fleet.reachable():
        with_hydra(fleet)
        app = Witnessed(weird_tmp_path / "app", fleet, {"h1": 2, "h2": 2})
        try:
            done = app.run("x=range(12)")
            assert done.returncode == 0, done.stderr
            app.check(12)
        finally:
            app.end()


@pytest.mark.slow
def test_a_result_of_2_gb_comes_whole_and_takes_no_memory(app: Witnessed) -> None:
    size = 1 << 31
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    process = app.start("x=range(3)", f"large={size}")
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 0, told
    for number in range(3):
        path = app.sweep / str(number) / "large"
        assert path.stat().st_size == size + 4
        with open(path, "rb") as stream:
            assert stream.read(6) == b"first\0"
            stream.seek(size - 1)
            assert stream.read() == b"\0last"
    app.check(3)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before, 400_000)
    shutil.rmtree(app.sweep)
