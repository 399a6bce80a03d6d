"""One limit over several arrays."""

from __future__ import annotations

from hsm_core.sources.queue.array_throttle import Throttle


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


def told(throttle: Throttle) -> dict[str, int]:
    """What schedulers are told after what is free was shared out."""
    throttle.share_out()
    found = throttle.untold()
    for name in found:
        throttle.tell(name)
    return found


def test_an_array_that_ends_gives_its_share_to_the_others() -> None:
    throttle = Throttle(6)
    throttle.add("a", 3, 50)
    throttle.add("b", 3, 50)
    throttle.left({"a": 1, "b": 40})
    assert told(throttle) == {"b": 5}
    throttle.left({"b": 30})
    assert told(throttle) == {"b": 6}
    assert told(throttle) == {}


def test_a_scheduler_that_did_not_answer_is_told_again() -> None:
    throttle = Throttle(6)
    throttle.add("a", 3, 50)
    throttle.share_out()
    assert throttle.untold() == throttle.untold() == {"a": 6}


def test_an_array_of_another_launcher_is_counted_and_told_its_share_again() -> None:
    throttle = Throttle(3)
    throttle.add("a", 2, 50, is_told=False)
    assert (throttle.free, throttle.untold()) == (1, {"a": 2})


def test_never_do_more_run_than_the_limit_allows() -> None:
    throttle = Throttle(4)
    throttle.add("a", 2, 10)
    throttle.add("b", 2, 10)
    raised = {"a": 2, "b": 2}
    for left in ({"a": 1, "b": 9}, {"a": 0, "b": 7}, {"b": 3}):
        throttle.left(left)
        raised |= told(throttle)
        assert sum(min(raised[name], count) for name, count in left.items()) <= 4


def test_a_refused_array_takes_nothing() -> None:
    throttle = Throttle(2)
    throttle.add("a", 2, 10)
    throttle.drop("a")
    assert throttle.free == 2
