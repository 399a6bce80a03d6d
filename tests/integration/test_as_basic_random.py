"""Seeds of the app give the numbers that they give under Hydra's basic launcher; where it sets none, tasks differ."""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

APP = Path(__file__).parent / "apps" / "random_numbers" / "app.py"
TASKS = 3
#: Name of a generator → what it gave in a task.
Numbers = Mapping[str, list[float]]


def run(
    folder: Path, launcher: str, env: Mapping[str, str], *overrides: str
) -> tuple[list[dict[str, Numbers]], str]:
    """What each task drew, and what was printed."""
    sweep = folder / launcher / "-".join(overrides).rpartition("=")[2]
    done = subprocess.run(
        [sys.executable, str(APP), "-m", f"hydra/launcher={launcher}", f"hydra.sweep.dir={sweep}", *overrides,
         f"+x=range({TASKS})"],
        cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads((sweep / str(number) / "numbers.json").read_text()) for number in range(TASKS)]
    return found, done.stdout + done.stderr


def are_independent(drawn: list[list[float]]) -> None:
    """Assert that each is evenly spread between 0 and 1, and says nothing of another; wrong once in 10⁹ times."""
    for numbers in drawn:
        error = 6 / math.sqrt(12 * len(numbers))
        assert abs(statistics.fmean(numbers) - 0.5) < error
        assert min(numbers) < 0.1 < 0.9 < max(numbers)
    for first, second in itertools.combinations(drawn, 2):
        assert not set(first[:5]) & set(second)
        assert abs(statistics.correlation(first, second)) < 6 / math.sqrt(len(first))


def compare(folder: Path, env: Mapping[str, str], isolation: str) -> str:
    """Assert that tasks draw as under the basic launcher; returns what was printed."""
    basic, _ = run(folder, "basic", env)
    ours, said = run(
        folder, "hsm_local", env, "hydra.launcher.slots=1", f"hydra.launcher.isolation={isolation}"
    )
    for name, numbers in basic[0]["seeded"].items():
        following = [task["seeded"][name] for task in basic]
        expected = (
            following if isolation == "none" else [numbers] * TASKS
        )  # a process of its own: as the first
        assert [task["seeded"][name] for task in ours] == expected, name
    for name in basic[0]["unseeded"]:
        are_independent([task["unseeded"][name] for task in [*ours, *basic]])
    assert basic[0]["seeded"] or basic[0]["unseeded"]
    return said


OTHERS = (pytest.param(mode, marks=pytest.mark.slow) for mode in ("spawn", "none"))


@pytest.mark.parametrize("seeds", ["seeded", pytest.param("unseeded", marks=pytest.mark.slow)])
@pytest.mark.parametrize("isolation", ["fork", *OTHERS])
def test_python_and_numpy(tmp_path: Path, seeds: str, isolation: str) -> None:
    said = compare(tmp_path, {"LIBRARIES": "python,numpy", "GLOBALS": seeds}, isolation)
    assert "isolation" not in said


@pytest.mark.slow
def test_where_it_cannot_be_told_each_task_gets_a_fresh_interpreter(tmp_path: Path) -> None:
    said = compare(tmp_path, {"LIBRARIES": "python,C", "GLOBALS": "unseeded"}, "auto")
    why = "it can't be told whether the app seeded generators.LIBC (ctypes.CDLL)"
    assert said.count(f"each task gets a fresh interpreter: {why}") == 1


@pytest.mark.slow
def test_a_fork_that_the_user_wants_is_warned_of(tmp_path: Path) -> None:
    said = compare(tmp_path, {"LIBRARIES": "C", "GLOBALS": "unseeded"}, "fork")
    assert said.count("warning: forked tasks may not be independent: it can't be told") == 1
    assert "try: hydra.launcher.isolation=spawn" in said
