"""What somebody else put where our folder would be denies nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hsm_core.processes.local_folder import own_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / f"hsm-{os.geteuid()}"


def a_link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir(mode=0o700)
    path.symlink_to("elsewhere")


def one_that_others_write(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def one_of_another_user(path: Path) -> None:
    path.mkdir()
    try:
        os.chown(path, 12345, 12345)
    except PermissionError:
        pytest.skip("only root can give a folder away")


TAKEN: tuple[Callable[[Path], None], ...]
TAKEN = (Path.touch, os.mkfifo, a_link, one_that_others_write, one_of_another_user)


def test_it_is_the_same_each_time_and_its_users_alone(place: Path) -> None:
    assert own_folder() == own_folder() == place
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("take", TAKEN)
def test_a_place_that_is_taken_denies_nothing(
    place: Path, take: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    take(place)
    fresh = own_folder()
    assert fresh != place
    assert fresh.is_dir()
    assert fresh.stat().st_mode & 0o777 == 0o700
    runtime = place.parent / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert own_folder() == own_folder() == runtime / "hsm"
