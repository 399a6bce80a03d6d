"""A later process makes the sources of a sweep from their records alone, on the hosts that these name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hsm_core.errors import BackendError
from hsm_core.hosts import registry as hosts
from hsm_core.safe_open import NotOwn
from hsm_core.sources.registry import describe, rebuild
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.testing.recording import RecordingHost

ELSEWHERE = SourceRecord("login1/slurm", "queue", "recorded:login1", {"address": "there", "scheduler": "slurm"})


def test_its_commands_run_on_the_host_that_its_record_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, opened = RecordingHost({"squeue": "JOBID\n"}), list[tuple[str, str]]()

    def recorded(name: str, settings: Mapping[str, str], _: object) -> RecordingHost:
        opened.append((name, settings["address"]))
        return host

    monkeypatch.setitem(hosts.KINDS, "recorded", recorded)
    (source,) = rebuild([ELSEWHERE, SourceRecord("box1", "pool", "recorded:box1")], SweepPaths(tmp_path))
    assert (source.name, opened) == ("login1/slurm", [("recorded:login1", "there")])
    assert source.find("demo-abcdefgh") is None
    assert host.calls, "it was asked there"


def test_a_host_that_this_version_does_not_know_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="recorded:login1"):
        rebuild([ELSEWHERE], SweepPaths(tmp_path))


def test_what_a_sweep_of_somebody_else_says_of_machines_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its SSH configuration could name any ProxyCommand, and looking at the sweep would run that."""
    opened = list[str]()
    monkeypatch.setitem(hosts.KINDS, "recorded", lambda name, *_: opened.append(name))
    paths = SweepPaths(tmp_path)
    paths.make_directories()
    paths.hsm.chmod(0o777)
    with pytest.raises(NotOwn):
        rebuild([ELSEWHERE], paths)
    assert not opened


def test_what_a_launcher_describes_names_its_host() -> None:
    host = RecordingHost({"sbatch": ""}, name="recorded:login1", settings={"address": "there"})
    assert describe("local", host) == SourceRecord("local", "pool", "recorded:login1", {"address": "there"})
    asked = {"address": "there", "scheduler": "slurm"}
    assert describe("slurm", host) == SourceRecord("slurm", "queue", "recorded:login1", asked)
