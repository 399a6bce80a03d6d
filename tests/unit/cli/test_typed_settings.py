"""What ``--set`` names is checked before an app is started, also where nothing is left to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.conf import HydraConf

from hsm_core.cli.typed_settings import LAUNCHER, SECTIONS, SWEEPER
from hsm_core.hydra_bridge.launcher.fields.declared import LauncherConf
from hsm_core.hydra_bridge.sweeper.fields import SweeperConf
from hsm_core.schedulers.registry import own_systems
from tests.unit.cli.test_status import Shell
from tests.unit.store.making import MadeSweep, complete, killed_process


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """One sweep, of which nothing is left to run."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    typed = {"overrides": {"hydra": ["hydra/launcher=hsm_local"], "task": ["lr=0.1,0.2"]}}
    app = {"name": "app", "main": ["python", "app.py"]}
    line = ("python", "app.py", "-m", "hydra/launcher=hsm_local", "lr=0.1,0.2")
    sweep = MadeSweep(tmp_path / "s", total=1, cwd=str(tmp_path), app=app, command=line, **typed)
    complete(sweep.worker("w1", killed_process()), 0)
    return Shell(tmp_path / "state")


def test_the_names_are_those_of_hydra_and_of_hsm() -> None:
    def fields(conf: type) -> set[str]:
        return {name for name in conf.__dataclass_fields__ if name[0] != "_"}  # type: ignore[attr-defined]

    assert fields(LauncherConf) == LAUNCHER.union(*(system.fields for system in own_systems()))
    assert fields(SweeperConf) == SWEEPER
    assert fields(HydraConf) - {"defaults"} <= SECTIONS


@pytest.mark.parametrize(
    ("typed", "said", "meant"),
    [
        ("slots=3", "'slots' is not a setting of Hydra", "hydra.launcher.slots=3"),
        ("launcher.slots=3", "is not a setting of Hydra", "hydra.launcher.slots=3"),
        ("mem_gbs=48", "is not a setting of Hydra", "hydra.launcher.mem_gb=48"),
        ("hydra.slots=3", "hydra has no section 'slots'", "hydra.launcher.slots=3"),
        ("hydra.launcher.slot=3", "hydra.launcher has no field 'slot'", "hydra.launcher.slots=3"),
        ("++hydra.launcher.wall=3h", "hydra.launcher has no field 'wall'", "++hydra.launcher.walltime=3h"),
        ("hydra.launcher.env.A=b", "task 0 is completed", ""),
        ("hydra.lancher.slots=3", "hydra has no section 'lancher'", "hydra.launcher.slots=3"),
        ("hydra.sweeper.limt=3", "hydra.sweeper has no field 'limt'", "hydra.sweeper.limit=3"),
        ("hydra/lancher=hsm_slurm", "hydra has no config group 'lancher'", "hydra/launcher=hsm_slurm"),
        ("hydra/launcher=hsm_slrum", "the launcher 'hsm_slrum' can't resume a sweep", "hydra/launcher=hsm_slurm"),
        ("hydra.launcher.slots", "--set hydra.launcher.slots has no value", "hydra.launcher.slots=VALUE"),
        ("hydra.verbose=true", "task 0 is completed", ""),
        ("+hydra.mine=true", "task 0 is completed", ""),
        ("~hydra.launcher.qos", "task 0 is completed", ""),
    ],
)  # fmt: skip
def test_a_typo_is_named_with_what_was_meant(shell: Shell, typed: str, said: str, meant: str) -> None:
    done = shell.run("hsm", "resume", "latest", "--set", typed)
    assert said in done.stderr
    if meant:
        assert done.stderr.splitlines()[-1] == f"  next: hsm resume latest --set {meant}"
    assert done.returncode == (2 if meant else 0)


def test_a_tasks_own_value_takes_a_new_sweep(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("hsm", "resume", "latest", "--set", "lr=0.5", "--task", "0")
    assert "a task's own overrides can't change" in done.stderr
    told = f"next: cd {tmp_path} && python app.py -m hydra/launcher=hsm_local lr=0.5    # a new sweep"
    assert told in done.stderr
    assert "there are: array_parallelism" not in done.stderr


def test_an_unknown_key_is_answered_with_the_line_that_shows_the_fields(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("hsm", "resume", "latest", "--set", "WRONG=3")
    assert "'WRONG' is not a setting of Hydra, and a task's own overrides can't change" in done.stderr
    told = f"next: cd {tmp_path} && python app.py hydra/launcher=hsm_local --cfg hydra -p hydra.launcher    # "
    assert told in done.stderr


def test_a_field_that_resembles_none_lists_those_that_there_are(shell: Shell) -> None:
    done = shell.run("hsm", "resume", "latest", "--set", "hydra.launcher.xyzzy=0.5")
    assert "because: there are: account, additional_parameters" in done.stderr
