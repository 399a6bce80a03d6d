"""What a real host behind SSH has written comes home, whatever happens to the link meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.errors import HostTrouble
from hsm_core.hosts.agent.client import Timing
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.mirror import Mirror
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.transports import make_host
from hsm_core.testing.waiting import wait_until
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd
_JOB = """
mkdir -p "$1/0/a
b" && cd "$1/0" && head -c 3000000 /dev/urandom > big && echo text > "a
b/it's" && ln -s big last && ln -s /etc out && sha256sum < big
"""


@pytest.fixture(params=["paramiko", "openssh"])
def host(request: pytest.FixtureRequest, ssh_hosts: Fleet) -> Iterator[RemoteHost]:
    address = read_address({"name": "h1", "transport": request.param})
    with ssh_hosts.reachable():
        made = make_host(address, ssh_hosts.ssh_config, timing=Timing(beat_s=0.3, dead_s=2.0, hello_s=20.0))
        yield made
        made.close()
    ssh_hosts.heal()


@pytest.fixture
def there(host: RemoteHost) -> Iterator[Path]:
    made = host.run(["mktemp", "-d"], 60.0).out.rstrip("\n")
    yield Path(made)
    host.run(["rm", "-rf", made], 60.0)


def test_a_folder_comes_byte_for_byte(host: RemoteHost, there: Path, tmp_path: Path) -> None:
    done = host.run(["sh", "-c", _JOB, "sh", str(there)], 60.0)
    fetched = Mirror(host, there, tmp_path).fetch(Path("0"))
    assert [str(one.name) for one in fetched.left] == ["out"]
    assert hashlib.sha256((tmp_path / "0" / "last").read_bytes()).hexdigest() == done.out.split()[0]
    assert (tmp_path / "0" / "a\nb" / "it's").read_text() == "text\n"
    assert Mirror(host, there, tmp_path).fetch(Path("0")).files == 0


@pytest.mark.slow
def test_a_log_goes_on_where_it_was_after_the_link_was_cut(
    host: RemoteHost, there: Path, tmp_path: Path, ssh_hosts: Fleet
) -> None:
    script = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; sleep 0.01; done"
    host.start(["sh", "-c", script], host.environment, there / "log")
    mirror, whole = Mirror(host, there, tmp_path), "".join(f"line {i}\n" for i in range(1, 401)).encode()
    wait_until(lambda: mirror.follow(Path("log")) > 0)
    ssh_hosts("drop", 1)
    wait_until(lambda: not has_come(mirror))
    ssh_hosts("undrop", 1)

    wait_until(lambda: has_come(mirror) and (tmp_path / "log").read_bytes() == whole)


def has_come(mirror: Mirror) -> bool:
    try:
        mirror.follow(Path("log"))
    except HostTrouble:
        return False
    return True
