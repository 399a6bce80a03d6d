"""A site's defaults in the environment stand below what a user says."""

from __future__ import annotations

import pytest

from hsm_core.schedulers.pbs.defaults import below_the_fields
from hsm_core.schedulers.pbs.resources import resource_lines
from hsm_core.schedulers.pbs.settings import PbsResources


@pytest.mark.parametrize(
    ("defaults", "said", "lines"),
    [
        ("select=1:ncpus=4:mem=16gb", {}, ["-l select=1:ncpus=4:mem=16gb"]),
        ("select=1:ncpus=4:mem=16gb", {"cpus_per_task": 2}, ["-l select=1:ncpus=2:mem=16gb"]),
        ("select=1:ncpus=4:mem=512mb:ngpus=1", {"mem_gb": 2}, ["-l select=1:ncpus=4:mem=2gb:ngpus=1"]),
        ("select=1:ncpus=4 walltime=1:00:00", {"walltime_min": 5}, ["-l select=1:ncpus=4", "-l walltime=0:05:00"]),
        ("select=1:ncpus=4,walltime=1:00:00", {"walltime_min": 5}, ["-l select=1:ncpus=4", "-l walltime=0:05:00"]),
        ("walltime=1:00:00", {"walltime_min": 5}, ["-l walltime=0:05:00"]),
        ("select=1:ncpus=4", {"select": "2:ncpus=1"}, ["-l select=2:ncpus=1"]),
        (
            "select=1:ncpus=4 walltime=1:00:00",
            {"cpus_per_task": 2, "walltime_min": 5},
            ["-l select=1:ncpus=2", "-l walltime=0:05:00"],
        ),
        ("-l select=1:ncpus=4 -q long", {}, ["-l select=1:ncpus=4 -q long"]),
    ],
)
def test_of_two_that_say_the_same_the_field_counts(defaults: str, said: dict[str, int], lines: list[str]) -> None:
    asked = below_the_fields(PbsResources(raw=defaults, **said), defaults)
    assert list(resource_lines(asked)) == lines


def test_in_torques_words() -> None:
    defaults = "nodes=1:ppn=4:gpus=1,mem=16gb walltime=1:00:00"
    asked = below_the_fields(PbsResources(raw=defaults, flavour="torque", cpus_per_task=8), defaults)
    assert asked.raw == "walltime=1:00:00"
    assert (asked.cpus_per_task, asked.mem_gb, asked.gpus_per_node) == (8, 16, 1)
