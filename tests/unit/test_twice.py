"""What fails beside others runs once more, and is named; what fails for good stays failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.twice import run_twice, told

PYTEST = (sys.executable, "-m", "pytest", "-q")
ONCE = """
from pathlib import Path

def test_once():
    mark = Path("mark")
    fails = not mark.exists()
    mark.touch()
    assert not fails

def test_fine():
    with open("fine", "a") as file:
        file.write("x")
"""
NEVER = "def test_never():\n    assert False\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a project of two files of tests lies, and pytest runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_once.py").write_text(ONCE)
    return tmp_path


@pytest.fixture
def few_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.twice.TOGETHER", ("-n", "1", "--max-worker-restart=1"))


@pytest.mark.usefixtures("few_processes")
def test_what_passes_alone_is_named(folder: Path) -> None:
    assert run_twice([], PYTEST, folder / "notes") == 0
    assert (folder / "notes").read_text() == "test_once.py::test_once\n"
    assert (folder / "fine").read_text() == "x", "what passed is not run again"


@pytest.mark.usefixtures("few_processes")
def test_what_fails_twice_is_a_failure_and_no_flake(folder: Path) -> None:
    (folder / "test_never.py").write_text(NEVER)
    assert run_twice([], PYTEST, folder / "notes") == 1
    assert (folder / "notes").read_text() == "test_once.py::test_once\n"


@pytest.mark.usefixtures("few_processes")
@pytest.mark.parametrize("arguments", [["--no-such-option"], ["none_such.py"]])
def test_a_run_that_was_not_one_is_not_repeated(folder: Path, arguments: list[str]) -> None:
    assert run_twice(arguments, PYTEST, folder / "notes") > 1
    assert not (folder / "notes").exists()


def test_the_end_of_a_run_says_how_many_and_which() -> None:
    assert told([]) == "No test needed a second run."
    assert told(["a::b"]) == "FLAKY: 1 test failed beside others and passed alone:\n  a::b"
    assert told(["a::b", "c::d"]).splitlines()[0] == "FLAKY: 2 tests failed beside others and passed alone:"
