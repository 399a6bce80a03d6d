"""Task ranges and the ends of logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.text import log_tail, read_task_ranges, task_ranges


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


def test_the_end_of_a_log_is_read_from_an_offset_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes("ä123456789".encode())
    assert log_tail(log) == "ä123456789"
    assert log_tail(log, limit=4) == "6789"
    assert log_tail(log, limit=4, begin=9) == "89"
    assert log_tail(tmp_path / "none") == ""
