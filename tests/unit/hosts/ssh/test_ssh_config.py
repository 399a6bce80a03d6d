"""The user's SSH configuration says how a host is reached, with ssh and without."""

from __future__ import annotations

from pathlib import Path

import pytest

import hsm_core.hosts.ssh.ssh_config as module
from hsm_core.errors import ConfigError
from hsm_core.hosts.ssh.address import HostAddress, read_address
from hsm_core.hosts.ssh.ssh_config import resolve

CONFIG = """
Host box1
  HostName 10.0.0.3
  Port 2222
  User ann
  IdentityFile "/keys/my key"
  IdentitiesOnly yes
  ProxyJump bob@gate:33,inner
Host box2
  HostKeyAlias alias2
  Port 2022
  HashKnownHosts yes
  UserKnownHostsFile /k/one /k/two
  GlobalKnownHostsFile /dev/null
  IdentityAgent none
  ProxyJump none
Host box3
  ProxyCommand nc %h %p
  RevokedHostKeys /etc/revoked
Match host box4
  HostName four
"""


@pytest.fixture(params=[pytest.param("ssh", marks=pytest.mark.sshd), "paramiko"])
def config(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "paramiko":
        monkeypatch.setattr(module.shutil, "which", lambda _: None)
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


def test_an_alias_says_how_a_host_is_reached(config: Path) -> None:
    found = resolve(HostAddress("box1", "box1"), config)
    assert (found.host, found.port, found.user) == ("10.0.0.3", 2222, "ann")
    assert (found.identities, found.only_identities) == ((Path("/keys/my key"),), True)
    assert found.jump == ("bob@gate:33", "inner")
    assert (found.key_name, found.key_port) == ("10.0.0.3", 2222)
    assert resolve(HostAddress("box4", "box4"), config).host == "four"


def test_what_the_user_writes_to_hsm_comes_first(config: Path) -> None:
    found = resolve(HostAddress("b", "box1", "eve", 23), config)
    assert (found.port, found.user, found.key_port) == (23, "eve", 23)


def test_names_and_files_of_known_hosts_are_read(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    found = resolve(HostAddress("box2", "box2"), config)
    assert (found.key_name, found.key_port, found.port) == ("alias2", 22, 2022)
    assert found.known_hosts == (Path("/k/one"), Path("/k/two"), Path("/dev/null"))
    assert (found.hash_known_hosts, found.identity_agent, found.jump) == (True, None, ())
    usual = resolve(HostAddress("box5", "box5"), config)
    assert usual.known_hosts[0].parts[-2:] == (".ssh", "known_hosts")
    assert (usual.identity_agent, usual.host, usual.port) == ("/agent", "box5", 22)
    assert "id_ed25519" in {one.name for one in usual.identities}


def test_what_only_ssh_can_do_is_told(config: Path) -> None:
    found = resolve(HostAddress("box3", "box3"), config)
    assert found.proxy_command == "nc box3 22" or found.proxy_command == "nc %h %p"
    assert found.needs_openssh == ("RevokedHostKeys",)


def test_a_file_with_spaces_in_its_name_is_found(config: Path, tmp_path: Path) -> None:
    known = tmp_path / "my known hosts"
    known.write_text("")
    config.write_text(f'Host *\n  UserKnownHostsFile "{known}"\n')
    if module.shutil.which("ssh"):
        assert resolve(read_address("box1"), config).known_hosts[0] == known


def test_without_ssh_an_include_is_doubtful(config: Path) -> None:
    config.write_text("Include other\n")
    doubts = resolve(read_address("box1"), config).doubts
    assert bool(doubts) is (module.shutil.which("ssh") is None)


def test_a_file_that_can_not_be_read_is_an_error(config: Path) -> None:
    with pytest.raises(ConfigError, match="no SSH configuration"):
        resolve(read_address("box1"), config.with_name("none"))
    config.write_text("Host box1\n  Port\n")
    with pytest.raises(ConfigError):
        resolve(read_address("box1"), config)
