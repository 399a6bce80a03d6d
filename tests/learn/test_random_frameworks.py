"""What the generators of torch, tensorflow and jax give in tasks, seeded by the app or not: ``make test-learn``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.integration.drawing import Numbers, compare, run, run_alone

Basics = Callable[[str], list[dict[str, Numbers]]]
ALL = "torch,tensorflow,jax"
#: Environments of the app, by whether it seeds the generators that a library itself has.
ENV = {seeds: {"GLOBALS": seeds, "TF_CPP_MIN_LOG_LEVEL": "3"} for seeds in ("seeded", "unseeded")}


@pytest.fixture(scope="module")
def basics(tmp_path_factory: pytest.TempPathFactory) -> Basics:
    @cache
    def basic(seeds: str) -> list[dict[str, Numbers]]:
        return run(tmp_path_factory.mktemp("basic"), "basic", {**ENV[seeds], "LIBRARIES": ALL})[0]

    return basic


@pytest.mark.parametrize(
    ("libraries", "isolation", "seeds"),
    [
        ("torch,tensorflow", "fork", "seeded"), ("torch,tensorflow", "fork", "unseeded"),
        (ALL, "auto", "seeded"),  # jax starts threads when it makes a key: not forked
        (ALL, "spawn", "unseeded"), (ALL, "none", "seeded"),
    ],
)  # fmt: skip
def test_tasks_draw_as_under_the_basic_launcher(
    tmp_path: Path, basics: Basics, libraries: str, isolation: str, seeds: str
) -> None:
    ours, _ = run_alone(tmp_path, {**ENV[seeds], "LIBRARIES": libraries}, isolation)
    compare(basics(seeds), ours, isolation)
