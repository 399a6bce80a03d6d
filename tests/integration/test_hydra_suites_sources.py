"""Hydra's own suites, with the launcher hsm_sources."""

from __future__ import annotations

import pytest
from hydra.core.plugins import Plugins
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, LauncherTestSuite

Plugins.instance()

pytestmark = [
    pytest.mark.usefixtures("own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]
SOURCES = "hydra.launcher.sources=[local:1]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("hsm_sources", [SOURCES]), ("hsm_sources", [SOURCES, "hydra/sweeper=hsm"])]
)
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        ("hsm_sources", [SOURCES, "hydra.sweeper.max_batch_size=2"]),
        ("hsm_sources", [SOURCES, "hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=2"]),
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    pass
