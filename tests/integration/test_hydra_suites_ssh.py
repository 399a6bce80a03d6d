"""Hydra's own suites, with the launcher hsm_ssh on real hosts behind SSH.

Not the suite whose tasks look for the paths of the machine that started them: theirs are the host's own.
"""

from __future__ import annotations

import os

import pytest
from hydra.core.plugins import Plugins
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, LauncherTestSuite

from tests.integration.ssh_sweeping import with_hydra
from tests.services.fleet import Fleet

Plugins.instance()

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.usefixtures("hosts", "own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]
HOSTS = "hydra.launcher.hosts=[h1:4,h2:2]"


@pytest.fixture
def hosts(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with_hydra(fleet, folder="hsm-env")
    monkeypatch.setenv("HSM_SSH_CONFIG", os.fspath(fleet.ssh_config))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("hsm_ssh", [HOSTS]), ("hsm_ssh", [HOSTS, "hydra/sweeper=hsm"])]
)
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        ("hsm_ssh", [HOSTS, "hydra.sweeper.max_batch_size=2"]),
        ("hsm_ssh", [HOSTS, "hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=2"]),
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    pass
