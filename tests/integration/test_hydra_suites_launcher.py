"""Hydra's own suites, with the launcher hsm_local under Hydra's sweeper and ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)

from hydra_plugins.hsm.plugins import HsmLocalLauncher

Plugins.instance()

pytestmark = [
    pytest.mark.usefixtures("own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]


def test_hydra_finds_the_launcher_once() -> None:
    found = [
        kind for kind in Plugins.instance().discover(Launcher) if kind.__name__ == HsmLocalLauncher.__name__
    ]
    assert [kind.__module__ for kind in found] == ["hydra_plugins.hsm.plugins"]


def test_the_suites_run_in_a_directory_of_their_own(request: pytest.FixtureRequest) -> None:
    assert Path.cwd() != request.config.rootpath
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [pytest.param("hsm_local", [], marks=pytest.mark.slow), ("hsm_local", ["hydra/sweeper=hsm"])],
)
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        ("hsm_local", ["hydra.sweeper.max_batch_size=2"]),
        ("hsm_local", ["hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=2"]),
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"),
    [
        pytest.param({}, ["-m", "hydra/launcher=hsm_local"], marks=pytest.mark.slow),
        pytest.param({}, ["-m", "hydra/launcher=hsm_local", "hydra/sweeper=hsm"], marks=pytest.mark.slow),
    ],
)
class TestIntegration(IntegrationTestSuite):
    pass
