"""A step of Hydra's passes through ours once or always; one that takes other arguments is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hsm_core.hydra_bridge.hydra_private.method_calls import pass_through, take_back


class Steps:
    """An object of Hydra's."""

    def compose(self, config_name: str | None, overrides: list[str], more: int = 0) -> str:
        return f"{config_name} {overrides} {more}"

    @property
    def broken(self) -> int:
        return 3


def ours(ordinary: Callable[[], str], arguments: Mapping[str, Any]) -> str:
    return f"{arguments['config_name']}: {ordinary()}"


@pytest.mark.parametrize("once", [True, False])
def test_a_call_passes_through_ours_however_its_arguments_are_given(once: bool) -> None:
    steps = Steps()
    pass_through(steps, "compose", ("config_name", "overrides"), ours, once=once)
    assert steps.compose("a", overrides=["b"], more=1) == "a: a ['b'] 1"
    again = steps.compose(overrides=[], config_name=None)
    assert (again, vars(steps) == {}) == (("None [] 0", True) if once else ("None: None [] 0", False))
    take_back(steps, "compose", "nosuch")
    assert vars(steps) == {}


def test_it_passes_through_the_first_of_ours_only() -> None:
    steps = Steps()
    pass_through(steps, "compose", (), ours)
    pass_through(steps, "compose", (), lambda ordinary, _: ordinary() + " twice")
    assert steps.compose("a", []) == "a: a [] 0"


@pytest.mark.parametrize(("name", "parameters"), [("nosuch", ()), ("compose", ("cfg",)), ("broken", ())])
def test_a_release_with_other_steps_is_left_alone(name: str, parameters: tuple[str, ...]) -> None:
    steps = Steps()
    pass_through(steps, name, parameters, ours)
    assert vars(steps) == {}


def test_arguments_that_do_not_fit_are_refused_as_ever() -> None:
    steps = Steps()
    pass_through(steps, "compose", (), ours)
    with pytest.raises(TypeError, match="overrides"):
        steps.compose("a")  # type: ignore[call-arg]
