"""Hydra's own suites, with the sweeper hsm over Hydra's basic launcher."""

from __future__ import annotations

import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)

from hydra_plugins.hsm.plugins import HsmSweeper

Plugins.instance()

pytestmark = [
    pytest.mark.usefixtures("own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]


def test_hydra_finds_the_sweeper_once() -> None:
    found = [kind for kind in Plugins.instance().discover(Sweeper) if kind.__name__ == HsmSweeper.__name__]
    assert [kind.__module__ for kind in found] == ["hydra_plugins.hsm.plugins"]


@pytest.mark.parametrize(("launcher_name", "overrides"), [("basic", ["hydra/sweeper=hsm"])])
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("basic", ["hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=2"])]
)
class TestBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"), [({}, ["-m", "hydra/sweeper=hsm", "hydra/launcher=basic"])]
)
class TestIntegration(IntegrationTestSuite):
    pass
