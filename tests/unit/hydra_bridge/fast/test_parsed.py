"""Interpolations that recur are parsed once, and mean what they always meant."""

from __future__ import annotations

import pytest
from omegaconf import DictConfig, OmegaConf, base
from omegaconf.errors import OmegaConfBaseException

from hsm_core.hydra_bridge.fast.parsed import ParseTrees
from hsm_core.hydra_bridge.fast.patches import quick
from hsm_core.hydra_bridge.fast.yaml_text import Texts

HYDRA = """
hydra:
  job: {num: 7, name: app}
  sweep: {dir: /s, subdir: "${.dir}/${hydra.job.num}"}
  list: ["a ${..job.name}", {deep: "${hydra.sweep.${which}}"}]
  calculated: "${oc.select:${which}num}"
  twice: ["${hydra.job.num}", "${hydra.job.num}"]
  nothing: null
  missing: ???
which: dir
dirnum: 5
own: "${hydra.job.num}"
"""


@pytest.fixture
def config() -> DictConfig:
    made = OmegaConf.create(HYDRA)
    assert isinstance(made, DictConfig)
    return made


def test_what_is_known_is_not_parsed_again(config: DictConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    own = base.parse

    def noted(value: str) -> object:
        parsed.append(value)
        return own(value)

    monkeypatch.setattr(base, "parse", noted)
    trees = ParseTrees()
    trees.learn(config)
    assert sorted(parsed) == [
        "${.dir}/${hydra.job.num}", "${hydra.job.num}", "${hydra.sweep.${which}}", "${oc.select:${which}num}",
        "a ${..job.name}",
    ]  # fmt: skip
    parsed.clear()
    trees.learn(config)
    with quick(Texts(), trees):
        assert OmegaConf.to_container(config.hydra.list, resolve=True) == ["a app", {"deep": "/s"}]
        assert config.own == 7
    assert parsed == []


def test_a_tree_serves_any_values(config: DictConfig) -> None:
    trees = ParseTrees()
    trees.learn(config)
    with quick(Texts(), trees):
        for number in range(3):
            config.hydra.job.num = number
            assert config.hydra.sweep.subdir == f"/s/{number}"
            assert config.hydra.calculated == 5
            config.own = f"${{hydra.job.num}}-{number}"
            assert config.own == f"{number}-{number}"


def test_what_is_no_interpolation_is_told_as_ever(config: DictConfig) -> None:
    trees = ParseTrees()
    config.hydra.sweep._get_node("dir")._val = "${broken"
    trees.learn(config)
    with quick(Texts(), trees), pytest.raises(OmegaConfBaseException):
        _ = config.hydra.sweep.dir
