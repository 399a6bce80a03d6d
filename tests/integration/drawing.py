"""Runs an app that draws random numbers under Hydra's basic launcher and under hsm_local, and compares those."""

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

APP = Path(__file__).parent / "apps" / "random_numbers" / "app.py"
TASKS = 3
#: What is drawn at random lies further off once in 10⁹ times.
SIGMAS = 6
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
    """Assert that each is evenly spread between 0 and 1, and says nothing of another."""
    for numbers in drawn:
        error = SIGMAS / math.sqrt(12 * len(numbers))
        assert abs(statistics.fmean(numbers) - 0.5) < error
        assert min(numbers) < 0.1 < 0.9 < max(numbers)
    for first, second in itertools.combinations(drawn, 2):
        assert not set(first[:5]) & set(second)
        assert abs(statistics.correlation(first, second)) < SIGMAS / math.sqrt(len(first))


def compare(basic: list[dict[str, Numbers]], ours: list[dict[str, Numbers]], isolation: str) -> None:
    """Assert that tasks draw as under the basic launcher."""
    for name in ours[0]["seeded"]:
        following = [task["seeded"][name] for task in basic]
        expected = [
            following[0]
        ] * TASKS  # each in a process that has just imported the app, as basic's first
        assert [task["seeded"][name] for task in ours] == (following if isolation == "none" else expected), (
            name
        )
    for name in ours[0]["unseeded"]:
        are_independent([task["unseeded"][name] for task in [*ours, *basic]])
    assert ours[0]["seeded"] or ours[0]["unseeded"]


def run_alone(folder: Path, env: Mapping[str, str], isolation: str) -> tuple[list[dict[str, Numbers]], str]:
    """What each task drew under hsm_local, one after another, and what was printed."""
    return run(folder, "hsm_local", env, "hydra.launcher.slots=1", f"hydra.launcher.isolation={isolation}")
