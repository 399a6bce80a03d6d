"""The launcher's fields as overrides: Hydra reads the same fields from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from hsm_core.hydra_bridge.launcher.fields.recorded import fields_typed

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")


def composed(directory: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(directory), version_base="1.3"):
        return compose("config", [*overrides], return_hydra_config=True)


def fields(config: DictConfig) -> Any:
    return OmegaConf.to_container(config.hydra.launcher, resolve=False)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A sweep file and a site's preset that set fields of all kinds."""
    (tmp_path / "sweep").mkdir()
    (tmp_path / "hydra" / "launcher").mkdir(parents=True)
    (tmp_path / "config.yaml").write_text("model: {mem: 3}\n")
    text = r"""# @package _global_
defaults: [override /hydra/launcher: hsm_local]
hydra:
  launcher:
    slots: 1
    env: {TOKEN: "it's $HOME \\ 'x'", "odd.key": "1", NUMBER: 7, HOST: "${oc.env:HOSTNAME,none}"}
    mem_gb: ${model.mem}
    walltime: "8:00:00"
    setup: ["module load a", "echo 'b' \\"]
    additional_parameters: {deep: {x: [1, null, true]}}
    queue: null
    detach: true
    name: mine
"""
    (tmp_path / "sweep" / "h.yaml").write_text(text)
    (tmp_path / "hydra" / "launcher" / "site.yaml").write_text("defaults: [hsm_local]\nslots: 4\n")
    return tmp_path


def test_the_fields_of_a_sweep_file_come_back_without_it(conf: Path) -> None:
    before = composed(conf, "+sweep=h", "hydra.launcher.nice=5", "+hydra.launcher.env.MORE=1")
    texts = fields_typed(before)
    after = fields(composed(conf, "hydra/launcher=hsm_local", *texts))
    told = fields(before)
    assert told["env"]["HOST"] == "${oc.env:HOSTNAME,none}"
    assert after == {**told, "detach": False, "name": None}
    assert (after["mem_gb"], after["queue"]) == ("${model.mem}", None)


def test_what_is_as_it_always_is_or_of_one_run_is_not_repeated(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSM_HPC_QUEUE", "now")
    run = ["resume=x", "retry_failed=true", "force=true", "name=n", "tags=[a]", "dry_run=true"]
    config = composed(conf, "hydra/launcher=hsm_local", *(f"hydra.launcher.{text}" for text in run))
    assert fields_typed(config) == ()


def test_a_presets_field_that_was_set_back_stays_set_back(conf: Path) -> None:
    config = composed(conf, "hydra/launcher=site", "hydra.launcher.slots=null")
    again = composed(conf, "hydra/launcher=site", *fields_typed(config))
    assert again.hydra.launcher.slots is None
    assert fields(again)["queue"] == "${oc.env:HSM_HPC_QUEUE,null}"
