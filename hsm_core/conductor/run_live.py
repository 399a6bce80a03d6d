"""Conducts a launch for somebody who watches: shows how it goes, and sums up."""

from __future__ import annotations

import sys

from hsm_core.store.layout import LaunchPaths
from hsm_core.text import columns
from hsm_core.views.live import LiveProgress
from hsm_core.views.summary import summary

from .conductor import Conductor, Pairs


def conduct_live(
    conductor: Conductor,
    launch: LaunchPaths,
    payload: LaunchPaths,
    pairs: Pairs,
    numbers: range,
) -> int:
    """Conduct one launch, show how it goes, and sum up.

    Args:
        pairs: (task, attempt) to hand over.
        numbers: the tasks to sum up.

    Returns:
        0, or an exit code if a signal ended it.
    """
    state, wanted = conductor.state, {number for number, _ in pairs}
    first = not state.numbers_in("completed")
    before = {number for number in state.numbers_in("failed", "lost") if number in numbers and number not in wanted}
    with LiveProgress() as progress:
        code = conductor.conduct(launch, payload, pairs, progress)
    earlier = before.intersection(state.numbers_in("failed", "lost"))
    text = summary(
        state, numbers, earlier=earlier, advise=not conductor.has_advised, first=first, width=columns(sys.stderr)
    )
    print(text, file=sys.stderr, flush=True)
    return code


def hand_over(conductor: Conductor, launch: LaunchPaths, payload: LaunchPaths, pairs: Pairs) -> int:
    """Hand tasks over, with words for whoever waits for it; see ``Conductor.hand_over``."""
    with LiveProgress() as progress:
        return conductor.hand_over(launch, payload, pairs, progress)
