"""The line that runs one task alone: a shell must see exactly the recorded words."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hsm_core.errors import ConfigError
from hsm_core.model import Task
from hsm_core.store.record import SweepRecord
from hsm_core.views.lines_to_copy.rerun import require_line, rerun_line


def record(**facts: Any) -> SweepRecord:
    base = {
        "id": "a-0101-0000-aaaa",
        "name": "a",
        "dir": "/d",
        "created": "",
        "launcher": "hsm_local",
        "sweeper": "b",
    }
    return SweepRecord(**{**base, "app": {"main": ["python", "my app.py"]}, **facts})


def test_overrides_of_the_sweep_itself_are_left_out() -> None:
    hydra = [
        "hydra/launcher=hsm_slurm", "hydra.launcher.mem_gb=4", "+hydra.launcher.extra=1", "hydra/sweeper=hsm",
        "hydra.sweeper.limit=3", "hydra.sweep.dir=/x", "hydra.sweep.subdir=a", "hydra.mode=MULTIRUN",
        "~hydra.sweeper.params", "hydra.job.chdir=true", "hydra/job_logging=none", "hydra.run.dir=/y",
    ]  # fmt: skip
    line = rerun_line(record(overrides={"hydra": hydra, "task": []}), Task(3, ("lr=1", "+sweep=x")))
    assert shlex.split(line) == [
        "python", "my app.py", "lr=1", "+sweep=x", "hydra.job.chdir=true", "hydra/job_logging=none",
        "hydra.run.dir=/y", "hydra.mode=RUN",
    ]  # fmt: skip


NASTY = ("a='it\\'s'", 'b="q"', "c=$HOME `id`", "d=x y", "e=ü☂", "f={a: [1,2]}", "g=a\nb", "h=!!", "i=*")


def test_a_shell_hands_the_values_over_byte_equal(weird_tmp_path: Path) -> None:
    program = [
        "python3",
        "-c",
        "import sys, json; print(json.dumps([*sys.argv[1:], __import__('os').getcwd()]))",
    ]
    line = rerun_line(record(app={"main": program}, cwd=str(weird_tmp_path)), Task(0, NASTY))
    printed = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    import json

    assert json.loads(printed) == [*NASTY, "hydra.mode=RUN", str(weird_tmp_path)]


def test_no_change_of_directory_for_who_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rerun_line(record(cwd=os.getcwd()), Task(0, ())).startswith("python ")
    assert rerun_line(record(cwd="/"), Task(0, ())).startswith("cd / && python ")


def test_the_chosen_config_is_kept() -> None:
    argv = ["-m", "-cn", "big", "--config-dir=/c d", "lr=1,2"]
    line = rerun_line(record(app={"main": ["python", "a.py"], "argv": argv}), Task(0, ("lr=1",)))
    assert shlex.split(line) == [
        "python",
        "a.py",
        "-cn",
        "big",
        "--config-dir=/c d",
        "lr=1",
        "hydra.mode=RUN",
    ]


def test_nothing_where_no_command_line_started_it() -> None:
    assert rerun_line(record(app={}), Task(0, ("lr=1",))) == ""


def test_a_shell_without_the_python_path_is_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known = record(app={"main": ["python", "-O", "app.py"], "pythonpath": "/my lib:/b"})
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert rerun_line(known, Task(0, ())) == "PYTHONPATH='/my lib:/b' python -O app.py hydra.mode=RUN"
    monkeypatch.setenv("PYTHONPATH", "/other")
    assert rerun_line(known, Task(0, ())) == "python -O app.py hydra.mode=RUN"


def test_what_the_app_takes_for_itself_and_its_variables_are_there() -> None:
    app = {"main": ["uv", "run", "app.py"], "taken": [["--data", "D 9"], ["--last"]], "env": {"A": "1 2"}}
    line = rerun_line(record(app=app), Task(0, ("lr=1",)))
    assert shlex.split(line) == [
        "A=1 2", "uv", "run", "app.py", "--data", "D 9", "lr=1", "hydra.mode=RUN", "--last"
    ]  # fmt: skip


def test_a_script_that_runs_two_functions_has_no_line_for_one() -> None:
    known = record(app={"main": ["python", "a.py"], "functions": ["train", "evaluate"], "function": "evaluate"})
    assert rerun_line(known, Task(3, ("lr=1",))) == ""
    with pytest.raises(ConfigError, match="runs train and evaluate; no command runs evaluate alone") as refused:
        require_line(known, Task(3, ("lr=1",)))
    assert refused.value.fix == f"hsm retry {known.id} --task 3"
