"""Hydra's own suites, with the launcher hsm_ssh on real hosts behind SSH."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hydra.core.plugins import Plugins
from hydra.test_utils.launcher_common_tests import (
    BatchedSweeperTestSuite,
    IntegrationTestSuite,
    LauncherTestSuite,
)

from hsm_core.overrides import hydra_text
from tests.integration.ssh_sweeping import with_hydra
from tests.services.fleet import Fleet
from tests.services.single_sshd import running_sshd

Plugins.instance()

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.usefixtures("own_directory"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Future Hydra versions will no longer change:UserWarning"),
]
HOSTS = "hydra.launcher.hosts=[h1:4,h2:2]"


@pytest.fixture
def hosts(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with_hydra(fleet, folder="hsm-env")
    monkeypatch.setenv("HSM_SSH_CONFIG", os.fspath(fleet.ssh_config))


@pytest.mark.slow
@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("launcher_name", "overrides"), [("hsm_ssh", [HOSTS]), ("hsm_ssh", [HOSTS, "hydra/sweeper=hsm"])]
)
class TestLaunching(LauncherTestSuite):
    pass


@pytest.mark.slow
@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        ("hsm_ssh", [HOSTS, "hydra.sweeper.max_batch_size=2"]),
        ("hsm_ssh", [HOSTS, "hydra/sweeper=hsm", "hydra.sweeper.max_batch_size=2"]),
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    pass


@pytest.fixture
def single(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as config:
        monkeypatch.setenv("HSM_SSH_CONFIG", os.fspath(config))
        yield


SINGLE = f"hydra.launcher.hosts=[{{name:single,slots:2,python:{hydra_text(sys.executable)}}}]"


@pytest.mark.slow
@pytest.mark.usefixtures("single")
@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"),
    [
        ({}, ["-m", "hydra/launcher=hsm_ssh", SINGLE]),
        ({}, ["-m", "hydra/launcher=hsm_ssh", SINGLE, "hydra/sweeper=hsm"]),
    ],
)
class TestIntegration:
    """Of this suite, what holds where the folders of tasks are the host's own; its tasks write to a path of ours."""

    get_test_scratch_dir = IntegrationTestSuite.get_test_scratch_dir
    generate_custom_cmd = IntegrationTestSuite.generate_custom_cmd
    test_custom_task_name = IntegrationTestSuite.test_custom_task_name
