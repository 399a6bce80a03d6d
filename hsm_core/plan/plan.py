"""Makes the plan of a sweep: the product of its axes, less what is excluded, sampled and ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from hsm_core.errors import ConfigError
from hsm_core.model import counted

from .axis import Axis, Row
from .exclude import Base, Filter, bind, kept
from .product import Tasks, indices_of, size
from .sampling import Shuffled, sampled

#: What the position of a member is counted in.
_MOST = 2**62


@dataclass(frozen=True)
class Choice:
    """Which members of the product become tasks, and in which order.

    Args:
        exclude: conditions; a combination for which one is true is left out.
        sample: so many, drawn at random.
        seed: of the draw and of the shuffle.
        limit: so many, the first ones.
        shuffle: in a random order.
    """

    exclude: tuple[str, ...] = ()
    sample: int | None = None
    seed: int = 0
    limit: int | None = None
    shuffle: bool = False


@dataclass(frozen=True)
class Plan(Sequence[Row]):
    """The tasks of a sweep in order, each as its overrides.

    Args:
        tasks: the sequence itself.
        chosen: the same members by index, ascending.
        steps: how many were left after ``product``, ``exclude``, ``sample``, ``limit``, where they were used.
        excluded: each condition, with how many it alone takes out.
        filters: the conditions, bound.
    """

    tasks: Tasks
    chosen: Sequence[int] = field(repr=False)
    steps: tuple[tuple[str, int], ...] = ()
    excluded: tuple[tuple[str, int], ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.tasks.axes

    def __len__(self) -> int:
        return len(self.tasks)

    @overload
    def __getitem__(self, position: int) -> Row: ...
    @overload
    def __getitem__(self, position: slice) -> Tasks: ...
    def __getitem__(self, position: int | slice) -> Row | Tasks:
        return self.tasks[position]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.tasks)


def make_plan(axes: Sequence[Axis], choice: Choice, base: Base) -> Plan:
    """Multiplies the axes and chooses members.

    Raises:
        ConfigError: an axis is empty, a condition is wrong, or nothing is left.
    """
    total = _product(axes)
    steps = [("product", total)]
    filters = tuple(bind(text, axes, base) for text in choice.exclude)
    chosen: Sequence[int] = range(total)
    counts: tuple[int, ...] = ()
    if filters:
        chosen, counts = kept(axes, filters)
        steps.append(("exclude", len(chosen)))
        if not chosen:
            seen = "; ".join(choice.exclude)
            what = "the only combination" if total == 1 else f"all {total} combinations"
            raise ConfigError(
                f"exclude removes {what}", evidence=seen, fix="hydra.sweeper.exclude=null    # removes none"
            )
    if choice.sample is not None:
        chosen = sampled(chosen, choice.sample, choice.seed)
        steps.append(("sample", len(chosen)))
    indices: Sequence[int] = Shuffled(chosen, choice.seed) if choice.shuffle else chosen
    if choice.limit is not None:
        indices = indices[: choice.limit]
        chosen = indices_of(sorted(indices)) if choice.shuffle else indices
        steps.append(("limit", len(indices)))
    excluded = tuple(zip(choice.exclude, counts, strict=True))
    return Plan(Tasks(axes, indices), chosen, tuple(steps), excluded, filters)


def _product(axes: Sequence[Axis]) -> int:
    for axis in axes:
        if not axis.rows:
            raise ConfigError(
                f"'{axis.name}' has no values",
                fix="give it values, or remove it",
            )
    total = size(axes)
    if total > _MOST:
        raise ConfigError(f"{total:.3g} combinations are too many", fix="remove values")
    return total


def sample_warning(plan: Plan, choice: Choice) -> str:
    """Returns that there are fewer combinations than were to be drawn; empty if there are enough."""
    found = dict(plan.steps).get("sample")
    if found is None or choice.sample is None or found >= choice.sample:
        return ""
    return f"sample={choice.sample} is more than there are: it keeps {counted(found, 'combination')}, all of them"


_VERBS = {"exclude": "exclude removes", "sample": "sample keeps", "limit": "limit keeps"}


def product_line(plan: Plan) -> str:
    """Returns ``2 model × 3 lr × 5 seed = 30, exclude removes 4 → 26 tasks``."""
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
