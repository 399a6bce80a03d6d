"""The contract of sources on a real host behind SSH, which shares no disk with this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.installing import install
from hsm_core.hosts.interface import Host
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.transports import make_host
from hsm_core.sources.registry import rebuild
from hsm_core.sources.remote.pool import Equipment, HostPool
from hsm_core.sources.remote.sweep_there import folder_there, program_files
from hsm_core.sources.remote.workers import HostWorkers
from hsm_core.store.files import to_json, write_atomically
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import WorkerSpec
from hsm_core.testing.source import ALL, Bound, SourceContract
from tests.integration.apps.worker_plain.harness import APP, PlainSweep
from tests.integration.test_sources import CODES
from tests.services.fleet import Fleet
from tests.waiting import wait_until

PYTHON = "/usr/bin/python3"
SPEC = WorkerSpec(source="h1", slots=2, beat_s=0.3, grace_s=1.0, idle_s=5.0)
GO = 'umask 077; mkdir -p "$1" && touch "$1/go"'
TIMING = Timing(beat_s=0.3, dead_s=2.0, hello_s=20.0)


def frozen(folder: Path, codes: Sequence[str] = CODES) -> PlainSweep:
    """A sweep of plain tasks whose code lies in a snapshot."""
    plain = PlainSweep(folder / "sweep", codes)
    snapshot = plain.paths.snapshots / "abc"
    snapshot.mkdir(parents=True)
    shutil.copy(APP / "plainapp.py", snapshot)
    (plain.launch.root / "weird_import.py").rename(snapshot / "weird_import.py")
    plain.launch.payload.write_bytes(b"")
    boot = json.loads(plain.launch.boot.read_bytes())
    place = {"snapshot": snapshot.name, "root": str(APP), "code": "snapshot"}
    own = {"sys_path": [str(snapshot)], "main": None, **place}
    write_atomically(plain.launch.boot, to_json(boot | own))
    return plain


def equip(host: Host) -> Equipment:
    program = install(host, program_files(), folder_there(host, {}) / "worker", PYTHON)
    return Equipment(PYTHON, program, SPEC)


@pytest.fixture(params=["paramiko", "openssh"])
def host(request: pytest.FixtureRequest, ssh_hosts: Fleet) -> Iterator[RemoteHost]:
    with ssh_hosts.reachable():
        address = read_address({"name": "h1", "transport": request.param})
        made = make_host(address, ssh_hosts.ssh_config, timing=TIMING)
        yield made
        made.close()
    ssh_hosts.heal()


@pytest.fixture
def bound(host: RemoteHost, weird_tmp_path: Path) -> Iterator[Bound]:
    plain = frozen(weird_tmp_path)
    host.run(["rm", "-rf", "/home/sweeper/.local/share/hsm/sweeps"], 60.0)
    record = SourceRecord("h1", "host", host.name, dict(host.settings))
    pool = HostPool(record, plain.paths, host, SPEC, equip)
    there = f"/home/sweeper/.local/share/hsm/sweeps/plain-{plain.paths.root.name}"
    bound = Bound(pool, plain.state(), plain.launch, lambda: host.run(["sh", "-c", GO, "sh", there], 60.0))
    yield bound
    host.run(["pkill", "-KILL", "-u", "sweeper", "-f", "hsm_core/worker"], 60.0)
    pool.close()
    plain.close()


@pytest.mark.sshd
class TestHostPool(SourceContract):
    def test_its_files_are_here_when_it_has_completed(self, bound: Bound) -> None:
        bound.let_go()
        bound.hand_over(ALL)
        bound.wait_for(0, *["completed"] * 6)
        for number in range(6):
            files = bound.state.task_directory(number)
            assert files is not None
            assert json.loads(files.outcome.read_bytes())["value"] == number

    def test_who_reads_the_directory_finds_it_and_ends_it(self, bound: Bound) -> None:
        bound.hand_over(ALL[:2])
        bound.wait_for(0, "running", "running")
        (rebuilt,) = rebuild([bound.source.record], bound.state.paths)
        assert isinstance(rebuilt, HostWorkers)
        handed = bound.source.find(bound.submissions[0].token)
        assert rebuilt.find(bound.submissions[0].token) == handed
        rebuilt.cancel(bound.jobs())
        rebuilt.close()
        bound.wait_for(0, "cancelled", "cancelled")

    def test_what_a_killed_worker_had_is_lost_by_the_hosts_own_word(self, bound: Bound, host: RemoteHost) -> None:
        bound.hand_over(ALL[:3])
        bound.wait_for(0, "running", "running")
        host.run(["pkill", "-KILL", "-u", "sweeper", "-f", "worker/__main__.py supervise"], 60.0)

        def lost() -> bool:
            jobs = bound.jobs()
            polled = bound.call(lambda: bound.source.poll(jobs, 0.0))
            return {word.phase for word in polled.words.values()} == {"ended"}

        wait_until(lost, 30.0)
        assert host.run(["pgrep", "-u", "sweeper", "-f", "worker/__main__.py"], 60.0).code == 1
