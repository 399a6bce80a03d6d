"""The launchers' fields that hold names of the user's choosing take them without a plus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hydra import compose, initialize
from omegaconf import OmegaConf

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.launcher.fields.resolve import fields_of_sweep
from hsm_core.hydra_bridge.launcher.fields.settings import known_values
from hsm_core.sources.registry import queue_at

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")


@pytest.fixture(autouse=True)
def hydra() -> Iterator[None]:
    with initialize(config_path=None, version_base="1.3"):
        yield


@pytest.mark.parametrize("launcher", ["hsm_local", "hsm_slurm", "hsm_pbs", "hsm_hpc"])
@pytest.mark.parametrize("plus", ["", "+", "++"])
@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ("additional_parameters={requeue: false}", "additional_parameters", {"requeue": False}),
        ("additional_parameters.requeue=false", "additional_parameters", {"requeue": False}),
        ("env={A: b}", "env", {"A": "b"}),
        ("env.A=b", "env", {"A": "b"}),
    ],
)
def test_a_dict_takes_new_keys(launcher: str, plus: str, said: str, field: str, value: object) -> None:
    overrides = [f"hydra/launcher={launcher}", f"{plus}hydra.launcher.{said}"]
    config = compose(overrides=overrides, return_hydra_config=True)
    assert OmegaConf.to_container(config.hydra.launcher[field]) == value


def test_misspelt_fields_are_refused_all_at_once_with_what_was_meant() -> None:
    typed = [f"hydra.launcher.{text}" for text in ("wall_time=1h", "slotss=2")]
    config = compose(overrides=["hydra/launcher=hsm_slurm", *typed], return_hydra_config=True)
    with pytest.raises(ConfigError) as error:
        known_values(fields_of_sweep(config), queue_at("slurm"), typed)
    for field, meant in (("wall_time", "walltime=1h"), ("slotss", "slots=2")):
        assert f"hydra.launcher has no field '{field}'\n  fix: hydra.launcher.{meant} " in str(error.value)
