"""What a machine does with processes when their user logs out, as systemd tells."""

from __future__ import annotations

import pytest

from hsm_core.detect.logout import at_logout
from hsm_core.hosts.interface import Done
from hsm_core.testing.recording import RecordingHost, Reply


@pytest.mark.parametrize(
    ("kills", "lingers", "found"),
    [
        ("b false\n", "Linger=no\n", "kept"),
        ("b true\n", "Linger=yes\n", "kept"),
        ("b true\n", "Linger=no\n", "ended"),
        ("b true\n", Done((), 1, "", "User ann is not logged in"), "ended"),
        (Done((), 1, "", "Failed to connect to bus"), "Linger=yes\n", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_processes_end_where_systemd_is_set_to_and_the_user_does_not_linger(
    kills: Reply, lingers: Reply, found: str
) -> None:
    host = RecordingHost({"busctl get-property": kills, "loginctl show-user ann": lingers})
    assert at_logout(host) == found


def test_without_systemd_nobody_knows() -> None:
    assert at_logout(RecordingHost()) == "unknown"
