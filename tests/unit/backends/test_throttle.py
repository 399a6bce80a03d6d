"""One limit over several arrays."""

from __future__ import annotations

from hsm_core.backends.throttle import Throttle


def test_arrays_to_come_share_the_limit() -> None:
    throttle = Throttle(10)
    shares = []
    for to_come in (3, 2, 1):
        share = throttle.next_share(to_come)
        throttle.add(f"a{to_come}", share, 100)
        shares.append(share)
    assert shares == [3, 3, 4]
    assert throttle.free == 0
    assert throttle.next_share(1) == 0


def test_an_array_that_ends_gives_its_share_to_the_others() -> None:
    throttle = Throttle(6)
    throttle.add("a", 3, 50)
    throttle.add("b", 3, 50)
    throttle.left({"a": 1, "b": 40})
    assert throttle.raised() == {"b": 5}
    throttle.left({"b": 30})
    assert throttle.raised() == {"b": 6}
    assert throttle.raised() == {}


def test_never_do_more_run_than_the_limit_allows() -> None:
    throttle = Throttle(4)
    throttle.add("a", 2, 10)
    throttle.add("b", 2, 10)
    for left in ({"a": 1, "b": 9}, {"a": 0, "b": 7}, {"b": 3}):
        throttle.left(left)
        raised = {"a": 2, "b": 2} | throttle.raised()
        assert sum(min(raised[name], count) for name, count in left.items()) <= 4


def test_a_refused_array_takes_nothing() -> None:
    throttle = Throttle(2)
    throttle.add("a", 2, 10)
    throttle.drop("a")
    assert throttle.free == 2
