"""What becomes of calls and processes when the network or the host itself fails: real sshd, cut links, reboots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.errors import HostDown, HostTrouble, LinkLost
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.openssh_host import OpenSshHost
from hsm_core.hosts.ssh.paramiko_host import ParamikoHost
from tests.services.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd
QUICK = Timing(hello_s=15, beat_s=0.2, dead_s=1.5, silent_s=10, answer_s=20)


@pytest.fixture(params=[ParamikoHost, pytest.param(OpenSshHost, marks=pytest.mark.slow)])
def host(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[RemoteHost]:
    host: RemoteHost = request.param(read_address("h2"), fleet.ssh_config, timing=QUICK)
    assert host.run(["true"], 20.0).code == 0
    yield host
    host.close()


def answers(host: RemoteHost) -> bool:
    try:
        return host.run(["true"], 20.0).code == 0
    except HostTrouble:
        return False


@pytest.mark.slow
def test_a_link_that_is_cut_is_noticed_soon_and_what_was_started_is_found_again(
    host: RemoteHost, fleet: Fleet
) -> None:
    process = host.start(["sleep", "300"], host.environment, Path("/tmp/log"))
    fleet("cut", 2)
    began = time.monotonic()
    with pytest.raises(LinkLost):
        host.run(["sleep", "60"], 60.0)
    assert time.monotonic() - began < 15
    assert host.evidence_of_death(process) is None  # nobody can know
    fleet("heal", 2)
    wait_until(lambda: answers(host), timeout=60, what="the host to answer again")
    assert host.evidence_of_death(process) is None
    host.signal(process, 9)
    wait_until(lambda: host.evidence_of_death(process) is not None)


def test_a_reboot_ends_what_was_started_and_that_is_known(host: RemoteHost, fleet: Fleet) -> None:
    process = host.start(["sleep", "300"], host.environment, Path("/tmp/log"))
    fleet("reboot", 2)
    wait_until(lambda: answers(host), timeout=60, what="the host to answer again")
    assert host.evidence_of_death(process) == "h2 was rebooted"


@pytest.mark.slow
def test_without_sshd_a_host_is_down_until_it_is_back(host: RemoteHost, fleet: Fleet) -> None:
    fleet("killsshd", 2)
    wait_until(lambda: not answers(host))
    with pytest.raises(HostDown):
        host.read(Path("/etc/hostname"))
    fleet("startsshd", 2)
    wait_until(lambda: answers(host), timeout=60, what="the host to answer again")


@pytest.mark.slow
def test_a_blackhole_is_noticed_and_passes(host: RemoteHost, fleet: Fleet) -> None:
    fleet("drop", 2)
    with pytest.raises(HostTrouble):
        host.run(["sleep", "60"], 60.0)
    fleet("undrop", 2)
    wait_until(lambda: answers(host), timeout=90, what="the host to answer again")


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_file(host: RemoteHost, fleet: Fleet, tmp_path: Path) -> None:
    fleet("exec", 2, "sh", "-c", "mkdir -p /small; mount -t tmpfs -o size=1m,mode=777 small /small")
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 20_000)
    with pytest.raises(OSError, match="No space left"):
        host.push({large: Path("/small/large")})
    assert host.files(Path("/small")) == []
