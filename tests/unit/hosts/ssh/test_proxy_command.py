"""A ProxyCommand is a socket that asks nobody, says why it ended, and leaves nothing running."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.errors import HostClosed
from hsm_core.hosts.ssh.proxy_command import ProxySocket, expanded
from hsm_core.hosts.ssh.ssh_config import Target
from tests.waiting import wait_until


def target(command: str) -> Target:
    return Target("box1", "10.0.0.3", 2222, "ann", "10.0.0.3", 2222, (), proxy_command=command)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nc %h %p", "nc 10.0.0.3 2222"),
        ("ssh -W [%h]:%p gate", "ssh -W [10.0.0.3]:2222 gate"),
        ("x %r@%n 100%% %%h", "x ann@box1 100% %h"),
        ("x %C", "x %C"),
    ],
)
def test_tokens_stand_for_what_they_do_in_ssh(command: str, words: str) -> None:
    assert expanded(target(command)) == words


def test_what_is_sent_comes_back_through_the_command() -> None:
    with ProxySocket(target("cat")) as found:
        found.sendall(b"SSH-2.0-x\r\n")
        assert found.recv(100) == b"SSH-2.0-x\r\n"


def test_the_command_has_no_terminal_and_its_last_words_are_kept() -> None:
    with ProxySocket(target("sh -c 'echo asked >/dev/tty || echo nobody >&2'")) as found:
        assert found.recv(100) == b""
        assert found.said().endswith("nobody")
        assert found.said().endswith("nobody")


def test_closing_it_ends_the_command_and_what_that_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    found = ProxySocket(target(f"sh -c 'sleep 600 & echo $! >\"{file}\"; wait'"))
    child = int(wait_until(lambda: file.exists() and file.read_text().strip()))
    found.close()
    wait_until(lambda: not alive(child))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_shell_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/no/shell")
    with pytest.raises(HostClosed, match="ProxyCommand of box1 can't be run"):
        ProxySocket(target("cat"))
