"""Whoever comes first decides whether an attempt on a machine that was away still counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.store.away.fences import begin_fences, fence, give_back_end, is_fenced, take_end
from hsm_core.store.layout import SweepPaths


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    found = SweepPaths(tmp_path)
    found.make_directories()
    return found


def test_a_fenced_attempt_counts_no_more(paths: SweepPaths) -> None:
    assert not is_fenced(paths, 3, 1)
    assert fence(paths, 3, 1)
    assert fence(paths, 3, 1), "said again by a later conductor"
    assert is_fenced(paths, 3, 1)
    assert not take_end(paths, 3, 1)
    give_back_end(paths, 3, 1)
    assert is_fenced(paths, 3, 1), "nobody takes a fence away"
    assert not is_fenced(paths, 3, 2)


def test_an_end_that_is_brought_home_first_counts(paths: SweepPaths) -> None:
    begin_fences(paths)
    assert take_end(paths, 3, 1)
    assert take_end(paths, 3, 1), "its files are fetched once more"
    assert not fence(paths, 3, 1)
    give_back_end(paths, 3, 1)
    assert fence(paths, 3, 1)


def test_where_nothing_was_ever_moved_nothing_is_written(paths: SweepPaths) -> None:
    assert take_end(paths, 3, 1)
    give_back_end(paths, 3, 1)
    assert not list(paths.claims.iterdir())
