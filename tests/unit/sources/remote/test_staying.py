"""Large files stay on their machine where their user says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.hosts.interface import Found, Kind
from hsm_core.sources.remote.staying import Staying


def found(name: str, size: int = 1, kind: Kind = "file") -> Found:
    return Found(Path(name), kind, size, 1, 0o644)


@pytest.mark.parametrize(
    ("pattern", "name", "stays"),
    [
        ("*.ckpt", "a.ckpt", True), ("*.ckpt", "sub/a.ckpt", True), ("*.ckpt", "a.ckpt.txt", False),
        ("checkpoints", "checkpoints/1/a.pt", True), ("checkpoints/", "sub/checkpoints/a.pt", True),
        ("./runs/*.pt", "runs/a.pt", True), ("runs/*.pt", "other/runs/a.pt", False), ("runs/", "runs", True),
        ("*", ".hsm/outcome.json", False), ("*.log", ".hsm/stdout.log", False), ("*", "a\nb", True),
        ("[", "[", True),
    ],
)  # fmt: skip
def test_a_pattern_names_files_and_folders(pattern: str, name: str, stays: bool) -> None:
    assert Staying((pattern,)).holds(found(name)) is stays


def test_links_and_folders_come() -> None:
    staying = Staying(("*",), 0)
    assert not staying.holds(found("a", kind="link"))
    assert not staying.holds(found("a", kind="folder"))


def test_what_is_larger_stays() -> None:
    assert [Staying(most=10).holds(found("a", size)) for size in (10, 11)] == [False, True]


def test_it_is_read_as_it_was_written() -> None:
    for one in (Staying(), Staying(("*.ckpt", "a b"), 5), Staying(most=0)):
        assert Staying.of(one.settings()) == one
    assert Staying().settings() == {}
