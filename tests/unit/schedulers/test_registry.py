"""Which batch system a name means, and what of it is said where."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hsm_core.errors import BackendError
from hsm_core.schedulers import registry
from hsm_core.schedulers.batch_system import Absent
from hsm_core.schedulers.registry import all_systems, find_system, own_systems, title_of
from hsm_core.schedulers.slurm.dialect import Slurm
from hsm_core.testing.recording import RecordingHost

ROOT = Path(registry.__file__).parents[2]
PACKAGE = """
class Condor:
    name, title, flavours, variables = "condor", "Condor", {"htcondor": "HTCondor"}, ("CONDOR_CONFIG",)

SYSTEM = Condor()
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two packages that register a scheduler each; the second can't be loaded."""
    (tmp_path / "condor_for_hsm.py").write_text(PACKAGE)
    info = tmp_path / "condor_for_hsm-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: condor-for-hsm\nVersion: 1\n")
    lines = "[hsm.schedulers]\ncondor = condor_for_hsm:SYSTEM\nbroken = no_such_package:SYSTEM\n"
    (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._entries.cache_clear()
    yield
    registry._entries.cache_clear()


def test_our_own_are_found_without_entry_points() -> None:
    code = (
        "import sys; from hsm_core.schedulers.registry import find_system\n"
        "assert find_system('torque').name == 'pbs' and find_system('slurm').title == 'Slurm'\n"
        "assert not {'importlib.metadata', 'hsm_core.schedulers.slurm.dialect'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=60, cwd=ROOT)


def test_our_own_are_those_that_are_registered() -> None:
    lines = re.findall(r'"(\w+) = (hsm_core\.schedulers\.\S+)"', (ROOT / "setup.py").read_text())
    registered = [EntryPoint(name, value, registry.GROUP) for name, value in lines]
    assert {entry.name: entry.load() for entry in registered} == {one.name: one for one in own_systems()}


@pytest.mark.parametrize(
    ("name", "title"),
    [("slurm", "Slurm"), ("pbs", "PBS"), ("pbspro", "PBS"), ("torque", "Torque"), ("condor", "Condor"),
     ("htcondor", "HTCondor"), ("lsf", "lsf"), ("broken", "broken")],
)  # fmt: skip
def test_messages_call_a_scheduler_as_it_calls_itself(third_party: None, name: str, title: str) -> None:
    assert title_of(name) == title


def test_what_is_not_registered_is_told_with_what_is(third_party: None) -> None:
    with pytest.raises(BackendError, match="there is no scheduler 'lsf'") as raised:
        find_system("lsf")
    assert raised.value.evidence == "there are: slurm, pbs, condor, broken"


def test_a_package_that_cant_be_loaded_stops_no_other(third_party: None) -> None:
    found = {one.name: one for one in all_systems()}
    broken = found["broken"]
    assert list(found) == ["slurm", "pbs", "condor", "broken"]
    assert isinstance(broken, Absent)
    assert "no_such_package" in broken.why
    with pytest.raises(BackendError, match="can't be loaded"):
        find_system("broken")


def test_the_name_of_a_flavour_chooses_it() -> None:
    host = RecordingHost()
    assert isinstance(registry.make_scheduler("slurm", host), Slurm)
    assert [registry.make_scheduler(name, host).name for name in ("pbspro", "torque")] == ["pbspro", "torque"]
    assert registry.make_scheduler("pbs", host, "torque").name == "torque"


@pytest.mark.parametrize(
    ("name", "native_id", "typed", "is_meant"),
    [
        ("slurm", "680", "680", True), ("slurm", "680", "680_3", True), ("slurm", "680", "6801", False),
        ("slurm", "680", "68", False), ("pbs", "12[].srv", "12", True), ("pbs", "12[].srv", "12[3]", True),
        ("pbs", "12[].srv", "12[3].srv", True), ("pbs", "12.srv", "12.srv", True), ("pbs", "12.srv", "13", False),
    ],
)  # fmt: skip
def test_a_job_by_what_a_user_types(name: str, native_id: str, typed: str, is_meant: bool) -> None:
    assert find_system(name).is_job(native_id, typed) is is_meant


@pytest.mark.parametrize(
    ("name", "native_id", "index"),
    [("slurm", "680_3", 3), ("slurm", "680", 0), ("pbs", "12[3].srv", 3), ("pbs", "12.srv", 0), ("pbs", "1[7]", 7)],
)
def test_an_element_says_its_place_in_the_array(name: str, native_id: str, index: int) -> None:
    assert find_system(name).index_of(native_id) == index
