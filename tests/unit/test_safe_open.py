"""What is opened is a regular file of bounded size; what acts is this user's own, as the descriptor says."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hsm_core.errors import StoreError
from hsm_core.safe_open import NotOwn, log_tail, open_regular, read_own


def a_link(path: Path) -> None:
    target = path.with_name("target")
    target.touch()
    path.symlink_to(target)


def a_socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # its path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def a_large_file(path: Path) -> None:
    with open(path, "wb") as stream:
        stream.truncate(2**40)


@pytest.mark.parametrize("make", [a_link, os.mkfifo, Path.mkdir, a_socket, a_large_file])
def test_only_a_regular_file_of_bounded_size_is_opened(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "record"
    make(path)
    with pytest.raises(StoreError, match="record"):
        open_regular(path)


def test_a_device_is_not_read() -> None:
    with pytest.raises(StoreError, match="no regular file"):
        open_regular(Path("/dev/zero"))


def test_what_is_missing_is_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "absent")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_can_write_does_not_act(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "payload.pkl"
    path.write_bytes(b"x")
    path.chmod(mode)
    with pytest.raises(NotOwn, match="can be written by others"):
        read_own(path)
    path.chmod(0o644)
    assert read_own(path) == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
def test_another_users_file_does_not_act(tmp_path: Path) -> None:
    path = tmp_path / "payload.pkl"
    path.touch(0o644)
    os.chown(path, 12345, -1)
    with pytest.raises(NotOwn, match="belongs to user 12345"):
        read_own(path)


def test_nothing_stays_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "record")
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(StoreError):
            open_regular(tmp_path / "record")
    assert len(os.listdir("/dev/fd")) == before


def test_the_end_of_a_log_is_read_from_an_offset_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes("ä123456789".encode())
    assert log_tail(log) == "ä123456789"
    assert log_tail(log, limit=4) == "6789"
    assert log_tail(log, limit=4, begin=9) == "89"
    assert log_tail(tmp_path / "none") == ""
