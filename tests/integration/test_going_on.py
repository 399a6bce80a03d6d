"""What ``hsm resume`` and ``hsm retry`` start is the sweep as it began: fields, interpreter, code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hsm_core.overrides import hydra_text, joined
from hsm_core.store.layout import TaskPaths
from hsm_core.store.state.sweep_state import SweepState

APP = """
import os, sys
import hydra

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    names = ("TOKEN", "TYPED", "MORE")
    print("seen", *(os.environ.get(name) for name in names), os.nice(0), sys.flags.optimize)
    if cfg.x == 1 and not os.path.exists(os.path.join(hydra.utils.get_original_cwd(), "fixed")):
        raise RuntimeError("not yet")
    return cfg.x

if __name__ == "__main__":
    main()
"""
ROOT = str(Path(__file__).parents[2])
PROGRAM = f"import sys; sys.path.insert(0, {ROOT!r}); from hsm_core.cli.hsm import main; sys.exit(main())"
SWEEP = """# @package _global_
defaults: [override /hydra/launcher: hsm_local]
hydra:
  launcher: {slots: 1, nice: 3, env: {TOKEN: "from $file's"}, task_timeout_min: 5}
"""


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    folder = weird_tmp_path / "app"
    (folder / "conf" / "sweep").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "conf" / "config.yaml").write_text("x: 0\n")
    (folder / "conf" / "sweep" / "h.yaml").write_text(SWEEP)
    return folder


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90,
        env={**os.environ, **env}, check=False,
    )  # fmt: skip


def hsm(app: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return run(app.parent, "-m", "hsm_core.cli.hsm", *words, **env)


def sweep(app: Path, *words: str) -> Path:
    """A sweep that fails in its task 1 until there is a file ``fixed``."""
    done = run(app, "app.py", "-m", "hydra.sweep.dir=../sweep", "x=0,1", *words)
    assert done.returncode == 3, done.stderr
    return app.parent / "sweep"


def commit(folder: Path) -> None:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def state_of(root: Path) -> Any:
    state = SweepState(root)
    state.refresh()
    return state


def outputs(root: Path, task: int) -> list[str]:
    """What the first and the newest attempt of a task printed."""
    now = TaskPaths(root / str(task))
    return [files.stdout.read_text() for files in (now.of_attempt(1), now)]


def test_the_launchers_fields_are_kept_wherever_they_were_set(app: Path) -> None:
    root = sweep(app, "+sweep=h", "+hydra.launcher.env.TYPED=1", "+hydra.launcher.env.MORE=2")
    (app / "fixed").touch()
    done = hsm(app, "retry", str(root), "--set", "+hydra.launcher.env.MORE=3")
    assert done.returncode == 0, done.stderr
    before, after = outputs(root, 1)
    niceness = str(min(19, os.nice(0) + 3))
    assert before.split() == ["seen", "from", "$file's", "1", "2", niceness, "0"]
    assert after.split() == ["seen", "from", "$file's", "1", "3", niceness, "0"]


@pytest.mark.parametrize("kept_by", ["git", pytest.param("nothing", marks=pytest.mark.slow)])
def test_changed_files_are_named_and_want_a_word(app: Path, kept_by: str) -> None:
    (app / "prompts.json").write_text("1")
    if kept_by == "git":
        commit(app)
    (app.parent / "work").mkdir()
    words = ["-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=../sweep", "x=0,1"]
    began = run(app.parent / "work", str(app / "app.py"), *words)
    assert began.returncode == 3, began.stderr
    root = app.parent / "sweep"
    (app / "prompts.json").write_text("2")
    (app.parent / "work" / "fixed").touch()
    command = ["retry", str(root), "--task", "1", "--yes"]
    refused = hsm(app, *command)
    assert refused.returncode == 2, refused.stderr
    assert "changed prompts.json" in refused.stderr
    assert joined(["hsm", *command, "--allow-changed"]) in refused.stderr
    dry = hsm(app, *command, "--dry-run")
    assert "changed prompts.json" in dry.stderr, dry.stderr
    assert "hydra.launcher.allow_changed=true" in dry.stdout
    again = ["hydra.launcher.retry_failed=true", f"hydra.launcher.resume={hydra_text(str(root))}"]
    by_hydra = run(app.parent / "work", str(app / "app.py"), "-m", "hydra/launcher=hsm_local", *again)
    assert "changed prompts.json" in by_hydra.stderr
    assert by_hydra.returncode == 2
    assert state_of(root).tasks[1].attempt == 1
    done = hsm(app, *command, "--allow-changed")
    assert done.returncode == 0, done.stderr
    told = hsm(app, "reproduce", str(root), "1").stdout
    assert ("code.patch" in told) == (kept_by == "git")
    assert "launch-0-1" in told
    assert "launch-0-1" not in hsm(app, "reproduce", str(root), "0").stdout


@pytest.mark.slow
def test_exit_codes_tell_how_what_was_asked_for_ended(app: Path) -> None:
    root = sweep(app, "+sweep=h", "hydra.launcher.env.TOKEN=1")
    assert hsm(app, "retry", str(root)).returncode == 3
    for words in (["--launcher", "hsm_loca"], ["--launcher", "basic"], ["--set", "x=7"], ["--set", "y"]):
        refused = hsm(app, "retry", str(root), *words)
        assert (refused.returncode, words[1] in refused.stderr) == (2, True)
    assert "hsm_local" in hsm(app, "retry", str(root), "--launcher", "hsm_loca").stderr
    from_hydra = ["app.py", "-m", "hydra/launcher=hsm_local", f"hydra.launcher.resume={hydra_text(str(root))}"]
    for named, code in (((), 3), (("0",), 0), (("1",), 3)):  # 0 completed, 1 failed
        only = [word for number in named for word in ("--task", number)]
        assert hsm(app, "resume", str(root), *only).returncode == code
        by_hydra = run(app, *from_hydra, *(f"hydra.launcher.only_tasks={number}" for number in named))
        assert by_hydra.returncode == code, by_hydra.stderr
    (app / "fixed").touch()
    other = run(app, "app.py", "-m", "hydra/launcher=hsm_local", f"hydra.launcher.resume={hydra_text(str(root))}",
                "hydra.launcher.retry_failed=true", "+z=77,78")  # fmt: skip
    assert other.returncode == 0, other.stderr
    assert "ignored: +z=77,78" in other.stderr


@pytest.mark.slow
def test_what_a_resumed_app_suggests_can_be_typed(app: Path) -> None:
    root = sweep(app, "hydra/launcher=hsm_local")
    (app / "fixed").touch()
    told = hsm(app, "retry", str(root), "--set", "hydra.launcher.slots=0").stderr
    line = next(line for line in told.splitlines() if line.startswith("  next: ")).removeprefix("  next: ")
    assert shlex.split(line) == ["hsm", "retry", str(root), "--set", "hydra.launcher.slots=1"]
    assert hsm(app, *shlex.split(line)[1:]).returncode == 0


def test_a_python_that_is_none_is_answered_with_a_line_that_works(app: Path) -> None:
    began = run(app, "app.py", "-m", "hydra/launcher=hsm_local", "hydra.launcher.python=/no/such", "x=0,2")
    line = next(line for line in began.stderr.splitlines() if line.startswith("  next: "))
    program, *words = shlex.split(line.removeprefix("  next: "), comments=True)
    assert (began.returncode, program, words[2:]) == (1, "hsm", ["--set", "hydra.launcher.python=null"])
    assert hsm(app, *words).returncode == 0


@pytest.mark.slow
def test_interpreter_and_python_path_are_those_of_the_beginning(app: Path) -> None:
    (app.parent / "lib").mkdir()
    (app.parent / "lib" / "mine_only.py").touch()
    (app / "app.py").write_text("import mine_only\n" + APP)
    path = os.pathsep.join([os.environ.get("PYTHONPATH", ""), "../lib"]).strip(os.pathsep)
    words = ["-O", "app.py", "-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=../sweep", "x=0,1"]
    began = run(app, *words, PYTHONPATH=path)
    assert began.returncode == 3, began.stderr
    (app / "fixed").touch()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    root = app.parent / "sweep"
    command = [sys.executable, "-c", PROGRAM, "retry", str(root)]
    done = subprocess.run(
        command, cwd="/", capture_output=True, text=True, env=environment, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    before, after = outputs(root, 1)
    assert before.split()[-1] == after.split()[-1] == "1"
    assert " -O " in hsm(app, "command", str(root), "1").stdout
