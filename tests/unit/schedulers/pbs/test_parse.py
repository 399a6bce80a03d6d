"""What PBS printed, as it was recorded on OpenPBS 23.06 and Torque 6, is read whatever its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.schedulers.pbs.parse import Unreadable, read

RECORDED = Path(__file__).parents[1] / "recorded"


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def test_json_is_read_job_by_job_and_flat() -> None:
    answer = read(recorded("pbs_history.json"))
    assert answer["1004[3].pbs"]["Exit_status"] == "3"
    assert answer["1004[3].pbs"]["array_index"] == "3"
    assert answer["1005.pbs"]["Resource_List.walltime"] == "00:00:05"
    assert answer["1010[].pbs"]["array"] == "True"


def test_wrapped_text_says_the_same_as_text_that_is_not() -> None:
    wrapped, whole = read(recorded("pbs_text.txt")), read(recorded("pbs_text-w.txt"))
    assert wrapped == whole
    assert any(said["Output_Path"].endswith("-that-makes-the-line-wrap.log") for said in wrapped.values())


def test_xml_is_read_job_by_job_from_several_documents() -> None:
    answer = read(recorded("torque.xml"))
    assert len(answer) == 10
    assert answer["37.torque"]["exit_status"] == "-11"
    assert answer["37.torque"]["Resource_List.walltime"] == "00:00:05"


@pytest.mark.parametrize("text", ["", "\n", '{"timestamp": 1, "pbs_version": "23.06.06", "pbs_server": "pbs"}'])
def test_nothing_that_matched_is_nothing(text: str) -> None:
    assert read(text) == {}


def test_a_name_that_came_as_a_number_is_text_again() -> None:
    assert read('{"Jobs": {"1.pbs": {"Job_Name": 123, "comment": null}}}') == {
        "1.pbs": {"Job_Name": "123", "comment": "None"}
    }


@pytest.mark.parametrize(
    "text",
    ['{"Jobs": {"1.pbs": {"Variable_List": {"foo":005}}}}', '{"Jobs": []}', "<Data><Job><a></Job></Data>"],
)
def test_what_is_broken_is_said_to_be(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)
