"""A host's word is used only where it has the form that it must have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsm_core.hosts.agent.answers import BadAnswer, Words, found_in, inner_name, process_in, rows_in
from hsm_core.hosts.agent.messages import Message
from hsm_core.model import ProcessIdentity


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/etc/passwd", "a/../../b", "../a", "a/..", "a//b", "./a", "a/", "a\0b", "/"]
)
def test_a_name_that_leads_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(BadAnswer):
        inner_name(name)


@pytest.mark.parametrize("name", ["a", "a/b", "..a", "a\nb", "ünï ☂", "-rf", "a/...", "\udcff"])
def test_any_other_name_is_kept(name: str) -> None:
    assert inner_name(name) == Path(name)


GOOD = ["a/b", "file", 3, 0, 0o100644, ""]


def test_a_list_of_files_is_read() -> None:
    (found,) = found_in(json.dumps([GOOD]).encode())
    assert (found.name, found.kind, found.size, found.mode) == (Path("a/b"), "file", 3, 0o644)


@pytest.mark.parametrize(
    "row", [
        ["../b", *GOOD[1:]], ["a", "device", *GOOD[2:]], [*GOOD[:2], -1, *GOOD[3:]], [*GOOD[:2], True, *GOOD[3:]],
        [*GOOD[:2], 1.5, *GOOD[3:]], GOOD[:5], [*GOOD, 1], {"name": "a"}, None, [*GOOD[:5], None],
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_refused(row: object) -> None:
    with pytest.raises(BadAnswer):
        found_in(json.dumps([row]).encode())


def test_a_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadAnswer):
        found_in(json.dumps([GOOD, GOOD]).encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b"[" * 100_000, b"\xff"])
def test_what_is_no_table_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        rows_in(body, 3)


def test_a_process_is_read() -> None:
    assert process_in(Message({"process": ["h1", "b", 7, "9"]})) == ProcessIdentity("h1", "b", 7, "9")
    for bad in (None, [], ["h1", "b", "7", "9"], ["h1", "b", 7], ["h1", "b", -7, "9"]):
        with pytest.raises(BadAnswer):
            process_in(Message({"process": bad}))


def test_a_word_of_another_kind_is_refused() -> None:
    words = Words(Message({"n": "1", "t": 1, "l": ["x"], "none": None}))
    assert (words.number_or_none("none"), words.text_or_none("absent")) == (None, None)
    for read in (lambda: words.number("n"), lambda: words.text_or_none("t"), lambda: words.numbers("l")):
        with pytest.raises(BadAnswer):
            read()
