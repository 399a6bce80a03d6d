"""The plan against a product written out by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_core.errors import ConfigError
from hsm_core.plan.axis import Axis, counting, rekeyed, single, together, without
from hsm_core.plan.cover import cover
from hsm_core.plan.plan import Choice, make_plan, product_line, sample_warning
from hsm_core.plan.sampling import Shuffled, sampled


class NoBase:
    def value(self, key: str) -> object:
        raise KeyError(key)

    def keys(self) -> Iterator[str]:
        return iter(())


def axis_of(name: str, count: int) -> Axis:
    return single(name, [str(number) for number in range(count)], list(range(count)))


MODEL = single("model", ["cnn", "vit"], ["cnn", "vit"])
LR = single("lr", ["0.1", "0.01", "0.001"], [0.1, 0.01, 0.001])
SEED = counting("seed", range(5))

lengths = st.lists(st.integers(1, 4), max_size=4)


@given(lengths)
def test_tasks_are_the_product_with_the_last_axis_fastest(sizes: list[int]) -> None:
    axes = [axis_of(f"k{place}", count) for place, count in enumerate(sizes)]
    naive = [
        tuple(f"k{place}={number}" for place, number in enumerate(numbers))
        for numbers in itertools.product(*map(range, sizes))
    ]
    plan = make_plan(axes, Choice(), NoBase())
    assert list(plan) == naive
    assert [plan[place] for place in range(len(plan))] == naive
    assert list(plan[1:]) == naive[1:]


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    left=st.integers(0, 3),
    right=st.integers(0, 3),
    bound=st.integers(0, 8),
    last=st.integers(0, 4),
)
def test_exclude_keeps_what_a_naive_filter_keeps(
    sizes: list[int], left: int, right: int, bound: int, last: int
) -> None:
    a, b = left % len(sizes), right % len(sizes)
    axes = [axis_of(f"k{place}", count) for place, count in enumerate(sizes)]
    conditions = (f"k{a} + k{b} > {bound}", f"k{len(sizes) - 1} == {last} and k{a} != 0")
    naive = [
        numbers
        for numbers in itertools.product(*map(range, sizes))
        if not (numbers[a] + numbers[b] > bound or (numbers[-1] == last and numbers[a] != 0))
    ]
    if not naive:
        with pytest.raises(ConfigError, match="removes all"):
            make_plan(axes, Choice(exclude=conditions), NoBase())
        return
    plan = make_plan(axes, Choice(exclude=conditions), NoBase())
    assert [tuple(int(text.split("=")[1]) for text in task) for task in plan] == naive


@given(count=st.integers(1, 300), seed=st.integers(-3, 2**70))
def test_a_shuffle_is_a_permutation_that_its_seed_decides(count: int, seed: int) -> None:
    order = list(Shuffled(range(count), seed))
    assert sorted(order) == list(range(count))
    assert order == list(Shuffled(range(count), seed))
    assert list(Shuffled(range(count), seed)[2:7]) == order[2:7]


def test_shuffles_of_different_seeds_differ_and_spread() -> None:
    orders = {tuple(Shuffled(range(40), seed)) for seed in range(50)}
    assert len(orders) == 50
    firsts = [Shuffled(range(10), seed)[0] for seed in range(2000)]
    assert all(120 < firsts.count(value) < 280 for value in range(10))


def test_sample_is_seeded_and_in_the_order_of_the_grid() -> None:
    axes = [MODEL, LR, SEED]
    plan = make_plan(axes, Choice(sample=7, seed=3), NoBase())
    assert len(set(plan)) == len(plan) == 7
    assert list(plan) == list(make_plan(axes, Choice(sample=7, seed=3), NoBase()))
    assert list(plan) != list(make_plan(axes, Choice(sample=7, seed=4), NoBase()))
    everything = list(make_plan(axes, Choice(), NoBase()))
    assert [everything.index(task) for task in plan] == sorted(everything.index(task) for task in plan)


@given(total=st.integers(1, 3000), share=st.floats(0, 1), seed=st.integers(0, 9))
def test_a_sample_has_as_many_as_asked_for(total: int, share: float, seed: int) -> None:
    count = max(1, int(share * total))
    drawn = list(sampled(range(5, total + 5), count, seed))
    assert len(drawn) == count
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= set(range(5, total + 5))


@pytest.mark.parametrize("count", [1, 10])
def test_every_member_is_drawn_equally_often(count: int) -> None:
    often = [0] * 30
    for seed in range(3000):
        for member in sampled(range(30), count, seed):
            often[member] += 1
    assert all(abs(one - 100 * count) < 50 * count**0.5 for one in often)


@pytest.mark.parametrize(("count", "told"), [(99, "sample=99 is more than there are: it keeps 2 "), (2, ""), (1, "")])
def test_sample_of_more_than_there_is_takes_all_and_says_so(count: int, told: str) -> None:
    choice = Choice(sample=count)
    plan = make_plan([MODEL], choice, NoBase())
    assert len(plan) == min(count, 2)
    warning = sample_warning(plan, choice)
    assert warning.startswith(told)
    assert bool(warning) == bool(told)


def test_shuffle_then_limit_takes_the_first_of_the_shuffled() -> None:
    whole = make_plan([MODEL, LR, SEED], Choice(shuffle=True, seed=1), NoBase())
    few = make_plan([MODEL, LR, SEED], Choice(shuffle=True, seed=1, limit=4), NoBase())
    assert list(few) == list(whole)[:4]
    assert sorted(whole) == sorted(make_plan([MODEL, LR, SEED], Choice(), NoBase()))
    assert list(whole) != list(make_plan([MODEL, LR, SEED], Choice(), NoBase()))


def test_the_product_line() -> None:
    condition = ("model == 'vit' and lr == 0.1 and seed < 4",)
    plan = make_plan([MODEL, LR, SEED], Choice(exclude=condition), NoBase())
    assert product_line(plan) == "2 model × 3 lr × 5 seed = 30, exclude removes 4 → 26 tasks"
    plan = make_plan([MODEL, LR, SEED], Choice(exclude=condition, sample=9, limit=1), NoBase())
    assert product_line(plan) == (
        "2 model × 3 lr × 5 seed = 30, exclude removes 4, sample keeps 9, limit keeps 1 → 1 task"
    )
    assert product_line(make_plan([MODEL, axis_of("one", 1)], Choice(), NoBase())) == "2 model = 2 tasks"
    assert product_line(make_plan([], Choice(), NoBase())) == "1 task"


def test_an_empty_axis_and_too_large_products_are_refused() -> None:
    with pytest.raises(ConfigError, match="'lr' has no values"):
        make_plan([MODEL, single("lr", [], [])], Choice(), NoBase())
    with pytest.raises(ConfigError, match="combinations are too many"):
        make_plan([counting(f"k{place}", range(10**9)) for place in range(3)], Choice(), NoBase())
    with pytest.raises(ConfigError, match="exclude can check at most"):
        make_plan([counting(f"k{place}", range(10**5)) for place in range(2)], Choice(("k0 > 1",)), NoBase())


def test_a_sample_of_a_huge_product_is_drawn_at_once() -> None:
    axes = [counting(f"k{place}", range(1000)) for place in range(5)]
    assert len(set(make_plan(axes, Choice(sample=20, shuffle=True), NoBase()))) == 20


def test_together_names_group_keys_and_lengths() -> None:
    with pytest.raises(ConfigError) as error:
        together("pair", [MODEL, LR])
    assert "'pair'" in str(error.value)
    assert "model has 2, lr has 3" in str(error.value)


def test_without_a_member_equal_rows_are_kept_once() -> None:
    pair = together(
        "pair", [single("a", ["1", "2", "1"], [1, 2, 1]), single("b", ["x", "y", "z"], list("xyz"))]
    )
    left = without(pair, "b")
    assert (left.name, left.keys, list(left.rows)) == ("a", ("a",), [("a=1",), ("a=2",)])


def test_rekeyed_changes_the_key_alone() -> None:
    assert rekeyed(LR, "lr", "+lr").rows[0] == ("+lr=0.1",)
    assert rekeyed(SEED, "seed", "++seed").rows[4] == ("++seed=4",)


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    condition=st.sampled_from([(), ("k0 == 0",), ("k0 == 1",)]),
    sample=st.one_of(st.none(), st.integers(1, 20)),
    shuffle=st.booleans(),
    limit=st.one_of(st.none(), st.integers(1, 20)),
)
def test_a_cover_holds_every_choice_that_the_plan_holds(
    sizes: list[int], condition: tuple[str, ...], sample: int | None, shuffle: bool, limit: int | None
) -> None:
    axes = [axis_of(f"k{place}", count) for place, count in enumerate(sizes)]
    if condition == ("k0 == 0",) and sizes[0] == 1:
        condition = ()
    plan = make_plan(axes, Choice(condition, sample, 0, limit, shuffle), NoBase())
    covering = list(cover(plan, lambda key: True))
    assert set(covering) <= set(plan)
    assert {text for task in covering for text in task} == {text for task in plan for text in task}


def test_a_cover_takes_one_value_of_each_type() -> None:
    mixed = single("k", ["1", "2", "x", "null", "y"], [1, 2, "x", None, "y"])
    plan = make_plan([mixed, SEED], Choice(), NoBase())
    assert list(cover(plan, lambda key: False)) == [
        ("k=1", "seed=0"),
        ("k=x", "seed=0"),
        ("k=null", "seed=0"),
    ]
