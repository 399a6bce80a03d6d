"""What the last words of the system's ssh mean for whoever wants to log in."""

from __future__ import annotations

import pytest

from hsm_core.errors import HostClosed, HostDown, HostTrouble
from hsm_core.hosts.ssh.openssh_host import explain
from hsm_core.hosts.ssh.ssh_config import Target

TARGET = Target("box1", "10.0.0.3", 22, "ann", "10.0.0.3", 22, ())
_CHANGED = "@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@\nOffending ED25519 key in /k:3\n"
_FULL = (
    "mux_client_request_session: session request failed: Session open refused by peer\r\n"
    "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n"
)


@pytest.mark.parametrize(
    ("said", "kind", "problem", "fix"),
    [
        ("Host key verification failed.", HostClosed, "box1 is not known yet", "ssh box1"),
        (_CHANGED, HostClosed, "WARNING", "ssh-keygen -R"),
        ("WARNING: host key revoked", HostClosed, "was revoked", ""),
        ("ann@box1: Permission denied (publickey,password).", HostClosed, "does not let ann in", "ssh box1"),
        ("ann@box1: Permission denied (keyboard-interactive).", HostClosed, "more than a key", "ssh -fN box1"),
        ("Permission denied (publickey,keyboard-interactive).", HostClosed, "does not let ann in", "ssh box1"),
        (_FULL, HostDown, "has no session left", "MaxSessions"),
        ("ssh: connect to host 10.0.0.3 port 22: No route to host", HostDown, "does not answer", ""),
        ("", HostDown, "does not answer", ""),
    ],
)
def test_each_ending_is_told_as_what_it_is(said: str, kind: type[HostTrouble], problem: str, fix: str) -> None:
    found = explain(said, TARGET, "ssh box1")
    assert type(found) is kind
    assert problem in found.problem
    assert found.evidence
    assert found.fix.startswith(fix)
