"""What paramiko says of a connection that ends under a call."""

from __future__ import annotations

import paramiko
import pytest

from hsm_core.hosts.ssh.paramiko_host import ParamikoChannel


@pytest.mark.parametrize("said", [EOFError(), paramiko.SSHException("no"), OSError("Socket is closed")])
def test_a_write_to_a_closed_connection_is_an_error_of_the_system(said: Exception) -> None:
    class Closed:
        def sendall(self, _: bytes) -> None:
            raise said

    channel = ParamikoChannel.__new__(ParamikoChannel)
    channel.__dict__["_channel"] = Closed()
    with pytest.raises(OSError, match="closed"):
        channel.write(b"x")
