"""The package of a third party, installed beside hsm, and the real Grid Engine that it is for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.schedulers import registry
from tests.services.cluster import Cluster, running_gridengine

PACKAGE = Path(__file__).with_name("hsm_gridengine")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for PYTHONPATH, into which pip installed the package as it would anywhere."""
    checkout, target = tmp_path_factory.mktemp("checkout") / "package", tmp_path_factory.mktemp("packages")
    shutil.copytree(PACKAGE, checkout)
    how = ("-q", "--no-deps", "--disable-pip-version-check", "--target", str(target))
    subprocess.run([sys.executable, "-m", "pip", "install", *how, str(checkout)], check=True, timeout=300)
    return target


@pytest.fixture
def installed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """It is found by this process and by those that a test starts."""
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")])))
    registry._entries.cache_clear()
    yield packages
    registry._entries.cache_clear()


@pytest.fixture(scope="session")
def gridengine_cell() -> Iterator[Cluster]:
    with running_gridengine() as cell:
        yield cell


@pytest.fixture
def gridengine(gridengine_cell: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A real Grid Engine of 4 slots, the one that qsub and qstat talk to. Mark the test ``gridengine``."""
    for name, value in gridengine_cell.chosen_by.items():
        monkeypatch.setenv(name, value)
    return gridengine_cell
