"""While Hydra prepares a task, copies and texts are ours; callbacks and the task find the libraries' own."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf, base

from hsm_core.hydra_bridge.fast.deepcopy import copied
from hsm_core.hydra_bridge.fast.parsed import ParseTrees
from hsm_core.hydra_bridge.fast.patches import quick_start
from hsm_core.hydra_bridge.fast.yaml_text import Texts

CONTEXT = SimpleNamespace(callbacks=None)


def test_while_hydra_prepares_all_copies_are_ours_and_then_none() -> None:
    own = DictConfig.__deepcopy__, ListConfig.__deepcopy__, yaml.dump, base.parse
    seen: list[object] = []

    class Callbacks:
        def on_job_start(self, **words: object) -> None:
            seen.extend((words, DictConfig.__deepcopy__, ListConfig.__deepcopy__, yaml.dump, base.parse))

        def on_job_end(self, **words: object) -> None:
            seen.append(words)

    texts, trees, theirs = Texts(), ParseTrees(), SimpleNamespace(callbacks=Callbacks())
    with quick_start(theirs, texts, trees) as context:
        assert yaml.dump == texts.dump
        assert base.parse == trees.parse
        assert DictConfig.__deepcopy__ is copied
        config = OmegaConf.create({"a": {"b": 1}})
        assert copy.deepcopy({"x": config.a})["x"] == config.a
        context.callbacks.on_job_start(config=config, task_function=print)
        context.callbacks.on_job_end(job_return=1)
    assert seen == [{"config": config, "task_function": print}, *own, {"job_return": 1}]
    assert own == (DictConfig.__deepcopy__, ListConfig.__deepcopy__, yaml.dump, base.parse)
    assert isinstance(theirs.callbacks, Callbacks)


def test_nothing_stays_after_an_error() -> None:
    own = DictConfig.__deepcopy__, yaml.dump, base.parse
    with pytest.raises(ValueError, match="of Hydra"), quick_start(CONTEXT, Texts(), ParseTrees()):
        raise ValueError("of Hydra")
    assert (DictConfig.__deepcopy__, yaml.dump, base.parse) == own


def test_omegaconf_copies_where_it_was_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omegaconf.__version__", "3.0.0")
    own = DictConfig.__deepcopy__, yaml.dump, base.parse
    with quick_start(CONTEXT, Texts(), ParseTrees()):
        assert (DictConfig.__deepcopy__, yaml.dump, base.parse) == own
