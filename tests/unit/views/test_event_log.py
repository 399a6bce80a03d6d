"""What is told of an event."""

from __future__ import annotations

import pytest

from hsm_core.store.events import Ready
from hsm_core.views.event_log import against_forks, tell

WHY = ["one", "two", "three", "four"]


def ready(mode: str, *against_forks: str) -> Ready:
    return Ready("launch-0", mode, 1, 1.5, against_forks=against_forks)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ready("fork"), ""),
        (ready("spawn", *WHY[:2]), "each task gets a fresh interpreter: one; two"),
        (ready("spawn", *WHY), "each task gets a fresh interpreter: one; two; three; and 1 more"),
        (
            ready("fork", *WHY[:1]),
            "warning: forked tasks may not be independent: one\n  fix: hydra.launcher.isolation=spawn",
        ),
    ],
)  # fmt: skip
def test_why_tasks_are_not_forked(event: Ready, told: str) -> None:
    assert against_forks(event) == told
    line = tell("w1", event)
    assert line == "w1 imported the app in 1.5 s" + (f"; {told.partition(chr(10))[0]}" if told else "")
