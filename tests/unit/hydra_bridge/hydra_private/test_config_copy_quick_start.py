"""While Hydra prepares a task, copies are ours; callbacks and the task find omegaconf's own."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
from omegaconf import DictConfig, ListConfig, OmegaConf

from hsm_core.hydra_bridge.hydra_private.config_copy import copied_by_fields, is_exact, quick_start

CONTEXT = SimpleNamespace(callbacks=None)


def test_while_hydra_prepares_all_copies_are_ours_and_then_none() -> None:
    own = DictConfig.__deepcopy__, ListConfig.__deepcopy__
    seen: list[object] = []

    class Callbacks:
        def on_job_start(self, **words: object) -> None:
            seen.extend((words, DictConfig.__deepcopy__, ListConfig.__deepcopy__))

        def on_job_end(self, **words: object) -> None:
            seen.append(words)

    theirs = SimpleNamespace(callbacks=Callbacks())
    with quick_start(theirs) as context:
        assert (DictConfig.__deepcopy__, ListConfig.__deepcopy__) == (copied_by_fields, copied_by_fields)
        config = OmegaConf.create({"a": {"b": 1}})
        assert copy.deepcopy({"x": config.a})["x"] == config.a
        context.callbacks.on_job_start(config=config, task_function=print)
        context.callbacks.on_job_end(job_return=1)
    assert seen == [{"config": config, "task_function": print}, *own, {"job_return": 1}]
    assert own == (DictConfig.__deepcopy__, ListConfig.__deepcopy__)
    assert isinstance(theirs.callbacks, Callbacks)


def test_nothing_stays_after_an_error() -> None:
    own = DictConfig.__deepcopy__, ListConfig.__deepcopy__
    with pytest.raises(ValueError, match="of Hydra"), quick_start(CONTEXT):
        raise ValueError("of Hydra")
    assert (DictConfig.__deepcopy__, ListConfig.__deepcopy__) == own


def test_omegaconf_copies_where_it_was_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omegaconf.__version__", "3.0.0")
    own = DictConfig.__deepcopy__, ListConfig.__deepcopy__
    is_exact.cache_clear()
    try:
        with quick_start(CONTEXT):
            assert (DictConfig.__deepcopy__, ListConfig.__deepcopy__) == own
    finally:
        is_exact.cache_clear()
