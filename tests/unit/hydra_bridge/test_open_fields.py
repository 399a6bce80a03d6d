"""The launchers' fields that hold names of the user's choosing take them without a plus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hydra import compose, initialize
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

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


def test_a_misspelt_field_is_refused_all_the_same() -> None:
    with pytest.raises(ConfigCompositionException, match="wall_time"):
        compose(overrides=["hydra/launcher=hsm_slurm", "hydra.launcher.wall_time=1h"], return_hydra_config=True)
