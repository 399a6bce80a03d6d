"""What README and docs say is true: every command runs, every link leads somewhere, every field is named."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hsm_core.hydra_bridge.launcher.fields.declared import LauncherConf
from hsm_core.hydra_bridge.sweeper.fields import SweeperConf

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PYTHON = ROOT / "docs" / "python.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: whose commands submit jobs
SUBMITTING = {
    ROOT / "docs" / "slurm.md": "slurm",
    ROOT / "docs" / "pbs.md": "pbs",
    ROOT / "docs" / "extending.md": "gridengine",
    ROOT / "docs" / "ssh.md": "sshd",
}
#: run by tests/integration/test_ssh_doctor.py: the rest of the page needs no hosts
OF_HOSTS = {ROOT / "docs" / "commands.md": ("hsm doctor --host ",)}
#: whose excerpts of code a page shows
EXAMPLE = ROOT / "tests" / "third_party"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
#: run by other tests: the packaging tests install and run the demo, and `make test` runs this one
RUN_ELSEWHERE = (
    "make demo", "make test", "pip install '.[example]'",
    "pip install ./tests/third_party/", "make services", ".venv/test-hydra13/bin/python -m pytest tests/third_party",
)  # fmt: skip

pages = pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(page.read_text(encoding="utf-8")) if kind == language]


def commands(page: Path) -> list[str]:
    lines = "".join(blocks(page, "bash")).splitlines()
    elsewhere = (*RUN_ELSEWHERE, *OF_HOSTS.get(page, ()))
    return [line for line in lines if not line.startswith(elsewhere)]


def run(commands: list[str], cwd: Path) -> None:
    """Has a shell run what a page shows, with this interpreter's commands before others; each must exit with 0."""
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=cwd,
        env={**os.environ, "PATH": here},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def marks_of(page: Path) -> list[pytest.MarkDecorator]:
    service = SUBMITTING.get(page)
    return [
        *([pytest.mark.slow] if page != PAGES[0] else []),
        *([getattr(pytest.mark, service)] if service else []),
    ]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=marks_of(page)) for page in PAGES], ids=[page.name for page in PAGES]
)
def test_every_command_of_a_page_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if page in SUBMITTING:
        request.getfixturevalue(SUBMITTING[page])
    if not commands(page):
        assert not blocks(page, "bash"), "a page whose every command runs elsewhere"
        return
    ignored = shutil.ignore_patterns("multirun", "outputs", "__pycache__")
    shutil.copytree(ROOT / "example_app", tmp_path / "example_app", ignore=ignored)
    run(commands(page), tmp_path)


@pytest.mark.slow
def test_a_contributors_commands_run() -> None:
    """Those of make are checked below."""
    lines = [line for line in commands(CONTRIBUTING) if not line.startswith("make ")]
    own = [line.replace(".venv/test-hydra13/bin/", "") for line in lines]
    assert own
    run(own, ROOT)


@pages
def test_what_is_to_be_made_is_in_the_makefile(page: Path) -> None:
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`)(?:[A-Z]\w*=\S+ )*make ([\w-]+)", page.read_text(), re.MULTILINE)
    assert set(named) - rules == set()
    assert named or page not in (PAGES[0], CONTRIBUTING)


@pages
def test_a_page_uses_the_languages_that_are_checked(page: Path) -> None:
    kinds = {kind for kind, _ in FENCE.findall(page.read_text(encoding="utf-8"))}
    assert kinds <= {"bash", "text", "yaml", "python", "toml", "mermaid"}


def test_modules_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = [path.relative_to(ROOT).as_posix() + "/" * path.is_dir() for path in (ROOT / "hsm_core").rglob("*")]
    there += ["tests/test_architecture.py", "tests/faults"]
    named = re.findall(r"`([\w/]+(?:/|\.py))`", text)
    assert len(named) > 30
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in there)] == []


@pytest.mark.slow
def test_python_of_its_page_and_the_notebook_run_after_its_commands(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("multirun", "outputs", "__pycache__")
    shutil.copytree(ROOT / "example_app", tmp_path / "example_app", ignore=ignored)
    (tmp_path / "page.py").write_text("\n".join(blocks(PYTHON, "python")))
    notebook = json.loads((ROOT / "example_app" / "results.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 3
    assert not any(cell.get("outputs") for cell in notebook["cells"]), "written without what it showed on a machine"
    (tmp_path / "cells.py").write_text("\n".join(cells))
    run([*commands(PYTHON), "python ../page.py", "python ../cells.py"], tmp_path)


@pages
def test_code_that_a_page_shows_stands_in_the_example(page: Path) -> None:
    if page == PYTHON:
        return  # the test above runs it
    files = [path.read_text() for kind in ("*.py", "*.toml") for path in EXAMPLE.rglob(kind)]
    shown = [*blocks(page, "python"), *blocks(page, "toml")]
    assert [text for text in shown if not any(text in file for file in files)] == []


@pages
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_sweep_that_the_readme_shows_is_the_demo() -> None:
    shown = yaml.safe_load(blocks(ROOT / "README.md", "yaml")[0])
    demo = yaml.safe_load((ROOT / "example_app/conf/sweep/demo.yaml").read_text())
    sweeper = shown["hydra"].pop("sweeper")
    assert sweeper == {key: demo["hydra"]["sweeper"].pop(key) for key in sweeper}
    assert shown == {**demo, "hydra": {key: demo["hydra"][key] for key in shown["hydra"]}}


def fields_named(page: Path) -> set[str]:
    """The code words in the first column of a page's tables with the heading ``field`` or ``key``."""
    text = page.read_text(encoding="utf-8")
    tables = re.findall(r"^\| (?:field|key) \|.*\n((?:\|.*\n?)+)", text, re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def fields_of(config: type) -> set[str]:
    return {field.name for field in dataclasses.fields(config) if not field.name.startswith("_")}


def test_the_launchers_page_names_their_fields() -> None:
    assert fields_named(ROOT / "docs/launchers.md") == fields_of(LauncherConf)


def test_the_sweep_file_page_names_the_sweepers_fields() -> None:
    assert fields_named(ROOT / "docs/sweep-file.md") == fields_of(SweeperConf)
