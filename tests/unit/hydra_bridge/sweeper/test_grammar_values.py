"""A value in a sweep file and the same value in a task's config: equal, and of the same type."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import compose, initialize
from hydra.core.global_hydra import GlobalHydra
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.faults import Faults
from hsm_core.hydra_bridge.sweeper.axes_in_file import grid_axes
from hsm_core.hydra_bridge.sweeper.grammar import Grammar
from hsm_core.hydra_bridge.value_text import value_text

BATCH = 20

pytestmark = [
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
]


@pytest.fixture(autouse=True)
def hydra(hydra_restore_singletons: None) -> Iterator[None]:
    with initialize(version_base=None, config_path=None):
        yield


def arrived(values: list[Any]) -> list[Any]:
    """What tasks get whose sweep file lists ``values``, each under a key of its own."""
    grid = OmegaConf.create({f"+v{place}": [value] for place, value in enumerate(values)})
    grammar = Grammar(GlobalHydra.instance().config_loader())
    overrides = [axis.rows[0][0] for axis in grid_axes(grid, grammar, Faults())]
    config = compose(overrides=overrides)
    whole = OmegaConf.to_container(config, resolve=True)
    assert isinstance(whole, dict)
    return [whole[f"v{place}"] for place in range(len(values))]


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, all the way down; NaN equals NaN, and zero has a sign."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return (
            math.isnan(right)
            if math.isnan(left)
            else (left == right and math.copysign(1, left) == math.copysign(1, right))
        )
    return bool(left == right)


def ordinary(text: str) -> bool:
    """OmegaConf itself gives ``${…}`` and ``???`` another meaning, wherever they are written."""
    return "${" not in text and text != "???"


texts = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="'\"\\,=:()[]{}$ \t\n#;&<~`abcé0", max_size=8),
    st.sampled_from(
        [
            "1",
            "1.0",
            "null",
            "true",
            "False",
            "nan",
            "inf",
            "-inf",
            "1e-3",
            "a,b",
            "it's",
            "a b",
            "",
            " a",
            "\\",
            "a\\'",
            "[1]",
            "{a:1}",
            "range(1,3)",
            "choice(a,b)",
            "x=1",
            "${",
            "/",
            "a/b.c-d",
            "-",
            "--x",
            "@",
            "1_000",
            "0x1",
        ]
    ),
).filter(ordinary)
keys = st.text(alphabet="abcXYZ_09-./ :=,()[]{}\\$", min_size=1, max_size=5).filter(ordinary)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)


def can_be_said(value: Any) -> bool:
    try:
        value_text(value)
    except ConfigError:
        return False
    return True


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(values, min_size=1, max_size=BATCH))
def test_values_arrive_with_type_and_value(drawn: list[Any]) -> None:
    sayable = [value for value in drawn if can_be_said(value)]
    for sent, got in zip(sayable, arrived(sayable), strict=True):
        assert same(sent, got), f"{sent!r} arrived as {got!r} by {value_text(sent)}"


@settings(max_examples=300, deadline=None)
@given(values)
def test_only_keys_of_mappings_may_be_refused(value: Any) -> None:
    if not can_be_said(value):
        assert "can't have the key" in str(_refusal(value))


def _refusal(value: Any) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        value_text(value)
    return error.value


@pytest.mark.parametrize("key", ["1", "true", "", "é", "a'b", "a\n"])
def test_a_key_that_the_grammar_can_not_say_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="can't have the key"):
        value_text({key: 1})


@pytest.mark.parametrize("key", ["a b", " a", "a:b", "x=1", "1a", "a.b", "$", "a\\", "(", "a\tb"])
def test_a_hard_key_that_it_can_say_arrives(key: str) -> None:
    assert arrived([{key: 1}]) == [{key: 1}]


@pytest.mark.parametrize("key", [1, 2.5, True, -3])
def test_keys_that_are_no_text_keep_their_type(key: Any) -> None:
    (got,) = arrived([{key: "x"}])
    assert same(list(got), [key])


def test_values_that_yaml_can_not_hold_are_refused() -> None:
    with pytest.raises(ConfigError, match="sweep over a bytes"):
        value_text(b"x")


def test_a_reference_means_what_it_means_in_the_task_s_config() -> None:
    grid = OmegaConf.create({"+a": [5], "+b": ["${a}", "\\${a}"]})
    grammar = Grammar(GlobalHydra.instance().config_loader())
    first, second = grid_axes(grid, grammar, Faults())
    got = [compose(overrides=[first.rows[0][0], row[0]]).b for row in second.rows]
    assert got == [5, "${a}"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("cnn", "cnn"),
        ("a/b.yaml", "a/b.yaml"),
        (0.001, "0.001"),
        (1e-05, "1e-05"),
        ("1", "'1'"),
        (None, "null"),
    ],
)
def test_plain_text_stays_readable(value: Any, text: str) -> None:
    assert value_text(value) == text
