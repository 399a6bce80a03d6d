"""Of two names for one thing what is typed counts; what the environment leaves empty is not set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.launcher.fields.recorded import fields_typed
from hsm_core.hydra_bridge.launcher.fields.resolve import fields_of_sweep
from hsm_core.hydra_bridge.launcher.fields.settings import launcher_values
from tests.unit.hydra_bridge.sweeping import write_app

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")
PRESET = """
defaults: [config, _self_, override hydra/launcher: hsm_slurm]
hydra: {launcher: {walltime: 2h, partition: slow}}
"""


@pytest.fixture(autouse=True)
def conf(tmp_path: Path) -> Iterator[Path]:
    found = write_app(tmp_path)
    (found / "preset.yaml").write_text(PRESET)
    with initialize_config_dir(str(found), version_base="1.3"):
        yield found


def composed(name: str, *overrides: str) -> Any:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra.compose_config(name, list(overrides), RunMode.MULTIRUN, with_log_configuration=False)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ([], (120, "slow", None)),
        (["hydra.launcher.timeout_min=5"], (5, "slow", None)),
        (["++hydra.launcher.timeout_min=5"], (5, "slow", None)),
        (["hydra.launcher.walltime=3h"], (180, "slow", None)),
        (["hydra.launcher.walltime=3h", "hydra.launcher.timeout_min=180"], (180, "slow", None)),
        (["hydra.launcher.timeout_min=null"], (120, "slow", None)),
        (["hydra.launcher.queue=fast"], (120, None, "fast")),
        (["hydra.launcher.queue=fast", "hydra.launcher.partition=gpu"], (120, "gpu", "fast")),
    ],
)
def test_what_is_typed_goes_before_what_files_say(typed: list[str], found: tuple[object, ...]) -> None:
    values = launcher_values(fields_of_sweep(composed("preset", *typed)))
    assert (values["timeout_min"], values["partition"], values["queue"]) == found


def test_two_times_that_are_typed_must_be_the_same() -> None:
    config = composed("preset", "hydra.launcher.walltime=3h", "hydra.launcher.timeout_min=5")
    with pytest.raises(ConfigError, match="walltime=3h and timeout_min=5 differ"):
        launcher_values(fields_of_sweep(config))


def test_what_was_put_away_stays_away_when_the_sweep_goes_on() -> None:
    config = composed("preset", "hydra.launcher.timeout_min=5")
    fields_of_sweep(config)
    typed = fields_typed(config)
    assert {"++hydra.launcher.timeout_min=5", "++hydra.launcher.walltime=null"} <= {*typed}


def test_a_variable_that_is_exported_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WALLTIME", "QUEUE", "ACCOUNT", "RESOURCES"):
        monkeypatch.setenv(f"HSM_HPC_{name}", "")
    values = launcher_values(fields_of_sweep(composed("config", "hydra/launcher=hsm_slurm")))
    assert [values[name] for name in ("walltime", "queue", "account", "resources")] == [None] * 4
