"""What is told of an event."""

from __future__ import annotations

from typing import Any

import pytest

from hsm_core.views.event_log import against_forks, tell

WHY = ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("ready", "told"),
    [
        ({"mode": "fork"}, ""),
        ({"mode": "spawn", "against_forks": WHY[:2]}, "each task gets a fresh interpreter: one; two"),
        ({"mode": "spawn", "against_forks": WHY}, "each task gets a fresh interpreter: one; two; three; and 1 more"),
        (
            {"mode": "fork", "against_forks": WHY[:1]},
            "warning: forked tasks may not be independent: one\n  try: hydra.launcher.isolation=spawn",
        ),
    ],
)  # fmt: skip
def test_why_tasks_are_not_forked(ready: dict[str, Any], told: str) -> None:
    assert against_forks(ready) == told
    line = tell("w1", {"e": "ready", "seconds": 1.5, **ready})
    assert line == "w1 imported the app in 1.5 s" + (f"; {told.partition(chr(10))[0]}" if told else "")
