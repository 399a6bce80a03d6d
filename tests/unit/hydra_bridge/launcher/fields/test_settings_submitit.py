"""``hydra/launcher=submitit_slurm`` becomes ``hsm_slurm``: all of its fields compose, whatever they are set to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from hsm_core.hydra_bridge.launcher.fields.references import meaningless
from hsm_core.hydra_bridge.launcher.fields.resolve import fields_of_sweep
from hsm_core.hydra_bridge.launcher.fields.settings import known_values, launcher_settings
from hsm_core.hydra_bridge.value_text import value_text
from hsm_core.schedulers.slurm.settings import SlurmResources
from hsm_core.settings import LauncherSettings
from hsm_core.sources.registry import queue_at
from hydra_plugins.hydra_submitit_launcher.config import LocalQueueConf, SlurmQueueConf

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")
#: Of each of submitit's launchers, the fields.
ALL = [
    *(pytest.param("slurm", one, id=f"slurm-{one.name}") for one in fields(SlurmQueueConf) if one.name != "_target_"),
    *(pytest.param("local", one, id=f"local-{one.name}") for one in fields(LocalQueueConf) if one.name != "_target_"),
]
#: Other values, where no other number, text or list will do.
OTHERS = {
    "additional_parameters": {"mail-type": "BEGIN"}, "stderr_to_stdout": True, "use_srun": False, "gres": "gpu:2",
    "mem_per_gpu": "4G", "mem_per_cpu": "4G", "setup": ["module load x"], "srun_args": ["--label"],
    "submitit_folder": "/scratch/%j", "python": "/usr/bin/python3",
}  # fmt: skip


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("conf")
    (folder / "config.yaml").write_text("lr: 0.1\n")
    with initialize_config_dir(str(folder), version_base="1.3"):
        yield


def composed(place: str, name: str, value: Any) -> DictConfig:
    text = value_text(value)
    overrides = [f"hydra/launcher=hsm_{place}", "hydra.sweep.dir=here", f"hydra.launcher.{name}={text}"]
    return compose("config", overrides, return_hydra_config=True)


def values(place: str, name: str, value: Any) -> dict[str, object]:
    return known_values(fields_of_sweep(composed(place, name, value)), queue_at(place))


def settings(place: str, name: str, value: Any) -> LauncherSettings:
    return launcher_settings(values(place, name, value), queue_at(place))


def default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def other(field: Field[Any]) -> Any:
    kind = str(field.type)
    return OTHERS.get(field.name, 2 if "int" in kind else "other")


@pytest.mark.usefixtures("conf")
@pytest.mark.parametrize(("place", "field"), ALL)
def test_a_field_takes_its_default_and_another_value(place: str, field: Field[Any]) -> None:
    settings(place, field.name, default(field))
    assert values(place, field.name, other(field))[field.name] == other(field)
    found = settings(place, field.name, other(field))
    assert found.ignored == ((field.name,) if field.name in meaningless(queue_at(place)) else ())


@pytest.mark.usefixtures("conf")
def test_null_is_what_nobody_set() -> None:
    assert settings("slurm", "setup", None).setup == ()
    assert settings("slurm", "tasks_per_node", None).resources.tasks_per_node == 1
    resources = settings("slurm", "srun_args", None).resources
    assert isinstance(resources, SlurmResources)
    assert resources.srun_args == ()


@pytest.mark.usefixtures("conf")
def test_what_means_nothing_here_is_told() -> None:
    for place in ("slurm", "local", "pbs"):
        assert settings(place, "submitit_folder", "${hydra.sweep.dir}/.submitit/%j").ignored == ("submitit_folder",)
        assert settings(place, "use_srun", False).ignored == ("use_srun",)
        assert settings(place, "use_srun", True).ignored == ()
