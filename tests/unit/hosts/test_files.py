"""A file that is being written is seen when it is complete, and a call that comes twice does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.hosts.files import append_at, finish_part, part_of, write_part, write_whole


def test_pieces_in_any_order_make_a_file(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 120)  # as long as a name may be: 240 of 255 bytes
    part = part_of(path)
    write_part(part, 3, b"def")
    with pytest.raises(OSError, match="6 bytes arrived of 7"):
        finish_part(part, path, 7)
    write_part(part, 0, b"abc")
    write_part(part, 0, b"abc")
    finish_part(part, path, 6)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [(path.name, b"abcdef")]


def test_what_a_full_disk_took_of_a_line_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntw")
    append_at(path, 4, b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_disk_that_refuses_leaves_the_old_file() -> None:
    with pytest.raises(OSError):
        write_whole(Path("/dev/full/below"), b"x")
    assert Path("/dev/full").is_char_device()
