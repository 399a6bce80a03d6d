"""A real host behind SSH does what a host must, with paramiko and with the system's ssh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Host
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.openssh_host import OpenSshHost
from hsm_core.hosts.ssh.paramiko_host import ParamikoHost
from hsm_core.testing.host import HostContract
from tests.conftest import WEIRD
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd
MakeHost = Callable[[str], RemoteHost]


@pytest.fixture(scope="module", params=[ParamikoHost, OpenSshHost])
def make_host(request: pytest.FixtureRequest, ssh_hosts: Fleet) -> Iterator[MakeHost]:
    """Make hosts of each kind that can be; they stay connected from test to test."""
    made: dict[str, RemoteHost] = {}

    def make(name: str) -> RemoteHost:
        if name not in made:
            made[name] = request.param(read_address(name), ssh_hosts.ssh_config)
        return made[name]

    yield make
    for host in made.values():
        host.close()


class TestSshHost(HostContract):
    @pytest.fixture
    def host(self, make_host: MakeHost, ssh_hosts: Fleet) -> Iterator[Host]:
        with ssh_hosts.reachable():
            yield make_host("h1")

    @pytest.fixture
    def folder(self, host: Host) -> Iterator[Path]:
        made = host.run(["mktemp", "-d", f"/tmp/{WEIRD} XXXXXX"], 60.0).out.rstrip("\n")
        yield Path(made)
        host.run(["rm", "-rf", made], 60.0)

    def test_it_runs_as_the_user_of_the_ssh_configuration_on_a_machine_of_its_own(self, host: Host) -> None:
        assert host.user == "sweeper"
        assert host.run(["hostname"], 60.0).out == "h1\n"
        assert host.run(["sh", "-c", "echo $HOME; pwd"], 60.0).out == "/home/sweeper\n/home/sweeper\n"
