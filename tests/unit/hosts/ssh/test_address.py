"""How a user writes a host, and what is said of what is wrong."""

from __future__ import annotations

import pytest

from hsm_core.errors import ConfigError
from hsm_core.hosts.ssh.address import HostAddress, read_address, read_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("box1", HostAddress("box1", "box1")),
        ("box1:4", HostAddress("box1", "box1", slots=4)),
        ("ann@box1.lab.org", HostAddress("ann@box1.lab.org", "box1.lab.org", "ann")),
        ("ann@10.0.0.3:16", HostAddress("ann@10.0.0.3", "10.0.0.3", "ann", slots=16)),
        ("[fe80::1%eth0]:2", HostAddress("fe80::1%eth0", "fe80::1%eth0", slots=2)),
    ],
)
def test_a_short_form_is_read(text: str, expected: HostAddress) -> None:
    assert read_address(text) == expected


def test_a_mapping_says_all() -> None:
    given = {
        "name": "box1", "host": "10.0.0.3", "user": "ann", "port": 2222, "slots": 4, "gpus": [0, "MIG-1"],
        "gpus_free": True, "tasks_per_gpu": 2, "python": "~/venv/bin/python", "dir": "/scratch/my sweeps",
        "transport": "openssh", "host_keys": "accept_new",
    }  # fmt: skip
    assert read_address(given) == HostAddress(**{**given, "gpus": ("0", "MIG-1")})  # type: ignore[arg-type]
    assert read_address({"host": "box1", "gpus": "auto", "slots": None}) == HostAddress("box1", "box1", gpus="auto")
    assert read_address({"name": "box1"}).login == "box1"


def test_a_port_that_is_written_as_slots_is_explained() -> None:
    with pytest.raises(ConfigError, match="slots, not a port") as raised:
        read_address("ann@box1:2222")
    assert raised.value.fix == "{name: ann@box1, port: 2222}"


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", "box1:", "box1:0", "box1:x", "@box1", "ann@", "a b", "-oProxyCommand=x", "-l@box1", "box1:4:5",
        "::1", "box\n", None, 4, ["box1"], {}, {"slots": 4}, {"name": "a", "slots": "4"},
        {"name": "a", "slots": True},
        {"name": "a", "port": 0}, {"name": "a", "port": 70000}, {"name": "-x"}, {"name": ""}, {"name": "a\nb"},
        {"name": "a", "gpus": "0"}, {"name": "a", "gpus": [0.5]}, {"name": "a", "gpus": ["0,1"]},
        {"name": "a", "transport": "ssh2"}, {"name": "a", "host_keys": "no"}, {"name": "a", "gpus_free": "yes"},
    ],
    ids=repr,
)  # fmt: skip
def test_what_names_no_host_is_refused(entry: object) -> None:
    with pytest.raises(ConfigError):
        read_address(entry)


def test_a_field_that_nobody_knows_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="slot") as raised:
        read_address({"name": "a", "slot": 4})
    assert raised.value.fix == "slots: …"


def test_a_host_is_named_once() -> None:
    assert len(read_addresses(["box1", "ann@box1"])) == 2
    with pytest.raises(ConfigError, match="box1 is named twice"):
        read_addresses(["box1:2", {"host": "box1"}])
