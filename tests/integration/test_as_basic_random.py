"""Seeds of the app give the numbers that they give under Hydra's basic launcher; where it sets none, tasks differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from .drawing import compare, run, run_alone

OTHERS = [pytest.param(mode, marks=pytest.mark.slow) for mode in ("spawn", "none")]


@pytest.mark.parametrize("seeds", ["seeded", pytest.param("unseeded", marks=pytest.mark.slow)])
@pytest.mark.parametrize("isolation", ["fork", *OTHERS])
def test_python_and_numpy(tmp_path: Path, seeds: str, isolation: str) -> None:
    env = {"LIBRARIES": "python,numpy", "GLOBALS": seeds}
    basic, _ = run(tmp_path, "basic", env)
    ours, said = run_alone(tmp_path, env, isolation)
    compare(basic, ours, isolation)
    assert "isolation" not in said
    assert "interpreter" not in said


@pytest.mark.slow
def test_where_it_cannot_be_told_each_task_gets_a_fresh_interpreter(tmp_path: Path) -> None:
    env = {"LIBRARIES": "python,C", "GLOBALS": "unseeded"}
    basic, _ = run(tmp_path, "basic", env)
    ours, said = run_alone(tmp_path, env, "auto")
    compare(basic, ours, "auto")
    why = "hsm can't tell whether the app seeded generators.LIBC (ctypes.CDLL)"
    assert said.count(f"each task gets a fresh interpreter: {why}") == 1


@pytest.mark.slow
def test_a_fork_that_the_user_wants_is_warned_of(tmp_path: Path) -> None:
    _, said = run_alone(tmp_path, {"LIBRARIES": "C", "GLOBALS": "unseeded"}, "fork")
    assert said.count("warning: forked tasks may not be independent: hsm can't tell") == 1
    assert "fix: hydra.launcher.isolation=spawn" in said
