"""Kill each process of a sweep at each call by which it writes, starts or tells something; then resume."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path

import pytest

from .striking import Point, TracedSweep
from .witnessed import check, complete

pytestmark = pytest.mark.strace
SEED, SAMPLE, AT_ONCE = 20261122, 6, 2


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    for _ in range(3):  # on a busy machine the tracer may come too late to a process
        found = TracedSweep(tmp_path_factory.mktemp("traced")).find_points()
        if first := first_strike(found):
            broken = TracedSweep(tmp_path_factory.mktemp("broken"))
            return found + broken.find_points_of_resume(first)
    pytest.fail("in three traces no worker was seen to tell the end of a task")


def first_strike(points: Sequence[Point]) -> Point | None:
    """Before a resume that is struck: the worker dies when a task's outcome is on disk, and not yet told."""
    told = (point for point in points if point.role == "detached" and '\\"e\\":\\"end\\"' in point.shown)
    return next(told, None)


def test_every_kind_of_process_is_traced(points: list[Point]) -> None:
    found = Counter((point.role, point.call) for point in points)
    roles = {"launcher", "supervisor", "detached", "importer", "child", "resumer"}
    assert {role for role, _ in found} == roles
    assert found["launcher", "vfork"] >= 1
    assert found["supervisor", "link"] == 1  # its claim
    assert found["child", "rename"] == 2  # its pickle and its outcome
    assert found["resumer", "link"] >= 1  # its lease


def test_nothing_is_lost_by_a_sample_of_strikes(
    points: list[Point], tmp_path: Path, struck: Counter[tuple[str, str]]
) -> None:
    campaign(points, sample(points), tmp_path, struck)


@pytest.mark.slow
def test_nothing_is_lost_by_any_strike(
    points: list[Point], tmp_path: Path, struck: Counter[tuple[str, str]]
) -> None:
    campaign(points, points, tmp_path, struck)
    missed = sum(count for (_, call), count in struck.items() if call == "missed")
    assert missed <= len(points) // 10, "too many runs went another way than the traced one"


def sample(points: Sequence[Point]) -> list[Point]:
    """A few points, of every role as many."""
    shuffled = random.Random(SEED).sample(points, len(points))
    rank: Counter[str] = Counter()
    ranked = []
    for point in shuffled:
        rank[point.role] += 1
        ranked.append((rank[point.role], point))
    return [point for _, point in sorted(ranked, key=itemgetter(0))[:SAMPLE]]


def campaign(
    known: Sequence[Point], chosen: Sequence[Point], folder: Path, struck: Counter[tuple[str, str]]
) -> None:
    """Strike at each chosen point in a sweep of its own; fails with all that went wrong."""
    wrong: list[str] = []

    def one(number: int) -> None:
        point, place = chosen[number], folder / str(number)
        sweep = TracedSweep(place)
        try:
            if point.role == "resumer":
                sweep.strike(first_strike(known))
            hit = sweep.strike(point)
            struck[point.role, point.call if hit else "missed"] += 1
            complete(sweep)
            check(sweep)
        except AssertionError as error:
            wrong.append(f"{point}\n  in {place}\n{error}")
        else:
            shutil.rmtree(place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(len(chosen))))
    assert not wrong, "\n\n".join(wrong)
