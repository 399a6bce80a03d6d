"""Numbers and words as people read them."""

from __future__ import annotations

from collections import Counter

import pytest

from hsm_core.model import State
from hsm_core.views.status.progress import bar, pace_words, progress_line
from hsm_core.views.text import about, clean, duration, shorten, state_words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (11100, "3 h 5 min"),
     (187200, "2 d 4 h"), (-3, "0 s")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "about 5 s"), (61, "about 2 min"), (4000, "about 1 h 10 min")]
)
def test_what_is_to_come_is_said_roughly(seconds: float, text: str) -> None:
    assert about(seconds) == text


def test_the_middle_is_taken_out() -> None:
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghij", 7) == "abc…hij"
    assert len(shorten("x" * 100, 8)) == 8


def test_control_characters_become_visible() -> None:
    assert clean("a\x1b[31mb\nc\u202e") == "a\\x1b[31mb c\\u202e"


def test_only_states_that_there_are_with_sign_and_word() -> None:
    counts: dict[State, int] = {"completed": 2, "failed": 1, "lost": 0}
    assert state_words(counts) == "✓ 2 completed  ✗ 1 failed"
    assert state_words(counts, colour=True) == "\x1b[32m✓ 2 completed\x1b[0m  \x1b[31m✗ 1 failed\x1b[0m"


@pytest.mark.parametrize(
    ("rate", "text"), [(12.3, "12/s"), (1.26, "1.3/s"), (0.5, "30/min"), (0.01, "36/h"), (0.0001, "0.36/h")]
)
def test_rates(rate: float, text: str) -> None:
    assert pace_words(rate) == text


def test_a_bar_is_full_only_when_all_has_ended() -> None:
    assert bar(Counter[State](completed=999), 1000, 10) == "━" * 9 + "─"
    assert bar(Counter[State](completed=998, failed=2), 1000, 10) == "━" * 10
    assert bar(Counter[State](completed=5, cancelled=5), 10, 10) == "━" * 5 + "─" * 5
    assert progress_line({"completed": 5, "cancelled": 5}, 10, None, None).endswith("  5/10  − 5 cancelled")
    assert bar(Counter[State](completed=5, lost=5), 10, 10) == "━" * 5 + "─" * 5
    assert progress_line({"completed": 5, "lost": 5}, 10, None, None).endswith("  5/10  ? 5 lost")
    assert bar(Counter[State](), 0, 4) == "────"


def test_the_line_fits_its_width() -> None:
    counts = Counter[State](completed=8000, failed=1200, lost=30, cancelled=10, running=64)
    for width in (40, 60, 80, 120):
        line = progress_line(counts, 100000, 12.5, 7300.0, width=width)
        assert len(line) <= width
    assert "about 2 h 30 min left" in progress_line(counts, 100000, 12.5, 7300.0)
    assert "left" not in progress_line(counts, 100000, None, None)
