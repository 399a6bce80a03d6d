"""What a user may write as a path map."""

from __future__ import annotations

import json

import pytest

from hsm_core.errors import ConfigError
from hsm_core.hosts.ssh.address import read_address
from hsm_core.hosts.ssh.path_map import PathPair, read_path_map
from hsm_core.hosts.ssh.recorded import read_written, written


def test_folders_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    found = read_path_map([{"local": "/data/", "remote": "/scratch/d/"}, {"local": "~/x", "remote": "~/y"}])
    assert found == (PathPair("/data", "/scratch/d"), PathPair("/home/ann/x", "~/y"))


@pytest.mark.parametrize(
    "wrong",
    [
        "x", {"local": "/a", "remote": "/b"}, ["/a"], [{"local": "/a"}], [{"local": "a", "remote": "/b"}],
        [{"local": "/a", "remote": "b"}], [{"local": "/a", "remote": "/b", "to": "/c"}],
        [{"local": "/a", "remote": 3}], [{"local": "/a", "remote": "/b"}, {"local": "/a/", "remote": "/c"}],
    ],
)  # fmt: skip
def test_what_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="path_map"):
        read_path_map(wrong)


def test_a_host_has_its_own_which_its_record_keeps() -> None:
    told = {"name": "box1", "project": "~/app", "path_map": [{"local": "/data", "remote": "~/d"}]}
    address = read_address(told)
    assert address.path_map == (PathPair("/data", "~/d"),)
    assert read_written("box1", written(address, None))[0] == address
    assert "path_map" in json.loads(written(address, None)["address"])
    with pytest.raises(ConfigError, match="names no host"):
        read_address({**told, "path_map": [{"local": "data", "remote": "/d"}]})
