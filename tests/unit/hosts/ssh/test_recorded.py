"""A sweep's record alone says how a host behind SSH is reached: by whom, where, and with which transport."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsm_core.errors import BackendError
from hsm_core.hosts.registry import open_host
from hsm_core.hosts.ssh import transports
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.openssh_host import OpenSshHost
from hsm_core.hosts.ssh.paramiko_host import ParamikoHost
from hsm_core.hosts.ssh.recorded import words_to_type, written
from hsm_core.hosts.ssh.transports import make_host


@pytest.mark.parametrize(
    "entry",
    [
        "box1",
        "ann@box2:4",
        "[fe80::1]",
        {"name": "büro 3", "host": "10.0.0.3", "user": "ann", "port": 2222, "slots": 4, "gpus": ["0", "1"]},
        {"name": "box4", "gpus": "auto", "gpus_free": True, "python": "~/it's/python", "dir": "/scratch",
         "transport": "openssh", "host_keys": "accept_new"},
    ],
)  # fmt: skip
def test_what_was_written_down_makes_the_same_host(entry: object, tmp_path: Path) -> None:
    address, config = read_address(entry), tmp_path / "ssh config"
    settings = json.loads(json.dumps(written(address, config)))
    assert read_address(json.loads(settings["address"])) == address
    host = open_host(f"ssh:{address.name}", settings=settings)
    assert host.name == f"ssh:{address.name}"
    assert host.settings["ssh_config"] == str(config)
    assert host.settings == make_host(address, config).settings


@pytest.mark.parametrize(
    ("transport", "kind"), [("auto", ParamikoHost), ("paramiko", ParamikoHost), ("openssh", OpenSshHost)]
)
def test_the_transport_is_the_one_that_was_asked_for(transport: str, kind: type) -> None:
    assert type(make_host(read_address({"name": "box1", "transport": transport}))) is kind


def test_without_paramiko_the_system_s_ssh_goes_if_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "find_spec", lambda _: None)
    assert type(make_host(read_address("box1"))) is OpenSshHost
    with pytest.raises(BackendError, match="not installed here"):
        make_host(read_address({"name": "box1", "transport": "paramiko"}))


@pytest.mark.parametrize(
    "told", ["", "[", "[" * 100_000, "3", '{"name": "box1", "host": "-oProxyCommand=x"}', '{"name": "box2"}']
)
def test_a_record_that_says_something_else_is_refused(told: str) -> None:
    with pytest.raises(BackendError, match="box1"):
        open_host("ssh:box1", settings={"address": told})


def test_a_name_alone_is_an_alias_of_the_ssh_configuration() -> None:
    assert open_host("ssh:box1").settings == make_host(read_address("box1")).settings


def test_what_says_nothing_of_the_login_is_not_typed_again() -> None:
    pairs = [{"local": "/data", "remote": "/d"}]
    address = read_address({"name": "box1", "slots": 3, "project": "~/app", "path_map": pairs})
    assert words_to_type("box1", written(address, None)) == ["--host", "box1"]
