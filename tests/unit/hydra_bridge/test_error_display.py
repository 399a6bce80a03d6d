"""What Hydra prints of a disk that refuses is true, and names the sweep that it is about."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from hydra.errors import CompactHydraException

from hsm_core.errors import StoreError
from hsm_core.hydra_bridge.error_display import shown
from hsm_core.overrides import quoted
from tests.unit.store.making import MadeSweep


def told(number: int, path: Path | None) -> StoreError:
    def step() -> None:
        raise OSError(number, os.strerror(number), *([] if path is None else [str(path)]))

    with pytest.raises(StoreError) as found:
        shown(step)
    assert isinstance(found.value, CompactHydraException)
    assert os.strerror(number) in str(found.value)
    assert "latest" not in str(found.value)
    return found.value


@pytest.fixture
def sweep(weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeSweep:
    monkeypatch.setenv("XDG_STATE_HOME", str(weird_tmp_path / "state"))
    return MadeSweep(weird_tmp_path / "s")


def test_of_a_deleted_sweep_nothing_is_called_safe(sweep: MadeSweep) -> None:
    shutil.rmtree(sweep.root)
    error = told(errno.ENOENT, sweep.paths.tasks)
    assert error.problem == f"the sweep in {sweep.root} was moved or deleted"
    assert "safe" not in str(error)
    assert error.fix.startswith("hsm resume NEW_PLACE ")


def test_a_file_that_is_missing_is_named(sweep: MadeSweep) -> None:
    error = told(errno.ENOENT, sweep.paths.journal("w1"))
    assert error.problem == f"{sweep.paths.journal('w1')} is missing"
    assert error.fix == f"hsm-status {quoted(str(sweep.root))}"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_where_nothing_may_be_written_the_directory_is_looked_at(sweep: MadeSweep, number: int) -> None:
    error = told(number, sweep.paths.journal("w1"))
    look, remark = error.fix.split("    ")
    assert look == f"ls -ld {quoted(str(sweep.paths.events))}"
    assert f"hsm resume {quoted(str(sweep.root))}" in remark


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_on_a_full_disk_what_is_written_is_safe(sweep: MadeSweep, number: int) -> None:
    error = told(number, sweep.paths.journal("w1"))
    where = quoted(str(sweep.root))
    again = f"hsm resume {where}; hsm retry {where} --error disk"
    assert error.fix == f"df -h {where}    # what is written is safe; free space, then {again}"


def test_a_sweep_that_was_not_written_yet_is_not_to_be_resumed(weird_tmp_path: Path) -> None:
    for number in (errno.ENOSPC, errno.EROFS):
        error = told(number, weird_tmp_path / "s" / ".hsm" / "sweep.json")
        assert "resume" not in error.fix


def test_other_files_and_other_troubles(sweep: MadeSweep) -> None:
    elsewhere = told(errno.ENOENT, Path("/not/there"))
    assert (elsewhere.problem, elsewhere.fix) == ("/not/there is missing", "")
    assert told(errno.EIO, None).problem == "can't read or write the disk"
    assert told(errno.EIO, sweep.paths.record).fix == f"hsm-status {quoted(str(sweep.root))}"
