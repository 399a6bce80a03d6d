"""Our text of a config is PyYAML's, byte for byte, whatever of it was remembered."""

from __future__ import annotations

import io
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from hsm_core.hydra_bridge.fast.yaml_text import Texts


class Color(Enum):
    RED = 1


HARD_WORDS = (
    *("", " ", "on", "No", "null", "~", "1", "1.0", "1e3", "0x1f", "0b1", "1_000", ".5", "-", "- a", "a: b", "a #b"),
    *("#", "*x", "&x", "!x", "%x", "@x", "`x", "'", '"', "a\nb", "a\n", "\n", "\ta", "a ", "ünï ☂", "\U0001f600"),
    *("\x85", "\ufeff", "\x07", "2026-11-22", "12:30:45", "<<", "=", "???", "${a.b}", "${now:%Y-%m-%d}"),
    *("x" * 200, "word " * 40, "ab: " * 30, "ä " * 60),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(HARD_WORDS)
)
NAMES = st.sampled_from(["a", "hydra", "job", *HARD_WORDS])
KEYS = st.one_of(NAMES, st.integers(2, 9), st.booleans(), st.floats(0, 1))  # omegaconf takes no 1 beside "1"
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PLACES = (lambda w: {w: 1}, lambda w: {w: {w: {w: w}}}, lambda w: {"a": {"b": [w, [w], {w: w}]}})
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=4)


def theirs(container: Any) -> str:
    return OmegaConf.to_yaml(OmegaConf.create({"x": container}))


def ours(texts: Texts, container: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patch:
        patch.setattr(yaml, "dump", texts.dump)
        return theirs(container)


@settings(max_examples=50, deadline=None)
@given(known=MAPPINGS, other=MAPPINGS)
def test_the_text_is_the_same_byte_for_byte(known: dict[Any, Any], other: dict[Any, Any]) -> None:
    mixed = {**other, **dict(list(known.items())[:2])}
    texts = Texts()
    with pytest.MonkeyPatch.context() as patch:
        for tree in (known, other, mixed):
            how = {"default_flow_style": False, "allow_unicode": True, "sort_keys": False}
            expected = yaml.dump(tree, **how)
            assert texts.dump(tree, **how) == expected
            whole = {"hydra": tree, "job": 1}
            assert ours(texts, whole, patch) == theirs(whole)
            texts.learn(OmegaConf.create({"x": whole, "hydra": tree}))


@pytest.mark.parametrize("word", HARD_WORDS)
@pytest.mark.parametrize("place", PLACES)
def test_hard_words_at_every_place(word: str, place: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = Texts()
    for _ in range(2):
        assert ours(texts, place(word), monkeypatch) == theirs(place(word))
        texts.learn(OmegaConf.create({"x": place(word)}))


def test_what_is_known_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, asked, own = Texts(), [], yaml.dump
    config = OmegaConf.create({"hydra": {"job": {"num": 1}, "launcher": {"a": [1, {"b": 2}]}}, "seed": 1, "lr": 0.1})
    texts.learn(config)
    monkeypatch.setattr(texts, "_dump", lambda data, *more, **how: asked.append(data) or own(data, *more, **how))
    config.hydra.job.num, config.seed = 2, "1"
    expected = OmegaConf.to_yaml(config)
    monkeypatch.setattr(yaml, "dump", texts.dump)
    assert OmegaConf.to_yaml(config) == expected
    assert {"seed": "1"} in asked
    assert {"hydra": {"job": {"num": 2}}} in asked
    assert all("launcher" not in f"{one}" and "lr" not in f"{one}" for one in asked)


def test_values_that_are_equal_but_look_different_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = Texts()
    for value in (1, True, 1.0, "1", "true", 0, False, -0.0, 0.0, float("nan"), None, "null", [], {}, [1], [True]):
        texts.learn(OmegaConf.create({"x": {"a": {"b": value}}}))
        for other in (1, True, 1.0, -0.0, 0.0, None, [True]):
            assert ours(texts, {"a": {"b": other}}, monkeypatch) == theirs({"a": {"b": other}})


@pytest.mark.parametrize("value", [b"\0", Path("a b"), Color.RED], ids=repr)
def test_other_kinds_are_left_to_pyyaml(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, found = Texts(), {"a": [value, value], "b": value}
    for _ in range(2):
        assert ours(texts, found, monkeypatch) == theirs(found)
        texts.learn(OmegaConf.create({"x": found}))


def test_other_ways_to_dump_are_left_to_pyyaml() -> None:
    texts, stream = Texts(), io.StringIO()
    texts.dump({"b": 1, "a": 2}, stream)
    assert stream.getvalue() == "a: 2\nb: 1\n"
    assert texts.dump({"a": [1]}, default_flow_style=True) == "{a: [1]}\n"
    shared = {"x": 1}
    assert texts.dump({"a": shared, "b": shared}) == yaml.dump({"a": shared, "b": shared})


def test_learning_leaves_pyyaml_as_it_was() -> None:
    own = yaml.dump
    Texts().learn(OmegaConf.create({"a": 1}))
    assert yaml.dump is own
