"""Sweep files and command lines: which tasks they make, in which order, and what they refuse."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.faults import Faults
from hsm_core.hydra_bridge.sweeper.axes import SweepAxes, sweep_axes
from hsm_core.hydra_bridge.sweeper.fields import SweeperConf
from hsm_core.hydra_bridge.sweeper.grammar import Grammar
from hsm_core.plan.product import Tasks, size

pytestmark = [
    pytest.mark.usefixtures("hydra_restore_singletons"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
]


class NoGroups:
    """A config loader of an app with one config group."""

    def get_group_options(self, group_name: str, *_: Any, **__: Any) -> list[str]:
        return ["cnn", "mlp"] if group_name == "model" else []


def gathered(conf: Any, arguments: Sequence[str]) -> SweepAxes:
    faults = Faults()
    axes = sweep_axes(conf, arguments, Grammar(NoGroups()), faults)  # type: ignore[arg-type]
    faults.raise_all()
    return axes


def found(yaml: str = "", *arguments: str) -> SweepAxes:
    conf = OmegaConf.merge(OmegaConf.structured(SweeperConf), OmegaConf.create(yaml))
    return gathered(conf, arguments)


def tasks(yaml: str = "", *arguments: str) -> list[str]:
    axes = found(yaml, *arguments).axes
    return [" ".join(row) for row in Tasks(axes, range(size(axes)))]


def refused(yaml: str = "", *arguments: str) -> str:
    with pytest.raises(ConfigError) as error:
        found(yaml, *arguments)
    return str(error.value)


words = st.sampled_from(
    [
        "1,2",
        "choice(a,b,c)",
        "range(0,3)",
        "range(1,2.5,0.5)",
        "5",
        "'a b',c",
        "[1,2],[3]",
        "{a:1},{b:2}",
        "null,1",
        "1e3,1_000",
        "true,False",
        "'it\\'s',x",
        "sort(3,1,2)",
        "tag(t,choice(1,2))",
        "glob(*)",
        "a\\,b",
        "float(range(1,3))",
    ]
)
arguments = st.lists(
    st.tuples(st.sampled_from(["model", "b", "+c", "++c", "d.e", "b"]), words), max_size=5
).map(lambda pairs: [f"{key}={word}" for key, word in pairs if not ("glob" in word and key != "model")])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(params=arguments, typed=arguments)
def test_params_and_command_line_mean_what_they_mean_to_hydras_own_sweeper(
    params: list[str], typed: list[str]
) -> None:
    mapping = dict(text.split("=", 1) for text in params)
    parser = OverridesParser.create(config_loader=NoGroups())  # type: ignore[arg-type]
    texts = [*(f"{key}={value}" for key, value in mapping.items()), *typed]
    (basic,) = BasicSweeper.split_arguments(parser.parse_overrides(texts), None)
    conf = OmegaConf.merge(OmegaConf.structured(SweeperConf), {"params": mapping})
    axes = gathered(conf, typed).axes
    assert [list(row) for row in Tasks(axes, range(size(axes)))] == basic


def test_a_grid_multiplies_lists_and_grammar() -> None:
    yaml = "grid: {model: glob(*), lr: [1e-3, 0.1], +seed: 'range(0,2)', x: 5}"
    assert tasks(yaml) == [
        f"model={model} lr={lr} +seed={seed} x=5"
        for model in ("cnn", "mlp")
        for lr in ("0.001", "0.1")
        for seed in (0, 1)
    ]


def test_nested_mappings_flatten_but_mappings_in_lists_are_values() -> None:
    yaml = "grid: {optimizer: {lr: [1, 2], betas: [[0.9, 0.99]]}, +extra: [{_target_: a.B, x: 1}]}"
    assert tasks(yaml) == [
        f"optimizer.lr={lr} optimizer.betas=[0.9,0.99] +extra={{_target_:a.B,x:1}}" for lr in (1, 2)
    ]


def test_a_nested_key_replaces_the_same_key_spelled_with_a_dot() -> None:
    assert tasks("grid: {o.lr: [1, 2], b: [3], o: {lr: [7]}}") == ["o.lr=7 b=3"]


def test_a_reference_to_a_list_is_followed() -> None:
    root = OmegaConf.create({"lrs": [1, 2], "sweeper": {"grid": {"lr": "${lrs}", "n": "range(0,${lrs.1})"}}})
    conf = OmegaConf.merge({"sweeper": OmegaConf.structured(SweeperConf)}, root)
    axes = gathered(conf.sweeper, []).axes
    assert [len(axis) for axis in axes] == [2, 2]


PAIRS = ["data=a size=1", "data=b size=2"]


@pytest.mark.parametrize(
    "group",
    [
        "{data: [a, b], size: [1, 2]}",
        "[{data: [a, b]}, {size: [1, 2]}]",
        "'zip(data=choice(a,b),size=choice(1,2))'",
        "'zip( data = [a, b], size = range(1,3) )'",
        "{data: 'a,b', size: 'range(1,3)'}",
        "[{data: a, size: 1}, {size: 2, data: b}]",
    ],
)
def test_paired_keys_vary_together(group: str) -> None:
    assert tasks(f"paired: {{both: {group}}}") == PAIRS


def test_a_bracket_in_quotes_is_no_bracket() -> None:
    (axis,) = found("paired: {p: \"zip(a=choice('(',x),b=choice(1,2))\"}").axes
    assert list(axis.values) == [("(", 1), ("x", 2)]


def test_rows_hold_values_as_they_are() -> None:
    yaml = "paired: {p: [{a: [1, 2], m: {b: '1,2'}, c: null}, {a: '${x}', m: {b: x}, c: {}}]}"
    assert tasks(yaml) == ["a=[1,2] m.b='1,2' c=null", "a='${x}' m.b=x c={}"]


@pytest.mark.parametrize("field", ["params", "grid"])
def test_a_zip_is_understood_elsewhere_too(field: str) -> None:
    assert tasks(f"{field}: {{both: 'zip(data=choice(a,b),size=choice(1,2))'}}") == PAIRS


def test_several_pairs_and_the_grid_multiply() -> None:
    pairs = "{p: {model: {name: [a, b], dropout: [0.1, 0.2]}}, q: {+x: [1], y: [2]}}"
    yaml = f"grid: {{seed: [0, 1]}}\npaired: {pairs}"
    assert tasks(yaml) == [
        f"seed={seed} {pair} +x=1 y=2"
        for seed in (0, 1)
        for pair in ("model.name=a model.dropout=0.1", "model.name=b model.dropout=0.2")
    ]


def test_tags_pair_on_the_command_line() -> None:
    typed = ("a=tag(zip_p,choice(1,2))", "c=5", "b=tag(zip_p,choice(3,4))", "d=tag(zip_q,choice(8,9))")
    assert tasks("", *typed) == [f"{pair} c=5 d={d}" for pair in ("a=1 b=3", "a=2 b=4") for d in (8, 9)]


def test_the_command_line_replaces_an_axis_and_keeps_its_place() -> None:
    yaml = "grid: {model: [cnn, mlp], lr: [1, 2], seed: [0]}"
    assert tasks(yaml, "lr=7,8", "new=1") == [
        f"model={m} lr={r} seed=0 new=1" for m in ("cnn", "mlp") for r in (7, 8)
    ]
    assert tasks("grid: {+lr: [1, 2], b: [0]}", "lr=7") == ["+lr=7 b=0"]
    assert tasks("grid: {lr: [1, 2], b: [0]}", "++lr=range(0,2)") == ["++lr=0 b=0", "++lr=1 b=0"]
    assert tasks("grid: {lr: [1, 2], b: [0]}", "~lr") == ["~lr b=0"]


def test_overriding_one_of_a_pair_warns_and_names_its_partner() -> None:
    sweep = found("paired: {p: {a: [1, 2, 2], b: [3, 4, 4]}}", "a=9")
    assert [list(axis.rows) for axis in sweep.axes] == [[("a=9",)], [("b=3",), ("b=4",)]]
    (warning,) = sweep.warnings
    assert "pair 'p'" in warning
    assert "b still varies" in warning


def test_tags_replace_a_whole_pair_without_a_warning() -> None:
    typed = ("a=tag(zip_p,choice(5,6))", "b=tag(zip_p,choice(7,8))")
    sweep = found("grid: {z: [0]}\npaired: {p: {a: [1, 2], b: [3, 4]}, q: {y: [1], x: [1]}}", *typed)
    assert [axis.name for axis in sweep.axes] == ["z", "p", "q"]
    assert list(sweep.axes[1].rows) == [("a=5", "b=7"), ("a=6", "b=8")]
    assert sweep.warnings == []


def test_a_list_under_params_is_one_value_and_warns() -> None:
    sweep = found("params: {lr: [1, 2], x: '1,2'}")
    assert [list(axis.rows) for axis in sweep.axes] == [[("lr=[1,2]",)], [("x=1",), ("x=2",)]]
    assert "did you mean grid?" in sweep.warnings[0]


def test_repeated_values() -> None:
    assert "'seed' lists 1 twice" in refused("grid: {seed: [1, 2, 1]}")
    assert "'p' lists a=1 b=2 twice" in refused("paired: {p: {a: [1, 1], b: [2, 2]}}")
    assert "'seed' lists 1 twice" in found("", "seed=1,1").warnings[0]
    assert tasks("grid: {a: [1, 1.0, '1', true]}") == ["a=1", "a=1.0", "a='1'", "a=True"]


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("grid: {a: [1]}\npaired: {p: {a: [1], b: [2]}}", ["'a' is swept twice", "in grid", "paired.p"]),
        ("grid: {a: [1]}\nparams: {+a: 2}", ["'a' is swept twice", "in params"]),
        ("grid: {a: [1], +a: [2]}", ["'a' is swept twice"]),
        ("paired: {p: {a: [1, 2], b: [2]}}", ["'p'", "a has 2, b has 1"]),
        ("paired: {p: {m: {a: [1, 2], b: [2]}}}", ["'p'", "m.a has 2, m.b has 1"]),
        ("paired: {p: [{a: [1]}, {a: [2]}]}", ["'p'", "the key 'a' twice"]),
        ("paired: {p: [{a: 1, b: 2}, {a: 2}]}", ["hydra.sweeper.paired.p", "the key 'a' twice", "same keys"]),
        ("paired: {p: 'zip(a=choice(1,2)'}", ["hydra.sweeper.paired.p", "unclosed bracket in zip(a=choice(1,2)"]),
        ("paired: {p: 'zip(a=1,b=2'}", ["hydra.sweeper.paired.p", "unclosed bracket"]),
        ("paired: {p: 'zip(a,b)'}", ["hydra.sweeper.paired.p", "zip needs key=choice"]),
        ("grid: {val: [{'1': 2}]}", ["hydra.sweeper.grid.val", "the key '1'"]),
        ("paired: {p: {a: [], b: []}}", ["'p' has no values", "'~hydra.sweeper.paired.p'"]),
        ("grid: {a: []}", ["'a' has no values", "'~hydra.sweeper.grid.a'"]),
        ("paired: {p: [1, 2]}", ["paired group 'p'", "maps keys to lists"]),
        ("paired: {p: 'a,b'}", ["paired group 'p'", "maps keys to lists"]),
        ("paired: {p: {}}", ["paired group 'p'"]),
        ("paired: {p: 'zip(a,b)'}", ["zip needs key=choice"]),
        ("paired: {p: 'zip(a=shuffle(1,2),b=[1,2])'}", ["would break its pairs"]),
        ("grid: {a: null}", ["'a' has no values"]),
        ("grid: {a: 'interval(0,1)'}", ["an interval can't be swept"]),
        ("grid: {a: 'choice('}", ["Hydra can't read a=choice(", "fix: a=a,b    # or range(0,5)"]),
        ("grid: {a: 'rnge(0,5)'}", ["because: Unknown function 'rnge'; Available", "fix: 'a=range(0,5)'"]),
        ("grid: {a: 'range(0,5'}", ["Hydra can't read a=range(0,5\n", "fix: 'a=range(0,5)'"]),
        ("grid: {a: 'x=y z:1'}", ["Hydra can't read a=x=y z:1\n", "fix: \"a='x=y z:1'\""]),
        ("grid: {a b: [1]}", ["Hydra can't read a b=1", "fix: a_b=1"]),
        ("grid: {nothing: glob(x*)}", ["no such group"]),
        ("grid: {model: glob(x*)}", ["cnn, mlp"]),
        ("grid: {hydra.launcher.hosts: [a, 'b c']}", ["can't be swept", "\"hydra.launcher.hosts=[a,'b c']\""]),
        (
            "grid: {hydra/launcher: [a]}",
            ["can't be swept", "fix: hydra/launcher=a    # one value"],
        ),
        ("grid: {hydra.job.name: [a, b]}", ["fix: hydra.job.name=a    # one value"]),
        ("grid: {hydra.launcher.slots: [1, 2]}", ["fix: hydra.launcher.slots=1    # one value"]),
        ("grid: {hydra.launcher.tags: [a, b]}", ["'hydra.launcher.tags=[a,b]'"]),
        ("params: {hydra.verbose: 'true,false'}", ["can't be swept"]),
        ("grid: {a: [!!binary aGk=]}", ["sweep over a bytes"]),
    ],
)
def test_contradictions_are_refused_with_their_cause(yaml: str, said: list[str]) -> None:
    message = refused(yaml)
    for part in said:
        assert part in message


def test_a_typed_axis_without_values_is_not_sought_in_the_file() -> None:
    message = refused("", "seed=range(3,0)")
    assert "in command line" in message
    assert "~hydra" not in message


def test_tags_that_can_not_pair_are_refused() -> None:
    assert "a has 2, b has 3" in refused("", "a=tag(zip_p,choice(1,2))", "b=tag(zip_p,choice(1,2,3))")
    assert "can't be paired" in refused("", "a=tag(zip_p,zip_q,choice(1,2))")
    assert "can't be paired" in refused("", "a=tag(zip_p,shuffle(choice(1,2)))")


def test_a_long_range_costs_nothing() -> None:
    (axis,) = found("grid: {seed: 'range(0,1000000000)'}").axes
    assert axis.rows[999_999_999] == ("seed=999999999",)
    assert list(axis.rows[3:5]) == [("seed=3",), ("seed=4",)]
    assert list(axis.values[3:5]) == [(3,), (4,)]


def test_plain_mistakes_are_hydras_to_show(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    from tests.unit.hydra_bridge.sweeping import run_sweep, sweeper_file, write_app

    conf = write_app(tmp_path, bad=sweeper_file("grid: {seed: []}"))
    with pytest.raises(ConfigError, match="'seed' has no values") as error:
        run_sweep(conf, ["+sweep=bad"])
    assert isinstance(error.value, CompactHydraException)
    with caplog.at_level(logging.WARNING):
        run_sweep(conf, ["hydra/sweeper=hsm", "seed=1,1"])
    assert "'seed' lists 1 twice" in caplog.text
