"""How the sources of a sweep are written, and what is said of one that is wrong."""

from __future__ import annotations

import pytest

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.launcher.several.entries import SourceEntry, read_source, read_sources


@pytest.mark.parametrize(
    ("text", "name", "place", "most"),
    [
        ("local", "local", "local", None), ("local:4", "local", "local", 4), ("slurm:16", "slurm", "slurm", 16),
        ("pbs", "pbs", "pbs", None), ("hpc:2", "hpc", "hpc", 2), ("ssh:box1:8", "box1", "ssh", 8),
        ("ssh:box1", "box1", "ssh", None), ("ssh:ann@box2:3", "ann@box2", "ssh", 3),
        ("ssh:[fe80::1]:2", "fe80::1", "ssh", 2),
    ],
)  # fmt: skip
def test_a_text_says_where_and_how_many(text: str, name: str, place: str, most: int | None) -> None:
    found = read_source(text)
    assert (found.name, found.place, found.at_most, found.fields) == (name, place, most, {})


def test_a_mapping_has_fields_of_its_own() -> None:
    (found,) = read_sources([{"source": "slurm", "at_most": 16, "partition": "gpu", "walltime": "2:00:00"}])
    assert (found.name, found.place, found.at_most) == ("slurm", "slurm", 16)
    assert found.fields == {"partition": "gpu", "walltime": "2:00:00", "queue": None, "timeout_min": None}


def test_a_mapping_may_take_a_text_further() -> None:
    found = read_source({"source": "slurm:8", "name": "gpus", "partition": "gpu"})
    assert (found.name, found.at_most) == ("gpus", 8)


def test_of_a_host_its_own_fields_are_the_hosts() -> None:
    found = read_source(
        {"source": "ssh", "name": "box3", "host": "10.0.0.3", "port": 22, "python": "~/bin/py", "cpus_per_task": 2}
    )
    assert found.host == {"name": "box3", "host": "10.0.0.3", "port": 22, "python": "~/bin/py"}
    assert (found.name, found.fields) == ("box3", {"cpus_per_task": 2})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("slrum:16", ["no source 'slrum'", "slurm:16"]), ("box1:8", ["no source 'box1'", "ssh:box1:8"]),
        ("local:0", ["at least 1", "local:4"]), ("local:many", ["not 'many'", "local:4"]), ("ssh", ["ssh:HOST"]),
        ("ssh:a:b:c", ["ssh:HOST"]), ("", ["no source ''"]), (7, ["neither a text nor a mapping"]),
        ("slurm@login1:32", ["another machine yet", "ssh login1"]), ("ssh:-oProxyCommand=x", ["-oProxyCommand"]),
        ({"source": "slurm", "host": "login1"}, ["another machine yet", "ssh login1"]),
        ({"sorce": "slurm"}, ["does not say its source"]), ({"source": "ssh"}, ["does not say its host"]),
        ({"source": "slurm", "partion": "gpu"}, ["partition: gpu"]),
        ({"source": "slurm", "fail_fast": True}, ["same for all sources", "hydra.launcher.fail_fast"]),
        ({"source": "slurm", "resume": "latest"}, ["same for all sources"]),
        ({"source": "slurm", "array_parallelism": 4}, ["at_most"]),
        ({"source": "local", "at_most": True}, ["at least 1"]), ({"source": "ssh", "host": "a", "port": 0}, ["port"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_was_meant(entry: object, words: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        read_sources([entry])
    assert [word for word in words if word not in str(raised.value)] == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        read_sources(["local:0", {"source": "slurm", "partion": "gpu", "memgb": 4}, "box1"])
    assert [word for word in ("local:0", "partion", "mem_gb", "box1") if word not in str(raised.value)] == []


def test_names_are_unique_and_may_be_chosen() -> None:
    with pytest.raises(ConfigError, match="two sources are called slurm"):
        read_sources(["slurm:4", {"source": "slurm", "partition": "gpu"}])
    found = read_sources(["slurm:4", {"source": "slurm", "name": "gpus", "partition": "gpu"}])
    assert [one.name for one in found] == ["slurm", "gpus"]


def test_nothing_is_no_source() -> None:
    with pytest.raises(ConfigError, match="needs to know the sources"):
        read_sources([])


def test_it_remembers_what_was_written() -> None:
    (found,) = read_sources(["local:4"])
    assert found == SourceEntry("local", "local", 4, {}, {}, "local:4")
