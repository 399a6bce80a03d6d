"""Who takes which tasks: by what each source runs at once, by what it holds, and by how fast it is."""

from __future__ import annotations

import pytest

from hsm_core.conductor.handing_out.strategy import (
    UNKNOWN_CAPACITY,
    Offer,
    Rules,
    assign,
)
from hsm_core.model import STRATEGIES, Strategy

ALL = [(number, 1) for number in range(1000)]


def sizes(found: dict[str, list[tuple[int, int]]]) -> dict[str, int]:
    return {name: len(pairs) for name, pairs in found.items()}


def test_one_source_gets_everything() -> None:
    assert assign(ALL, [Offer("a", 2)]) == {"a": ALL}


def test_what_can_begin_at_once_is_given_out_first() -> None:
    assert sizes(assign(ALL[:5], [Offer("a", 4), Offer("b", 1)])) == {"a": 4, "b": 1}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_gets_some_ahead_and_the_rest_waits(strategy: Strategy) -> None:
    found = assign(ALL, [Offer("a", 8), Offer("b", 1)], Rules(strategy))
    assert sizes(found) == {"a": 10, "b": 2}
    taken = [pair for pairs in found.values() for pair in pairs]
    assert sorted(taken) == ALL[: len(taken)], "each once, the first ones"


def test_a_pool_holds_work_for_a_moment_and_no_more() -> None:
    short, long = Offer("a", 4, task_s=0.1), Offer("a", 4, task_s=3600.0)
    assert short.room == 4 + 4 * 10
    assert long.room == 5


def test_who_holds_enough_gets_nothing() -> None:
    assert sizes(assign(ALL, [Offer("a", 4, held=5), Offer("b", 1, held=2)])) == {}


def test_a_queue_is_filled_again_in_portions() -> None:
    assert Offer("q", 16, held=19, is_queue=True).room == 0
    assert Offer("q", 16, held=15, is_queue=True).room == 5
    assert Offer("pool", 16, held=19).room == 1


def test_a_queue_with_a_long_wait_has_tasks_waiting_there() -> None:
    assert Offer("q", 16, is_queue=True, task_s=600.0, wait_s=900.0).room == 32
    assert Offer("q", 16, is_queue=True, task_s=600.0).room == 17


def test_who_is_not_well_gets_nothing() -> None:
    assert sizes(assign(ALL[:3], [Offer("a", 4, is_well=False), Offer("b", 4)])) == {"b": 3}
    assert assign(ALL[:3], [Offer("a", 4, is_well=False), Offer("b", 1, is_well=False)]) == {}


def test_a_queue_of_unknown_capacity_leaves_work_for_others() -> None:
    found = assign(ALL, [Offer("queue", None, is_queue=True), Offer("here", 2)])
    assert found.keys() == {"queue", "here"}
    assert UNKNOWN_CAPACITY <= len(found["queue"]) < 2 * UNKNOWN_CAPACITY


def test_the_limit_over_all_counts_what_was_given_out_before() -> None:
    offers = [Offer("a", 8, held=3), Offer("b", 8, held=1)]
    found = assign(ALL, offers, Rules(parallel_limit=6), running=4)
    assert sum(sizes(found).values()) == 2
    assert assign(ALL, [Offer("a", 8, held=6)], Rules(parallel_limit=6), running=6) == {}
    assert sizes(assign(ALL, [Offer("a", 8)], Rules(parallel_limit=6))) == {"a": 6}


def test_in_turns_each_gets_the_next() -> None:
    offers = [Offer("a", 9), Offer("b", 2), Offer("c", 2)]
    assert assign(ALL[:3], offers, Rules("round_robin"), turn=4) == {"b": [ALL[0]], "c": [ALL[1]], "a": [ALL[2]]}


def test_the_least_loaded_is_so_for_its_size() -> None:
    offers = [Offer("a", 8, held=4), Offer("b", 2, held=1, task_s=9.0), Offer("c", 4, held=1)]
    assert sizes(assign(ALL[:1], offers, Rules("least_loaded"))) == {"c": 1}


def test_chance_is_the_same_each_time_and_gives_to_all() -> None:
    offers = [Offer("a", 8), Offer("b", 8), Offer("c", 8)]
    found = assign(ALL[:20], offers, Rules("random"))
    assert found == assign(ALL[:20], offers, Rules("random"))
    assert found.keys() == {"a", "b", "c"}
    assert found != assign(ALL[:20], offers, Rules("random"), turn=20)


def test_the_fastest_gets_the_next_where_it_ends_first() -> None:
    assert sizes(assign(ALL[:2], [Offer("slow", 4, task_s=10.0), Offer("fast", 4, task_s=1.0)])) == {"fast": 2}
    offers = [Offer("far", 4, task_s=1.0, wait_s=60.0, is_queue=True), Offer("near", 4, task_s=20.0)]
    assert sizes(assign(ALL[:2], offers)) == {"near": 2}


def test_at_the_end_a_slow_source_gets_nothing_that_the_others_would_end_before_it() -> None:
    offers = [Offer("slow", 4, task_s=10.0), Offer("fast", 4, held=12, task_s=1.0)]
    assert assign(ALL[:24], offers) == {}, "in 10 s the fast one ends 40"
    assert sizes(assign(ALL[:33], offers)) == {"slow": 4}


def test_who_was_never_measured_is_tried() -> None:
    assert sizes(assign(ALL[:9], [Offer("new", 4), Offer("fast", 4, held=8, task_s=1.0)]))["new"] == 5


def test_work_is_given_to_a_slow_source_while_there_is_much_of_it() -> None:
    found = assign(ALL, [Offer("slow", 4, task_s=10.0), Offer("fast", 4, task_s=1.0)])
    assert sizes(found) == {"slow": 5, "fast": 8}


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
    assert assign(ALL, [], all_of_it=True) == {}
