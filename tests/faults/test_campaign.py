"""Kill each process of a sweep at each call by which it writes, starts or tells something; then resume."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .striking import Point, TracedSweep
from .witnessed import check, complete

pytestmark = pytest.mark.strace
SEED, SAMPLE, AT_ONCE = 20261122, 8, 2


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    return TracedSweep(tmp_path_factory.mktemp("traced")).find_points()


def test_every_kind_of_process_is_traced(points: list[Point]) -> None:
    found = Counter((point.role, point.call) for point in points)
    assert {role for role, _ in found} == {"launcher", "supervisor", "importer", "child"}
    assert found["launcher", "vfork"] >= 1
    assert found["supervisor", "link"] == 1  # its claim
    assert found["child", "rename"] == 2  # its pickle and its outcome


def test_nothing_is_lost_by_a_sample_of_strikes(
    points: list[Point], tmp_path: Path, struck: Counter[tuple[str, str]]
) -> None:
    campaign(random.Random(SEED).sample(points, SAMPLE), tmp_path, struck)


@pytest.mark.slow
def test_nothing_is_lost_by_any_strike(
    points: list[Point], tmp_path: Path, struck: Counter[tuple[str, str]]
) -> None:
    campaign(points, tmp_path, struck)


def campaign(points: Sequence[Point], folder: Path, struck: Counter[tuple[str, str]]) -> None:
    """Strike at each point in a sweep of its own; fails with all that went wrong."""
    wrong: list[str] = []

    def one(number: int) -> None:
        point, place = points[number], folder / str(number)
        try:
            sweep = TracedSweep(place)
            hit = sweep.strike(point)
            struck[point.role, point.call if hit else "missed"] += 1
            check(sweep, complete(sweep))
        except AssertionError as error:
            wrong.append(f"{point}\n  in {place}\n{error}")
        else:
            shutil.rmtree(place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(len(points))))
    assert not wrong, "\n\n".join(wrong)
