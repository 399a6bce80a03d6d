"""Hydra's own suites, with the launcher hsm_slurm on a real Slurm."""

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
    pytest.mark.slurm,
    pytest.mark.usefixtures("slurm", "own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]


@pytest.mark.parametrize(("launcher_name", "overrides"), [("hsm_slurm", [])])
class TestShortly:
    """Of the suite, what most of the rest stands on."""

    get_task_function = LauncherTestSuite.get_task_function
    test_sweep_2_jobs = LauncherTestSuite.test_sweep_2_jobs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("hsm_slurm", []), ("hsm_slurm", ["hydra/sweeper=hsm"])]
)
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        ("hsm_slurm", ["hydra.sweeper.max_batch_size=2"]),
        ("hsm_slurm", ["hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=2"]),
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"),
    [
        ({}, ["-m", "hydra/launcher=hsm_slurm"]),
        ({}, ["-m", "hydra/launcher=hsm_slurm", "hydra/sweeper=hsm"]),
    ],
)
class TestIntegration(IntegrationTestSuite):
    pass
