"""What PBS said of jobs, as it was recorded, is read for what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.schedulers.interface import JobStatus
from hsm_core.schedulers.pbs.parse import read
from hsm_core.schedulers.pbs.states import array_of, statuses
from hsm_core.store.state.jobs import NEVER_BEGAN

RECORDED = Path(__file__).parents[1] / "recorded"
CANCELLED = ("cancelled", "cancelled")


def seen(name: str, flavour: str) -> dict[str, JobStatus]:
    return statuses(read((RECORDED / name).read_text()), flavour, history=flavour == "pbspro")


def one(said: dict[str, str], flavour: str = "pbspro", native_id: str = "7.pbs", history: bool = True) -> JobStatus:
    return statuses({native_id: said}, flavour, history=history)[native_id]


def test_pbspro_tells_each_job_and_element_but_no_array() -> None:
    phases = {native_id: status.phase for native_id, status in seen("pbs_history.json", "pbspro").items()}
    assert phases == {
        **dict.fromkeys([f"1004[{index}].pbs" for index in range(4)], "ended"),
        **dict.fromkeys(["1005.pbs", "1008[5].pbs", "1009.pbs", "1011[0].pbs", "1011[1].pbs"], "ended"),
        **dict.fromkeys(["1007.pbs", "1010[2].pbs", "1010[4].pbs"], "waiting"),
        **dict.fromkeys(["1008[0].pbs", "1010[0].pbs", "1010[1].pbs"], "running"),
    }


@pytest.mark.parametrize(
    ("native_id", "state", "reason", "evidence"),
    [
        ("1004[0].pbs", "lost", "unknown", "reported nothing"),
        ("1004[3].pbs", "lost", "unknown", "Exit_status 3"),
        ("1005.pbs", "failed", "walltime", "exceeded resource walltime"),
        ("1008[5].pbs", *CANCELLED, "it was deleted"),
        ("1009.pbs", *CANCELLED, "Exit_status 271 (SIGTERM)"),
        ("1011[1].pbs", "lost", "launch", "too many failed attempts"),
    ],
)
def test_pbspro_tells_how_a_job_ended(native_id: str, state: str, reason: str, evidence: str) -> None:
    status = seen("pbs_history.json", "pbspro")[native_id]
    assert (status.state, status.reason) == (state, reason)
    assert evidence in status.evidence


def test_what_pbs_dropped_is_neither_cancelled_nor_tried_again() -> None:
    """As PBS shows, after a dependency that failed, a plain job and an array; and an array that its user deleted."""
    drop = {"job_state": "F", "substate": "92", "Hold_Types": "s", "depend": "afterok:5.pbs@pbs"}
    subjob = {"comment": "Subjob finished"}
    deleted = {"job_state": "F", "substate": "91", "Hold_Types": "u"}
    found = statuses(
        {
            "6.pbs": drop, "7[].pbs": drop, "7[0].pbs": drop | subjob,
            "10[].pbs": deleted, "10[0].pbs": deleted | subjob, "13.pbs": deleted,
        },
        "pbspro", history=True,
    )  # fmt: skip
    for native_id in ("6.pbs", "7[0].pbs"):
        assert (found[native_id].state, found[native_id].reason) == ("failed", "launch")
        assert f"removed the job {NEVER_BEGAN}: its dependency failed" in found[native_id].evidence
        assert "afterok:5.pbs" in found[native_id].evidence
    for native_id in ("10[0].pbs", "13.pbs"):
        assert (found[native_id].state, found[native_id].reason) == CANCELLED
        assert found[native_id].evidence == "it was deleted before it started"


def test_a_hold_is_told_in_the_words_of_pbs_and_how_to_end_it() -> None:
    array = {"job_state": "H", "Hold_Types": "u"}
    found = statuses({"29[].pbs": array, "29[0].pbs": {"job_state": "Q", "Hold_Types": "u"}}, "pbspro", history=True)
    held = found["29[0].pbs"]
    assert (held.why, held.until, held.remedy) == ("Hold_Types = u", "until you release it", "qrls '29[].pbs'")
    waits = one({"job_state": "H", "Hold_Types": "s", "depend": "afterok:5.pbs@pbs"})
    assert (waits.why, waits.until, waits.remedy) == ("Hold_Types = s · depend = afterok:5.pbs@pbs", "", "")
    assert one({"job_state": "Q", "Hold_Types": "n"}).why == ""


@pytest.mark.parametrize("state", ["Q", "R", "E"])
def test_a_job_that_is_started_again_and_again_says_so(state: str) -> None:
    said = {"job_state": state, "run_count": "9", "comment": "Job run at Sat Nov 28 at 19:27 on (pbs:ncpus=1)"}
    assert one(said).why == "started 9 times (run_count = 9)"
    assert one({**said, "run_count": "2"}).why == ""


def test_torque_tells_each_element_by_the_submitted_name() -> None:
    found = seen("torque.xml", "torque")
    assert {status.name for status in found.values()} == {"aaaaaa-abcdefgh", "wall", "canc"}
    assert (found["37.torque"].state, found["37.torque"].reason) == ("failed", "walltime")
    assert found["38[0].torque"].phase == "running"
    assert (found["38[3].torque"].state, found["38[3].torque"].reason) == CANCELLED


def test_a_job_that_can_never_run_says_so_and_one_that_waits_its_turn_does_not() -> None:
    found = seen("pbs_history.json", "pbspro")
    assert "ncpus (R: 999 A: 8 T: 8)" in found["1007.pbs"].why
    assert [native_id for native_id, status in found.items() if status.hopeless] == ["1007.pbs"]


@pytest.mark.parametrize("history", [True, False])
def test_the_arrays_exit_status_is_not_taken_for_an_elements(history: bool) -> None:
    status = one({"job_state": "X", "Exit_status": "1", "stime": "now"}, native_id="7[1].pbs", history=history)
    assert "Exit_status" not in status.evidence
    assert (status.state, status.reason) == (CANCELLED if history else ("lost", "unknown"))


def test_elements_that_wait_behind_a_given_up_array_never_start() -> None:
    comment = "Job Array Held, too many failed attempts to run subjob 7[0].pbs"
    array = {"job_state": "H", "comment": comment}
    found = statuses({"7[].pbs": array, "7[1].pbs": {"job_state": "Q"}}, "pbspro", history=True)["7[1].pbs"]
    assert (found.phase, found.state, found.reason, found.evidence) == ("ended", "lost", "launch", comment)
    assert (found.stuck, found.why) == (True, comment)


@pytest.mark.parametrize("said", [{"Hold_Types": "u"}, {"Hold_Types": "s", "comment": "Job held by operator"}])
def test_what_somebody_holds_waits(said: dict[str, str]) -> None:
    assert one({"job_state": "H", **said}).phase == "waiting"


@pytest.mark.parametrize("letter", ["Q", "W", "T", "H", "M", "Z", ""])
def test_a_letter_that_is_not_known_to_be_final_is_alive(letter: str) -> None:
    assert one({"job_state": letter}).phase == "waiting"


@pytest.mark.parametrize(
    ("flavour", "said", "state", "reason"),
    [
        ("pbspro", {"Exit_status": "-27"}, "failed", "oom"),
        ("pbspro", {"Exit_status": "-4"}, "lost", "node"),
        ("pbspro", {"Exit_status": "-2"}, "failed", "launch"),
        ("pbspro", {"Exit_status": "-3"}, "lost", "launch"),
        ("pbspro", {"Exit_status": "-2", "run_count": "1"}, "failed", "launch"),
        ("pbspro", {"Exit_status": "127"}, "lost", "launch"),
        ("pbspro", {"Exit_status": "137"}, "lost", "signal"),
        ("pbspro", {"Exit_status": "143", "substate": "91"}, *CANCELLED),
        ("pbspro", {"Exit_status": "265", "substate": "93"}, *CANCELLED),
        ("pbspro", {"substate": "91"}, *CANCELLED),
        ("pbspro", {"substate": "92"}, "failed", "launch"),
        (
            "pbspro",
            {"Exit_status": "271", "resources_used.walltime": "00:00:10", "Resource_List.walltime": "00:00:05"},
            "failed",
            "walltime",
        ),
        ("torque", {"exit_status": "-10"}, "failed", "oom"),
        ("torque", {"exit_status": "271", "start_time": "1"}, *CANCELLED),
    ],
)
def test_endings(flavour: str, said: dict[str, str], state: str, reason: str) -> None:
    status = one({"job_state": "F" if flavour == "pbspro" else "C", **said}, flavour)
    assert (status.phase, status.state, status.reason) == ("ended", state, reason)


def test_the_nodes_of_a_job_are_named_once() -> None:
    assert one({"job_state": "R", "exec_host": "a/0*4+a/1+b/2"}).node == "a+b"


@pytest.mark.parametrize(("native_id", "array"), [("7[12].srv.org", "7[].srv.org"), ("7.srv", "")])
def test_array_of(native_id: str, array: str) -> None:
    assert array_of(native_id) == array
