"""A journal is read in pieces; what is longer than any line, or damaged beyond measure, costs only itself."""

from __future__ import annotations

import os
from pathlib import Path

from hsm_core.store import events
from hsm_core.store.journal import JournalReader

GOOD = events.Trouble("m", at=1.0).to_line(1)


def test_a_line_longer_than_any_is_one_bad_line_and_those_around_it_are_read(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    path.write_bytes(GOOD + b"x" * 40_000_000 + b"\n" + GOOD)
    reader = JournalReader(path)
    assert len(reader.read_new()) == 2
    assert (reader.bad_lines, reader.unreadable) == (1, "")


def test_pieces_end_where_lines_do(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    path.write_bytes(GOOD * 100_000)
    reader = JournalReader(path)
    pieces = list(iter(reader.read_lines, b""))
    assert len(pieces) > 1
    assert b"".join(pieces) == GOOD * 100_000
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_a_line_that_is_still_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    long = events.Trouble("x" * 3_000_000, at=1.0).to_line(1)
    path.write_bytes(long[:2_000_000])
    reader = JournalReader(path)
    assert reader.read_new() == []
    path.write_bytes(long)
    assert len(reader.read_new()) == 1
    assert reader.bad_lines == 0


def test_what_is_mostly_damaged_is_not_read_on_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    path.write_bytes(b"what?\n" * 2_000_000)
    reader = JournalReader(path)
    reader.read_new()
    assert reader.bad_lines < 500_000
    assert "damaged" in reader.unreadable


def test_what_is_no_file_says_so_and_may_become_one(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    os.mkfifo(path)
    reader = JournalReader(path)
    assert reader.read_new() == []
    assert reader.unreadable
    path.unlink()
    path.write_bytes(GOOD)
    assert len(reader.read_new()) == 1
    assert not reader.unreadable
