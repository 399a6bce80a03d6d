"""A command line is known in its parts, whatever started the interpreter and whatever the app took off it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.detect.command import Command, original_argv, this_command

TELL = """
import json, os, sys
sys.path.insert(0, {root!r})
from hsm_core.detect.command import original_argv, this_command
before = list(sys.argv)
sys.argv[1:] = [word for word in sys.argv[1:] if not word.startswith("--")]
main = sys.modules["__main__"]
module = main.__spec__.name if main.__spec__ else ""
found = this_command(os.path.abspath(main.__file__), module, os.getcwd())
again = original_argv(os.path.abspath(main.__file__), module, os.getcwd())
print(json.dumps([found.start, found.program, found.arguments, again == before]))
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(weird_tmp_path: Path) -> Path:
    package = weird_tmp_path / "pkg"
    package.mkdir()
    for file in (weird_tmp_path / "app.py", package / "__main__.py", package / "run.py"):
        file.write_text(TELL.format(root=str(ROOT)))
    (package / "__init__.py").touch()
    runner = "import runpy, sys\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    (weird_tmp_path / "runner.py").write_text(runner)
    fixed = "import runpy\nrunpy.run_path('app.py', run_name='__main__')"
    (weird_tmp_path / "fixed.py").write_text(fixed)
    return weird_tmp_path


def told(words: list[str], cwd: Path) -> list[object]:
    done = subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True, check=True)
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("words", "start", "program"),
    [
        (["app.py"], [], ["{}/app.py"]),
        (["-O", "-X", "utf8", "-Wignore", "-u", "./app.py"], ["-O", "-X", "utf8", "-Wignore", "-u"], ["{}/app.py"]),
        (["-m", "pkg"], [], ["-m", "pkg"]),
        (["-OOm", "pkg.run"], [], ["-OOm", "pkg.run"]),
        (["-W", "ignore", "-m", "pkg.run"], ["-W", "ignore"], ["-m", "pkg.run"]),
        (["runner.py", "app.py"], ["runner.py"], ["{}/app.py"]),
        (["fixed.py"], [], ["{}/fixed.py"]),
    ],
)  # fmt: skip
def test_the_command_in_parts(place: Path, words: list[str], start: list[str], program: list[str]) -> None:
    more = ["--data", "D 9", "-m", "lr=1,2"]
    found = told([*words, *more], place)
    assert found == [[sys.executable, *start], [word.format(place) for word in program], more, True]


def test_a_starter_is_kept(place: Path) -> None:
    starter = place / "torchrun"
    run = "subprocess.run([sys.executable, '-u', *sys.argv[2:]])"
    starter.write_text(f"import subprocess, sys\nsys.exit({run}.returncode)")
    found = told([str(starter), "--nproc-per-node=2", "app.py", "-m", "lr=1,2"], place)
    assert found[:2] == [[sys.executable, str(starter), "--nproc-per-node=2"], [f"{place}/app.py"]]
    found = told([str(starter), "--nproc-per-node=2", "-m", "pkg.run", "lr=1,2"], place)
    assert found[:2] == [[sys.executable, str(starter), "--nproc-per-node=2", "-m"], ["pkg.run"]]


def test_other_parents_are_not_kept(place: Path) -> None:
    code = "import subprocess, sys\nsys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"
    (place / "wrapper").write_text(code)
    found = told([str(place / "wrapper"), "app.py", "lr=1,2"], place)
    assert found[0] == [sys.executable]


@pytest.mark.parametrize(
    ("typed", "left", "taken"),
    [
        ("--data D -m x=1,2", "-m x=1,2", (("--data", "D"), ())),
        ("-m x=1,2 train", "-m x=1,2", ((), ("train",))),
        ("-m --data D x=1,2", "-m x=1,2", (("--data", "D"), ())),
        ("-m x=1,2", "hydra.job.chdir=false -m x=1,2", ((), ())),
        ("-m x=1,2", "-m x=1,2 y=3", ((), ())),
        ("--lr 1 2", "-m lr=1,2", (("--lr", "1", "2"), ())),
        ("", "-m lr=1,2", ((), ())),
    ],
)
def test_what_the_app_took_for_itself(typed: str, left: str, taken: tuple[tuple[str, ...], ...]) -> None:
    assert Command(("python",), ("a.py",), tuple(typed.split())).taken(left.split()) == taken


def test_without_a_command_line_that_names_it_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", "pass", "x"])
    monkeypatch.setattr(sys, "argv", ["-c", "x"])
    assert this_command(os.path.abspath("app.py"), "", os.getcwd()) is None
    assert original_argv(os.path.abspath("app.py"), "", os.getcwd()) == ["-c", "x"]
