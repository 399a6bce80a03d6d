"""Conditions: what they mean, and where they point when they mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from hsm_core.errors import ConfigError
from hsm_core.plan.axis import Axis, single, together
from hsm_core.plan.plan import Choice, make_plan

AXES: list[Axis] = [
    single("model", ["cnn", "vit"], ["cnn", "vit"]),
    single("optimizer.lr", ["0.1", "0.01"], [0.1, 0.01]),
    together("pair", [single("+db/engine", ["a", "b"], ["a", "b"]), single("n", ["1", "null"], [1, None])]),
    single("my-key", ["True", "False"], [True, False]),
    single("opt", ["{lr:1}", "{lr:2}"], [{"lr": 1}, {"lr": 2}]),
]


class Base:
    values: ClassVar[dict[str, object]] = {"batch": 32, "layers.0.size": 8, "db.port": 5432}

    def value(self, key: str) -> object:
        if key == "computed":
            raise ConfigError("'computed' is computed from other keys", fix="name a key with a value")
        return self.values[key]

    def keys(self) -> Iterator[str]:
        return iter(self.values)


def excluded(condition: str) -> int:
    return 32 - len(make_plan(AXES, Choice(exclude=(condition,)), Base()))


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("model == 'vit'", 16),
        ("model == 'vit' and optimizer.lr >= 1e-1", 8),
        ("model in ['vit', 'mlp'] or not optimizer.lr > 0.05", 24),
        ("0.05 < optimizer.lr < 0.5", 16),
        ("n is None", 16),
        ("n == null and my-key == true", 8),
        ("my-key", 16),
        ("db/engine == 'b'", 16),
        ("opt.lr * 2 == 4", 16),
        ("batch > 16 and model != 'cnn'", 16),
        ("layers[0].size == 8 and model == 'cnn'", 16),
        ("db.port + 1 == 5433 and model not in ('cnn',)", 16),
        ("-optimizer.lr < -0.05", 16),
        ("2 ** 3 % 5 // 2 - 1 == 0 and n == 1", 16),
        ("'v' in model", 16),
        ("model == 'cnn' + ''", 16),
        ("optimizer.lr < inf and model == 'cnn'", 16),
    ],
)
def test_what_a_condition_excludes(condition: str, count: int) -> None:
    assert excluded(condition) == count


@pytest.mark.parametrize(
    ("condition", "marked", "said"),
    [
        ("modle == 'vit'", "modle", "fix: \"model == 'vit'\""),
        ("lr > 0.1", "lr", "fix: \"optimizer.lr > 0.1\""),
        ("model == vit", "vit", "fix: \"model == 'vit'\""),
        ("model = vit", "=", "fix: \"model == 'vit'\""),
        ("model == 'vit' and", "", "can't be read"),
        ("model = 'vit'", "", "can't be read"),
        ("model > 3", "model > 3", "can't be computed"),
        ("n > 3", "n > 3", "can't be computed"),
        ("1 / 0 == 1", "1 / 0", "can't be computed"),
        ("__import__('os').system('x')", "__import__('os').system('x')", "only keys"),
        ("model.__class__ == 1", "model.__class__", "'model.__class__' depends on 'model'"),
        ("[x for x in model]", "[x for x in model]", "only keys"),
        ("(lambda: 1)()", "(lambda: 1)()", "only keys"),
        ("9 ** 9 ** 9 > 1", "9 ** 9 ** 9", "powers"),
        ("'a' * 9999999999 == model", "'a' * 9999999999", "can't calculate"),
        ("model and n", "model and n", "join true and false"),
        ("optimizer.lr", "optimizer.lr", "must be true or false"),
        ("db.port % 2", "db.port % 2", "such as: db.port % 2 == 0"),
        ("model", "model", "such as: model == 'cnn'"),
        ("", None, "an expression is empty"),
        (" ", None, "an expression is empty"),
        ("optimizer.lr > 'a'", "optimizer.lr > 'a'", "numbers with numbers"),
        ("model == b'x'", "b'x'", "no key has such a value"),
        ("1 << 70 > 2", "1 << 70", "operator"),
        ("~n == 1", "~n", "sign"),
        ("opt.momentum > 1", "opt.momentum", "not all values of the swept 'opt'"),
        ("computed == 1", "computed", "computed from other keys"),
        ("model == 'ünï' and modle == 1", "modle", "fix:"),
        ("1" * 3000, None, "longer than"),
    ],
)
def test_an_error_points_at_its_cause(condition: str, marked: str | None, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        excluded(condition)
    assert said in str(error.value)
    if marked is not None:
        lines = error.value.evidence.splitlines()
        mark = lines[-1]
        begin = mark.index("^")
        under = lines[-2][begin : begin + mark.count("^")]
        assert marked in ("", under)


def test_an_expression_that_ends_too_early_is_marked_at_its_end() -> None:
    with pytest.raises(ConfigError) as error:
        excluded("model == 'vit' or")
    text, mark = error.value.evidence.splitlines()[-2:]
    assert mark.index("^") == len(text)


def test_a_reference_in_a_swept_value_is_not_compared() -> None:
    with pytest.raises(ConfigError, match="which only a composed task has"):
        make_plan([single("a", ["'${b}'"], ["${b}"])], Choice(exclude=("a == 1",)), Base())
