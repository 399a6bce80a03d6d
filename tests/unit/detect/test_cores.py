"""Cores and GPUs that a process may use: what affinity, control groups and variables leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hsm_core.detect import cores
from hsm_core.detect.cores import chosen_gpus, usable_cores, visible_gpus, why_no_gpus
from hsm_core.errors import ConfigError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine of eight cores; what its files say is put in here."""
    files: dict[str, str] = {}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "_words", lambda path: files.get(str(path), ""))
    return files


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/cpu.max": "max 100000\n"}, 8),
        ({"/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/cpu.max": "250000 100000\n"}, 3),
        ({"/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/cpu.max": "1600000 100000\n"}, 8),
        ({"/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/cpu.max": "1000 100000\n"}, 1),
        (  # the group above is tighter
            {
                "/proc/self/cgroup": "0::/job/step\n",
                "/sys/fs/cgroup/job/step/cpu.max": "600000 100000\n",
                "/sys/fs/cgroup/job/cpu.max": "200000 100000\n",
            },
            2,
        ),
        (  # version 1, beside groups of other controllers
            {
                "/proc/self/cgroup": "5:memory:/other\n4:cpu,cpuacct:/job\n",
                "/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "400000",
                "/sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
                "/sys/fs/cgroup/cpu/other/cpu.cfs_quota_us": "100000",
                "/sys/fs/cgroup/cpu/other/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (
            {
                "/proc/self/cgroup": "4:cpu:/job\n",
                "/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "-1",
                "/sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
            },
            8,
        ),
    ],
)
def test_the_tightest_quota_counts(machine: dict[str, str], files: dict[str, str], expected: int) -> None:
    machine.update(files)
    assert usable_cores() == expected


def test_without_affinity_all_cores_count(machine: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    for count, expected in ((5, 5), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert usable_cores() == expected


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an ``nvidia-smi`` may be put, as the only command; no variable chooses GPUs."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "nvidia-smi"


def say(smi: Path, body: str) -> None:
    smi.write_text(f"#!/bin/sh\n{body}\n")
    smi.chmod(0o755)


@pytest.mark.parametrize(
    ("body", "found", "why"),
    [
        ("", (), "nvidia-smi not found on PATH"),
        ("echo 0; echo 1", ("0", "1"), ""),
        ("echo 'Failed to initialize NVML'; exit 9", (), "nvidia-smi lists none"),
    ],
)
def test_without_a_choice_the_driver_lists_them(smi: Path, body: str, found: tuple[str, ...], why: str) -> None:
    if body:
        say(smi, body)
    assert visible_gpus() == found
    assert chosen_gpus("auto") == (found or None)
    if why:
        assert why_no_gpus() == why


@pytest.mark.parametrize(("chosen", "found"), [("2, 5", ("2", "5")), ("", ()), ("GPU-ab,", ("GPU-ab",))])
def test_what_is_chosen_already_stands_before_the_driver(
    smi: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, found: tuple[str, ...]
) -> None:
    say(smi, "echo 0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus() == found
    assert why_no_gpus() == f"CUDA_VISIBLE_DEVICES is '{chosen}'"


@pytest.mark.parametrize(("wanted", "found"), [(None, None), ("none", None), ([0, 3], ("0", "3")), (("1",), ("1",))])
def test_a_choice_of_gpus(wanted: object, found: tuple[str, ...] | None) -> None:
    assert chosen_gpus(wanted) == found


@pytest.mark.parametrize("wanted", ["all", [], [1, 1], 2, {}])
def test_what_is_no_choice_of_gpus(wanted: object) -> None:
    with pytest.raises(ConfigError, match="is not valid"):
        chosen_gpus(wanted)
