"""Slurm and PBS hold what every registered batch system does."""

from __future__ import annotations

import pytest

from hsm_core.hydra_bridge.launcher.fields.declared import LauncherConf
from hsm_core.hydra_bridge.launcher.fields.recorded import defaults
from hsm_core.schedulers.registry import find_system, make_scheduler
from hsm_core.testing.batch_system import BatchSystemContract, Registered
from hsm_core.testing.recording import RecordingHost

VERSION = {"qstat --version": "pbs_version = 23.06.06\n"}


class TestSlurm(BatchSystemContract):
    @pytest.fixture
    def registered(self) -> Registered:
        system = find_system("slurm")
        in_array = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_JOB_ID": "9", "SLURM_ARRAY_TASK_ID": "2"}
        return Registered(
            system, make_scheduler("slurm", RecordingHost()), system.parse(defaults()), "7", "8", in_array,
            {"SLURM_JOB_ID": "8"}, {"SLURM_RESTART_COUNT": "1"},
        )  # fmt: skip


class TestPbs(BatchSystemContract):
    @pytest.fixture(params=["pbspro", "torque"])
    def registered(self, request: pytest.FixtureRequest) -> Registered:
        system, flavour = find_system("pbs"), request.param
        index = "PBS_ARRAY_INDEX" if flavour == "pbspro" else "PBS_ARRAYID"
        scheduler = make_scheduler(flavour, RecordingHost(replies={**VERSION}))
        return Registered(
            system, scheduler, system.parse(defaults()), "7[].srv", "8.srv",
            {"PBS_JOBID": "7[2].srv", index: "2"}, {"PBS_JOBID": "8.srv"}, {},
        )  # fmt: skip


@pytest.mark.parametrize("name", ["slurm", "pbs"])
def test_the_fields_that_it_heeds_are_the_launchers(name: str) -> None:
    assert find_system(name).fields <= {*LauncherConf.__dataclass_fields__}
