"""Times, as people write them."""

from __future__ import annotations

import pytest

from hsm_core.errors import ConfigError
from hsm_core.plan.walltime import clock, minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4:00:00", 240),
        ("1-12:00:00", 2160),
        ("1-12", 2160),
        ("1-00:30", 1470),
        ("0:00:01", 1),
        ("0:30:00", 30),
        ("100:00:00", 6000),
        ("90min", 90),
        ("2h", 120),
        ("1d 6h", 1800),
        ("1.5 hours", 90),
        ("90s", 2),
    ],
)
def test_walltime(text: str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize(
    "text", ["soon", "", "4:99:00", "-1:00:00", "2x", "2 mammoths", "0:00:00", "2h3", "d"]
)
def test_what_is_no_walltime(text: str) -> None:
    with pytest.raises(ConfigError, match="not a time"):
        minutes(text)


@pytest.mark.parametrize("number", [28800, "28800", 28800.0])
def test_a_bare_number_shows_both_readings(number: int | str | float) -> None:
    with pytest.raises(ConfigError) as error:
        minutes(number)
    choices = '"8:00:00" for 28800 seconds or "480:00:00" for 28800 minutes'
    assert error.value.fix == f"write {choices}, with the quotes"


def test_a_small_number_is_hours_first() -> None:
    with pytest.raises(ConfigError) as error:
        minutes(8)
    choices = '"8:00:00" for 8 hours, "0:08:00" for 8 minutes or "0:00:08" for 8 seconds'
    assert error.value.fix == f"write {choices}, with the quotes"


def test_a_clock_of_two_parts_is_ambiguous() -> None:
    with pytest.raises(ConfigError, match='"12:30:00" for hours and minutes'):
        minutes("12:30")


def test_clock() -> None:
    assert clock(90.5) == "1:30:30"
