"""What to type next about a sweep."""

from __future__ import annotations

from collections import Counter

import pytest

from hsm_core.model import State
from hsm_core.views.lines_to_copy.next_command import next_command
from hsm_core.views.status.phase import Phase
from tests.unit.views.lines_to_copy.test_rerun import record

WATCH, ERRORS, RESUME, RESULTS = "hsm-status -w s", "hsm errors s", "hsm resume s", "hsm results s"


@pytest.mark.parametrize(
    ("counts", "phase", "line"),
    [
        ({"queued": 1, "failed": 1}, "running", WATCH),
        ({"pending": 3}, "running", WATCH),  # its launcher waits for room: to resume it would be refused
        ({"pending": 3, "lost": 1}, "stopped", RESUME),
        ({"failed": 1, "completed": 2}, "finished", ERRORS),
        ({"completed": 2}, "completed", RESULTS),
        ({"completed": 2}, "stopped", RESUME),
    ],
)
def test_what_is_said_next_can_be_done(counts: dict[State, int], phase: Phase, line: str) -> None:
    assert next_command(record(id="s"), Counter(counts), phase) == line
