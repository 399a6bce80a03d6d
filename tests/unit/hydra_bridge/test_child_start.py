"""While Hydra prepares a task, copies and texts are ours; the task's function finds the libraries' own."""

from __future__ import annotations

import copy

import pytest
import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf, base

from hsm_core.hydra_bridge.child_start import quick_start
from hsm_core.hydra_bridge.compose_copy import copied
from hsm_core.hydra_bridge.compose_parsed import ParseTrees
from hsm_core.hydra_bridge.compose_yaml import Texts


def test_while_hydra_prepares_all_copies_are_ours_and_then_none() -> None:
    own = DictConfig.__deepcopy__, ListConfig.__deepcopy__, yaml.dump, base.parse
    seen: list[object] = []

    def function(config: object) -> str:
        """The task's."""
        seen.extend((DictConfig.__deepcopy__, ListConfig.__deepcopy__, yaml.dump, base.parse))
        return f"{config}!"

    texts, trees = Texts(), ParseTrees()
    with quick_start(function, texts, trees) as called:
        assert yaml.dump == texts.dump
        assert base.parse == trees.parse
        assert DictConfig.__deepcopy__ is copied
        config = OmegaConf.create({"a": {"b": 1}})
        assert copy.deepcopy({"x": config.a})["x"] == config.a
        assert (called.__name__, called.__doc__) == ("function", "The task's.")
        assert called("config") == "config!"
    assert (*seen,) == own == (DictConfig.__deepcopy__, ListConfig.__deepcopy__, yaml.dump, base.parse)


def test_nothing_stays_after_an_error() -> None:
    own = DictConfig.__deepcopy__, yaml.dump, base.parse
    with pytest.raises(ValueError, match="of Hydra"), quick_start(print, Texts(), ParseTrees()):
        raise ValueError("of Hydra")
    assert (DictConfig.__deepcopy__, yaml.dump, base.parse) == own


def test_omegaconf_copies_where_it_was_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omegaconf.__version__", "3.0.0")
    own = DictConfig.__deepcopy__, yaml.dump, base.parse
    with quick_start(print, Texts(), ParseTrees()):
        assert (DictConfig.__deepcopy__, yaml.dump, base.parse) == own
