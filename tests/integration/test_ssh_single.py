"""The contracts of hosts and sources on one sshd of this machine, with both transports: disk and user are ours."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.transports import make_host
from hsm_core.sources.remote.pool import HostPool
from hsm_core.store.record import SourceRecord
from hsm_core.testing.host import HostContract
from hsm_core.testing.source import Bound, SourceContract
from tests.integration.test_ssh_source import GO, SPEC, TIMING, equip, frozen
from tests.services.single_sshd import running_sshd

pytestmark = [pytest.mark.sshd, pytest.mark.slow]


@pytest.fixture(scope="module", params=["paramiko", "openssh"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteHost]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as config:
        made = make_host(read_address({"name": "single", "transport": request.param}), config, timing=TIMING)
        yield made
        made.close()


class TestSingleSshd(HostContract):
    @pytest.fixture
    def folder(self, weird_tmp_path: Path) -> Path:
        return weird_tmp_path


class TestHostPoolOnSingleSshd(SourceContract):
    @pytest.fixture
    def bound(self, host: RemoteHost, weird_tmp_path: Path) -> Iterator[Bound]:
        plain = frozen(weird_tmp_path)
        record = SourceRecord(SPEC.source, "host", host.name, dict(host.settings))
        pool = HostPool(record, plain.paths, host, SPEC, equip)
        there = f"{host.environment['HOME']}/.local/share/hsm/sweeps/plain-{plain.paths.root.name}"
        bound = Bound(pool, plain.state(), plain.launch, lambda: host.run(["sh", "-c", GO, "sh", there], 60.0))
        yield bound
        for line in bound.jobs().lines:
            with suppress(OSError):
                if line.job is not None:
                    host.signal(line.job, signal.SIGKILL)
        host.run(["rm", "-rf", f"{host.environment['HOME']}/.local/share/hsm/sweeps"], 60.0)
        pool._leases.close()
        plain.close()
