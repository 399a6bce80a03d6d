"""Task ranges and the ends of logs."""

from __future__ import annotations

import pytest

from hsm_core.text import UNSEEN, printable, printable_log, read_task_ranges, task_ranges


def test_task_numbers_are_written_as_ranges() -> None:
    assert task_ranges([7, 3, 8, 9, 12]) == "3,7-9,12"
    assert task_ranges([]) == ""


def test_ranges_are_read_part_by_part() -> None:
    assert list(read_task_ranges("3, 7-9")) == [("3", range(3, 4)), (" 7-9", range(7, 10))]
    assert not next(read_task_ranges("9-7"))[1]


@pytest.mark.parametrize("text", ["", "a", "3,", "-3", "3-", "3-a", "1-2-3", "²"])
def test_a_part_that_is_no_range_is_named(text: str) -> None:
    with pytest.raises(ValueError) as error:
        list(read_task_ranges(text))
    assert str(error.value) in text.split(",")


@pytest.mark.parametrize(
    "evil",
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\u200b", "\x08", "\x7f", "\r", "\udcff", "\U000e0041"],
)
def test_a_terminal_is_sent_nothing_that_it_obeys_or_hides(evil: str) -> None:
    for cleaned in (printable(f"a{evil}b"), printable(f"a{evil}b", colours=True), printable_log(f"a{evil}b\n")):
        assert not UNSEEN.search(cleaned.replace("\n", ""))
        assert cleaned.startswith("a")
        assert cleaned.rstrip().endswith("b")


def test_colours_are_those_of_the_views_and_only_where_they_are_wanted() -> None:
    assert printable("\x1b[31mx\x1b[0m", colours=True) == "\x1b[31mx\x1b[0m"
    assert printable("\x1b[8mx\x1b[0m", colours=True) == "\\x1b[8mx\x1b[0m"
    assert printable("\x1b[31mx") == "\\x1b[31mx"


def test_a_log_is_shown_without_its_colours_and_with_all_that_was_overwritten() -> None:
    printed = "\x1b[1;32mepoch\x1b[0m 1\r\n10%\r20%\x1b[K\r\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n\ttab"
    assert printable_log(printed) == "epoch 1\n10%\n20%\nlink\n\ttab"
