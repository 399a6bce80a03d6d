"""Who takes which tasks: by what each source runs at once, and by what it holds."""

from __future__ import annotations

import pytest

from hsm_core.conductor.handing_out.strategy import AHEAD, UNKNOWN_CAPACITY, Offer, assign

ALL = [(number, 1) for number in range(1000)]


def sizes(found: dict[str, list[tuple[int, int]]]) -> dict[str, int]:
    return {name: len(pairs) for name, pairs in found.items()}


def test_one_source_gets_everything() -> None:
    assert assign(ALL, [Offer("a", 2)]) == {"a": ALL}


def test_what_can_begin_at_once_is_given_out_first() -> None:
    found = assign(ALL[:5], [Offer("a", 4), Offer("b", 1)])
    assert found == {"a": ALL[:4], "b": ALL[4:5]}


def test_each_gets_some_ahead_and_the_rest_waits() -> None:
    found = assign(ALL, [Offer("a", 4), Offer("b", 1)])
    assert sizes(found) == {"a": AHEAD * 4, "b": AHEAD}
    taken = [pair for pairs in found.values() for pair in pairs]
    assert sorted(taken) == ALL[: len(taken)], "each once, the first ones"


def test_who_holds_enough_gets_nothing() -> None:
    assert sizes(assign(ALL, [Offer("a", 4, held=5), Offer("b", 1, held=2)])) == {}


def test_who_has_come_down_to_what_it_runs_is_filled_again() -> None:
    assert sizes(assign(ALL, [Offer("a", 4, held=4), Offer("b", 1, held=2)])) == {"a": 4}


def test_who_is_not_well_gets_nothing_unless_none_is() -> None:
    assert sizes(assign(ALL[:3], [Offer("a", 4, is_well=False), Offer("b", 1)])) == {"b": AHEAD}
    assert sizes(assign(ALL[:3], [Offer("a", 4, is_well=False), Offer("b", 1, is_well=False)])) == {"a": 3}


def test_a_queue_of_unknown_capacity_leaves_work_for_others() -> None:
    found = assign(ALL, [Offer("queue", None), Offer("here", 2)])
    assert sizes(found) == {"queue": AHEAD * UNKNOWN_CAPACITY, "here": AHEAD * 2}


@pytest.mark.parametrize("count", [1, 2, 3, 10, 999])
def test_with_nobody_there_later_all_is_given_out_by_capacity(count: int) -> None:
    found = assign(ALL[:count], [Offer("a", 3), Offer("b", 1), Offer("sick", 9, is_well=False)], all_of_it=True)
    taken = [pair for pairs in found.values() for pair in pairs]
    assert sorted(taken) == ALL[:count]
    assert "sick" not in found
    assert abs(len(found.get("a", ())) - 0.75 * count) <= 1


def test_without_tasks_or_sources_nothing_is_given_out() -> None:
    assert assign([], [Offer("a", 1), Offer("b", 1)]) == {}
    assert assign(ALL, []) == {}
