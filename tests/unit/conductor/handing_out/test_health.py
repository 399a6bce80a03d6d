"""A source that fails gets fewer tasks, then none, then one as a probe, and is well again once a task has ended."""

from __future__ import annotations

from hsm_core.conductor.handing_out.health import SourceHealth
from hsm_core.conductor.handing_out.strategy import Offer, Rules

RULES = Rules(degraded_after=2, disabled_after=3, probe_after_s=60.0)


def test_by_failures_in_a_row_it_is_degraded_then_disabled() -> None:
    health = SourceHealth(RULES)
    health.fail("node 1", 0.0)
    assert (health.standing, health.most(4, 4, 0.0)) == ("well", None)
    health.fail("node 2", 0.0)
    assert (health.standing, health.most(4, 4, 0.0), health.why) == ("degraded", 4, "node 2")
    health.fail("node 3", 0.0)
    assert (health.standing, health.most(4, 2, 59.0)) == ("disabled", 0)


def test_a_task_that_ended_makes_it_well() -> None:
    health = SourceHealth(RULES)
    for _ in range(2):
        health.fail("node", 0.0)
    health.succeed()
    health.fail("node", 0.0)
    assert (health.standing, health.why) == ("well", "node")


def test_a_refusal_disables_it_at_once() -> None:
    health = SourceHealth(RULES)
    health.fail("invalid account", 0.0, for_now=True)
    assert health.standing == "disabled"


def test_after_a_while_it_gets_one_task_as_a_probe_and_each_that_fails_doubles_the_time() -> None:
    health = SourceHealth(RULES)
    health.fail("refused", 0.0, for_now=True)
    assert (health.most(4, 1, 60.0), health.most(4, 0, 60.0)) == (2, 1), "one more than it holds"
    health.probe(60.0)
    assert health.most(4, 1, 61.0) == 0
    health.fail("refused", 61.0)
    assert (health.most(4, 0, 180.0), health.most(4, 0, 181.0)) == (0, 1)
    for _ in range(9):
        health.fail("refused", 1000.0)
    assert health.most(4, 0, 1000.0 + 16 * 60.0) == 1, "no longer than that"
    health.succeed()
    assert health.most(4, 0, 0.0) is None


def test_an_offer_has_no_more_room_than_its_limit() -> None:
    assert Offer("a", 4, held=2, limit=4).room == 2
    assert Offer("a", 4, held=2, limit=0).room == 0
    assert Offer("a", 4, held=2).room == 3
