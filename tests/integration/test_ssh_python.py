"""A real host is asked which of its interpreters can run what is pickled here."""

from __future__ import annotations

import pytest

from hsm_core.detect.python_there import find_python, own_interpreter
from hsm_core.errors import BackendError
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.transports import make_host
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd
#: Writes an interpreter that answers as this one would: the hosts have no environment of their own.
_VENV = """
mkdir -p ~/own-env/bin && cat > ~/own-env/bin/python && chmod +x ~/own-env/bin/python
"""


def test_what_is_there_is_named_beside_what_is_here_until_it_will_do(ssh_hosts: Fleet) -> None:
    here = own_interpreter()
    with ssh_hosts.reachable():
        host = make_host(read_address("h1"), ssh_hosts.ssh_config)
        try:
            with pytest.raises(BackendError) as raised:
                find_python(host, named="/usr/bin/python3")
            assert f"here it is {here.words}" in str(raised.value)
            assert "/usr/bin/python3: Python 3" in raised.value.evidence
            with pytest.raises(BackendError) as raised:
                find_python(host, named="~/own-env/bin/python")
            assert "/home/sweeper/own-env/bin/python: no such file" in raised.value.evidence
            told = f'{{"python": "p", "version": "{here.version}", "hydra-core": "{here.packages["hydra-core"]}", '
            told += f'"omegaconf": "{here.packages["omegaconf"]}"}}'
            fake = f"#!/bin/sh\necho 'hsm-python:{told}'\n"
            host.run(["sh", "-c", _VENV], 60.0, stdin=fake.encode())
            assert find_python(host, named="~/own-env/bin/python").version == here.version
        finally:
            host.run(["rm", "-rf", "/home/sweeper/own-env"], 60.0)
            host.close()
