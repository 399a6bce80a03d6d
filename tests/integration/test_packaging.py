"""Installed as users install it, hsm is there: both Hydra lines, editable or not, in a path with a space."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = {
    "hydra-1.3": ["hydra-core>=1.3.8,<1.4"],
    "hydra-1.4": ["hydra-core==1.4.0rc3", "omegaconf==2.4.1rc1"],
}
NOT_SHIPPED = (".git", ".venv", "build", "*.egg-info", "__pycache__", ".*", "multirun", "outputs")

pytestmark = pytest.mark.slow

DISCOVERED = """
import sys
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
found = Plugins.instance()
classes = [c.__name__ for kind in (Launcher, Sweeper) for c in found.discover(kind)]
print(*sorted(name for name in classes if name.startswith("Hsm")))
heavy = {"paramiko", "submitit", "jinja2", "rich", "click", "cloudpickle", "asyncio"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def succeed(argv: list[str], cwd: Path, **env: str) -> str:
    """Run a command free of this environment's traces; it must exit with 0."""
    done = subprocess.run(
        argv, cwd=cwd, env=clean_environment() | env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment, a checkout to install into it, and nothing of this one."""

    directory: Path
    checkout: Path
    requirements: list[str]

    def run(self, command: str, *arguments: object) -> str:
        argv = [str(self.directory / "bin" / command), *map(str, arguments)]
        return succeed(argv, cwd=self.directory)

    def install(self, *how: object) -> None:
        self.run("python", "-m", "pip", "install", "-q", *how, *self.requirements)

    def plugins(self) -> list[str]:
        return self.run("python", "-Werror", "-c", DISCOVERED).split()


def clean_environment() -> dict[str, str]:
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


def copy_checkout(to: Path) -> Path:
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(*NOT_SHIPPED))
    return to


@pytest.fixture(scope="module", params=LINES)
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    base = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", base / "venv"], check=True, env=clean_environment())
    return Environment(base / "venv", copy_checkout(base / "a check out"), LINES[request.param])


def test_a_normal_install_is_discovered_and_has_its_commands(environment: Environment) -> None:
    environment.install(environment.checkout)
    assert {"HsmLocalLauncher", "HsmSweeper"} <= set(environment.plugins())
    assert len(set(environment.plugins())) == len(environment.plugins())
    assert "hsm-status" in environment.run("hsm-status", "--help")
    assert "hsm" in environment.run("hsm", "--help")


def test_an_editable_install_is_discovered(environment: Environment) -> None:
    environment.install("-e", environment.checkout)
    assert {"HsmLocalLauncher", "HsmSweeper"} <= set(environment.plugins())
    where = environment.run("python", "-c", "import hydra_plugins.hsm as p; print(p.__file__)")
    assert where.startswith(str(environment.checkout)), where


def test_the_demo_runs_in_a_checkout_whose_path_has_a_space(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "a check out")
    succeed(["make", "demo"], cwd=checkout, PYTHON=sys.executable)
    status = succeed([str(checkout / ".venv/demo/bin/hsm-status"), "latest", "--json"], cwd=tmp_path)
    assert json.loads(status)["counts"]["completed"] == 32
