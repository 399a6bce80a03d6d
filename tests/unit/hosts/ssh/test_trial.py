"""What ssh tells of a login is read step by step, and no word of a host's becomes a line to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.errors import HostClosed
from hsm_core.hosts.ssh.ssh_config import Target
from hsm_core.hosts.ssh.trial import Trial, steps_told, why_refused

TARGET = Target(
    "box1", "10.0.0.3", 22, "ann", "10.0.0.3", 22, (Path("/home/ann/.ssh/known_hosts"),),
    identities=(Path("/home/ann/.ssh/id_ed25519"),), jump=("gate",), control_path="/run/cm",
)  # fmt: skip
BEGUN = "OpenSSH_9.2p1\r\ndebug1: Authenticating to 10.0.0.3:22 as 'ann'\r\n"
KEY = "debug1: Server host key: ssh-ed25519 SHA256:abc\r\ndebug1: Found key in /home/ann/.ssh/known_hosts:3\r\n"
DONE = (
    "debug1: Server accepts key: /home/ann/.ssh/id_ed25519 ED25519 SHA256:x explicit\r\n"
    'Authenticated to 10.0.0.3 (via proxy) using "publickey".\r\n'
)


def said(text: str) -> dict[str, str]:
    return {step.kind: step.said for step in steps_told(text, TARGET)}


def test_each_step_is_told_as_far_as_it_came() -> None:
    assert said("ssh: connect to host 10.0.0.3 port 22: No route to host") == {}
    assert said(BEGUN) == {"connection": "ann@10.0.0.3 port 22, through gate"}
    assert said(BEGUN + KEY)["host key"] == "ssh-ed25519 SHA256:abc, as in /home/ann/.ssh/known_hosts:3"
    assert said(BEGUN + KEY + DONE)["login"] == "by the key /home/ann/.ssh/id_ed25519"


def test_a_key_that_was_written_down_just_now_is_told_as_new() -> None:
    added = "Warning: Permanently added '10.0.0.3' (ED25519) to the list of known hosts.\r\n"
    assert said(BEGUN + KEY.split("\r\n")[0] + "\r\n" + added)["host key"].endswith("new: now written down")


def test_another_way_than_by_key_is_told() -> None:
    told = 'Authenticated to 10.0.0.3 using "gssapi-with-mic".\r\n'
    assert said(BEGUN + KEY + told)["login"] == "by gssapi-with-mic"


def test_through_a_persons_login_no_step_is_taken_again() -> None:
    found = said("debug1: mux_client_request_session: master session id: 2\r\n")
    assert found["connection"].endswith("through the login that you opened (/run/cm)")
    assert len(found) == 3


@pytest.mark.parametrize(
    ("steps", "failed"),
    [("", "connection"), (BEGUN, "host key"), (BEGUN + KEY, "login"), (BEGUN + KEY + DONE, "connection")],
)
def test_the_step_that_failed_is_the_next_one(steps: str, failed: str) -> None:
    assert Trial("openssh", tuple(steps_told(steps, TARGET)), 1.0, None, HostClosed("no")).failed == failed
    assert Trial("openssh", tuple(steps_told(steps, TARGET)), 1.0).failed is None


@pytest.mark.parametrize(
    ("key", "fix"),
    [("/home/ann/.ssh/id_ed25519", "ssh-add /home/ann/.ssh/id_ed25519"), ("$(reboot)", "ssh ann@box1")],
)
def test_only_a_key_of_ours_is_to_be_added(key: str, fix: str) -> None:
    text = f"debug1: Server accepts key: {key} ED25519\r\nann@10.0.0.3: Permission denied (publickey).\r\n"
    error = why_refused(BEGUN + KEY + text, TARGET, "ssh ann@box1")
    assert isinstance(error, HostClosed)
    assert error.fix == fix
