"""Hydra's own suites, with the launcher hsm_pbs on a PBS that runs scripts, in both flavours."""

from __future__ import annotations

import pytest
from hydra.core.plugins import Plugins
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)

Plugins.instance()

pytestmark = [
    pytest.mark.pbs,
    pytest.mark.slow,
    pytest.mark.usefixtures("own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]


#: the suites change the lists that they are given, so that each flavour has its own
FLAVOURS = ("pbs", "torque")


@pytest.fixture(autouse=True)
def server(request: pytest.FixtureRequest) -> None:
    """The commands of one flavour on the PATH."""
    request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("server", "launcher_name", "overrides"), [(one, "hsm_pbs", []) for one in FLAVOURS], indirect=["server"]
)
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.parametrize(
    ("server", "launcher_name", "overrides"),
    [(one, "hsm_pbs", ["hydra.sweeper.max_batch_size=2"]) for one in FLAVOURS],
    indirect=["server"],
)
class TestBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.parametrize(
    ("server", "task_launcher_cfg", "extra_flags"),
    [(one, {}, ["-m", "hydra/launcher=hsm_pbs"]) for one in FLAVOURS],
    indirect=["server"],
)
class TestIntegration(IntegrationTestSuite):
    pass
