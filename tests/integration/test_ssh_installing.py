"""The worker program travels to a real host, and runs there out of a folder that nobody changes."""

from __future__ import annotations

from pathlib import Path

import pytest

import hsm_core
from hsm_core.errors import BackendError
from hsm_core.hosts.installing import install
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.transports import make_host
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd
PACKAGE = Path(hsm_core.__file__).parent


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_the_whole_package_arrives_and_can_be_imported(ssh_hosts: Fleet, transport: str) -> None:
    files = {Path("hsm_core") / path.relative_to(PACKAGE): path for path in PACKAGE.rglob("*.py")}
    with ssh_hosts.reachable():
        host = make_host(read_address({"name": "h2", "transport": transport}), ssh_hosts.ssh_config)
        store = Path(host.environment["HOME"]) / ".cache/hsm" / transport
        try:
            there = install(host, files, store, "python3")
            assert install(host, files, store, "python3") == there
            words = "import sys; sys.path.insert(0, sys.argv[1]); import hsm_core.worker.main as m; print(m.__file__)"
            done = host.run(["python3", "-I", "-c", words, str(there)], 60.0)
            assert done.out.strip() == str(there / "hsm_core/worker/main.py"), done.evidence
            denied = host.run(["sh", "-c", "echo x >> $1/hsm_core/errors.py", "sh", str(there)], 60.0)
            assert denied.code != 0
            host.run(["sh", "-c", "chmod u+w $1 && echo x >> $1", "sh", str(there / "hsm_core/errors.py")], 60.0)
            with pytest.raises(BackendError, match="not on ssh:h2 as they are here") as raised:
                install(host, files, store, "python3")
            assert "hsm_core/errors.py" in raised.value.evidence
            done = host.run(["sh", "-c", raised.value.fix], 60.0)
            assert install(host, files, store, "python3") == there
        finally:
            host.run(["sh", "-c", 'chmod -R u+w "$1"; rm -rf "$1"', "sh", str(store)], 60.0)
            host.close()
