"""Says in one line how many tasks a sweep has, and why."""

from __future__ import annotations

from .plan import Plan

_VERBS = {"exclude": "exclude removes", "sample": "sample keeps", "limit": "limit keeps"}


def product_line(plan: Plan) -> str:
    """``2 model × 3 lr × 5 seed = 30, exclude removes 4 → 26 tasks``."""
    factors = " × ".join(f"{len(axis)} {axis.name}" for axis in plan.axes if len(axis) > 1)
    (_, total), *steps = plan.steps
    told, left = [f"{factors} = {total}" if factors else str(total)], total
    for step, after in steps:
        told.append(f"{_VERBS[step]} {left - after if step == 'exclude' else after}")
        left = after
    if not steps:
        return f"{told[0]} {_noun(left)}"
    return f"{', '.join(told)} → {left} {_noun(left)}"


def _noun(count: int) -> str:
    return "task" if count == 1 else "tasks"
