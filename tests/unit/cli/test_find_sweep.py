"""The sweep that is meant is found and read in one go."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.cli.find_sweep import find_sweep
from hsm_core.errors import StoreError
from hsm_core.store import record
from hsm_core.store.layout import SweepPaths
from tests.unit.store.making import MadeSweep


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeSweep:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return MadeSweep(tmp_path / "s", total=1, name="demo")


@pytest.mark.parametrize("how", ["id", "name", "latest"])
def test_the_record_is_read_once(sweep: MadeSweep, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counted(path: Path) -> dict[str, object]:
        read.append(path)
        return ordinary(path)

    ordinary = record.read_json
    monkeypatch.setattr(record, "read_json", counted)
    state = find_sweep({"id": sweep.id, "name": "demo", "latest": "latest"}[how])
    assert state.record.id == sweep.id
    assert read == [SweepPaths(sweep.root).record]


def test_a_damaged_record_is_told_with_the_line_that_forgets_it(sweep: MadeSweep) -> None:
    sweep.paths.record.write_text("{")
    with pytest.raises(StoreError) as found:
        find_sweep(sweep.id)
    assert found.value.fix.startswith(f"hsm forget {sweep.id} --force ")
