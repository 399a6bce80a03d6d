"""What hsm doctor makes of a host's words, whatever they are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import pytest

from hsm_core.cli.doctor.host_checks import Asked, host_findings, verdict
from hsm_core.hosts.agent.client import Greeting
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Done
from hsm_core.hosts.ssh.address import read_address
from hsm_core.schedulers.batch_system import Finding
from hsm_core.testing.recording import RecordingHost, Reply

_DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 50 {} 50% /home of all\n"
_USUAL: dict[str, Reply] = {"nproc": "8\n", "date": lambda _: Done((), 0, f"{time.time():.9f}\n", "")}


class Host(RecordingHost):
    """It greets, too."""

    greeting = Greeting("box1", "boot", "ann", "/home/ann", "/usr/bin/python3", (3, 11, 2), {})


def found(entry: object = "box1", **replies: Reply) -> dict[str, Finding]:
    host = Host({**_USUAL, "sh": _DF.format(9 << 20), **replies}, environment={"HOME": "/home/ann"}, name="ssh:box1")
    asked = Asked(cast(RemoteHost, host), read_address(entry), "ssh box1")
    return {one.name: one for one in host_findings(asked)}


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        (_DF.format(9 << 20), "ok", "/home/ann/.local/share/hsm can be written, 9.0 GiB free"),
        (_DF.format(1000), "note", "0.0 GiB free"),
        ("nothing\n", "note", "nobody knows how much is free"),
        ("", "note", "nobody knows how much is free"),
        (_DF.format("9" * 5000), "note", "nobody knows how much is free"),
        (Done((), 1, "", "mktemp: Read-only file system"), "bad", "can't be written: mktemp: Read-only file system"),
    ],
)
def test_the_disk(told: Reply, level: str, words: str) -> None:
    disk = found(sh=told)["disk"]
    assert (disk.level, words in disk.said) == (level, True)


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        (lambda _: Done((), 0, f"{time.time() - 7200:.3f}\n", ""), "note", "7200.0"),
        (lambda _: Done((), 0, f"{time.time() + 60:.0f}\n", ""), "note", "ahead of ours, to within 0.5"),
        (lambda _: Done((), 0, f"{time.time():.0f}.%N\n", ""), "ok", "to within 0.5"),
        ("nan\n", "note", "can't be read"),
        (Done((), 127, "", "date: not found"), "note", "can't be read"),
    ],
)
def test_the_clock(told: Reply, level: str, words: str) -> None:
    clock = found(date=told)["clock"]
    assert (clock.level, words in clock.said) == (level, True), clock


def test_more_slots_than_cores_are_noted() -> None:
    assert found("box1:8")["cores"].level == "ok"
    assert found("box1:9")["cores"].fix.startswith("box1:8 ")
    assert "cores" not in found(nproc="9" * 5000 + "\n")


def test_gpus_that_are_not_told_are_not_taken_for_none() -> None:
    replies: dict[str, Reply] = {"nvidia-smi": Done((), 9, "NVIDIA-SMI has failed", "")}
    assert found(**replies)["gpus"].level == "note"
    assert found()["gpus"].said.startswith("none")


def test_processes_that_a_logout_ends_are_noted() -> None:
    replies: dict[str, Reply] = {"busctl": "b true\n", "loginctl": "Linger=no\n"}
    assert found(**replies)["logout"].fix == "ssh box1 loginctl enable-linger"


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (("ok", "ok"), "a sweep can run there"),
        (("ok", "note"), "a sweep can run there; 1 note"),
        (("note", "bad"), "a sweep can't run there: b"),
    ],
)
def test_the_verdict(levels: Sequence[str], words: str) -> None:
    rows = [Finding(name, level, "") for name, level in zip("ab", levels, strict=True)]  # type: ignore[arg-type]
    assert verdict(rows) == words
