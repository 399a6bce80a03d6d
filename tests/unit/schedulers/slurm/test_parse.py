"""What Slurm printed, as it was recorded, is read for what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.model import Reason, State
from hsm_core.schedulers.interface import JobStatus
from hsm_core.schedulers.slurm.parse import (
    SEPARATOR,
    elements,
    read_exit_codes,
    read_sacct,
    read_squeue,
    with_exit_code,
)
from hsm_core.schedulers.slurm.states import ENDED, exit_text, full_word, phase

RECORDED = Path(__file__).parents[1] / "recorded"


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def test_squeue_tells_each_element() -> None:
    seen = read_squeue(recorded("squeue.txt"))
    assert {one: status.phase for one, status in seen.items()} == {
        **dict.fromkeys(("60_0", "60_1", "60_2", "60_3", "65", "66"), "ended"),
        **dict.fromkeys(("64_5", "64_6", "64_7", "64_8", "64_9", "68"), "waiting"),
        "67": "running",
    }
    assert all(one == status.native_id for one, status in seen.items())


def test_squeue_tells_why_a_job_waits_and_until_when() -> None:
    seen = read_squeue(recorded("squeue.txt"))
    assert (seen["68"].why, seen["68"].start) == ("Resources", "2026-11-22T05:30:09")
    assert (seen["64_5"].why, seen["64_5"].start) == ("JobHeldUser", "")


@pytest.mark.parametrize(
    "why",
    [
        "BadConstraints",
        "QOSMaxMemoryPerJob,Priority",
        "Reservation maintenance, of 2026 was deleted",
        "Job's account not permitted to use this partition (main allows root not lab)",
        "Job's account not permitted to use this partition (main denies lab,x including lab)",
        "Job's account not known, so it can't use this partition (main allows root)",
        "Job's QOS not permitted to use this partition (main allows high not normal)",
        "Job's QOS not known, so it can't use this partition (main allows high)",
    ],
)
def test_some_reasons_never_pass_by_themselves(why: str) -> None:
    assert seen_waiting(why).hopeless


@pytest.mark.parametrize(
    "why",
    [
        "Priority",
        "Resources",
        "None",
        "BeginTime",
        "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
        "ReqNodeNotAvail, UnavailableNodes:node1",
        "Prolog",
    ],
)
def test_other_reasons_may_pass(why: str) -> None:
    assert not seen_waiting(why).hopeless


def seen_waiting(why: str) -> JobStatus:
    line = SEPARATOR.join(("7", "PENDING", why, "", "main", "lab", "normal", "N/A", "demo-x"))
    status = read_squeue(line)["7"]
    assert status.why == ("" if why == "None" else why)
    return status


def test_a_name_may_hold_anything() -> None:
    running = read_squeue(recorded("squeue.txt"))["67"]
    assert running.name == "odd|name\tü"
    assert (running.node, running.queue, running.why, running.start) == ("node[1-4]", "main", "", "")
    assert (running.account, running.qos) == ("lab", "normal")


@pytest.mark.parametrize(
    ("native_id", "state", "reason", "words"),
    [
        ("60_0", "lost", "unknown", "the job ended, but its worker reported nothing"),
        ("60_1", "lost", "unknown", "exit code 3"),
        ("60_2", "lost", "unknown", "killed by SIGKILL"),
        ("60_3", "cancelled", "cancelled", "by user 65534"),
        ("65", "failed", "walltime", "time limit"),
        ("66", "lost", "launch", "could not open the job's log"),
    ],
)
def test_a_final_word_is_read_for_what_it_means(
    native_id: str, state: State, reason: Reason, words: str
) -> None:
    status = read_sacct(recorded("sacct.txt"))[native_id]
    assert (status.phase, status.state, status.reason) == ("ended", state, reason)
    assert words in status.evidence
    assert status.evidence.endswith("on node1") or native_id == "60_3"


def test_squeue_and_sacct_agree() -> None:
    queue, accounting = read_squeue(recorded("squeue.txt")), read_sacct(recorded("sacct.txt"))
    codes = read_exit_codes(recorded("squeue_exit_codes.txt"))
    assert codes["60_1"] == "3:0"
    for one in ("60_0", "60_1", "60_2", "60_3", "65", "66"):
        seen = with_exit_code(queue[one], codes.get(one, ""))
        told = accounting[one]
        assert (seen.state, seen.reason, seen.name) == (told.state, told.reason, told.name), one


def test_pending_elements_are_told_as_a_range() -> None:
    seen = read_sacct(recorded("sacct.txt"))
    waiting = [one for one, status in seen.items() if status.phase == "waiting"]
    assert waiting == ["64_5", "64_6", "64_7", "64_8", "64_9"]
    assert seen["64_7"].node == ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("680", ["680"]),
        ("680_3", ["680_3"]),
        ("680_[5-7]", ["680_5", "680_6", "680_7"]),
        ("680_[1,3-4%2]", ["680_1", "680_3", "680_4"]),
        ("680_[0-8:4]", ["680_0", "680_4", "680_8"]),
        ("680_[1,3,...]", ["680_1", "680_3"]),
        ("680+1", []),
        ("680.batch", []),
        ("CLUSTER: main", []),
        ("", []),
    ],
)
def test_ids_of_elements(written: str, expected: list[str]) -> None:
    assert list(elements(written)) == expected


@pytest.mark.parametrize("word", ["", "TELEPORTING", "SUSPENDED", "COMPLETING", "SIGNALING", "STAGE_OUT"])
def test_a_word_that_is_not_final_is_alive(word: str) -> None:
    assert phase(word, "node1") == "running"
    line = SEPARATOR.join(("7", word, "None", "node1", "main", "lab", "normal", "N/A", "name"))
    assert read_squeue(line + "\n")["7"].phase == "running"


@pytest.mark.parametrize("word", ["PENDING", "REQUEUED", "REQUEUE_HOLD", "CONFIGURING", "TELEPORTING"])
def test_a_job_without_a_node_waits(word: str) -> None:
    assert phase(word, "") == "waiting"


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("CANCELLED by 1000", "CANCELLED"),
        ("OUT_OF_ME+", "OUT_OF_MEMORY"),
        ("NODE_FAIL", "NODE_FAIL"),
        ("REQUEUE_+", "REQUEUE_+"),
        ("", ""),
    ],
)
def test_words_that_are_cut_short_or_say_more(written: str, word: str) -> None:
    assert full_word(written) == word


@pytest.mark.parametrize("text", ["", "\n", "slurm_load_jobs error: no\n", "1\x1f2\n", "CLUSTER: main\n"])
def test_lines_of_another_form_tell_nothing(text: str) -> None:
    assert read_squeue(text) == {}
    assert read_sacct(text) == {}


@pytest.mark.parametrize(
    ("exit_code", "text"),
    [
        ("0:0", ""),
        ("", ""),
        ("7:0", "exit code 7"),
        ("0:9", "killed by SIGKILL"),
        ("0:99", "killed by signal 99"),
    ],
)
def test_exit_codes_in_words(exit_code: str, text: str) -> None:
    assert exit_text(exit_code) == text


def test_each_final_word_says_what_it_means() -> None:
    assert all(meant.state in ("failed", "cancelled", "lost") and meant.story for meant in ENDED.values())


def test_what_somebody_holds_waits_for_that_and_a_users_line_concerns_the_whole_array() -> None:
    held = "job requeued in held state"
    text = "\n".join(
        SEPARATOR.join((native, "PENDING", why, "", "main", "lab", "normal", "2026-11-22T05:30:09", "t"))
        for native, why in (
            ("7_1", "JobHeldUser"), ("8", "JobHeldAdmin"), ("9", "Resources"), ("10_3", held),
            ("11", "PartitionDown"), ("12", "BadConstraints"),
        )
    )  # fmt: skip
    seen = read_squeue(text)
    assert {one: status.remedy for one, status in seen.items() if status.remedy} == {
        "7_1": "scontrol release 7", "10_3": "scontrol release 10",
    }  # fmt: skip
    assert {one: status.until for one, status in seen.items() if status.until} == {
        "7_1": "until you release it", "8": "until an administrator releases it", "10_3": "until you release it",
        "11": "until the partition is up",
    }  # fmt: skip
    assert [one for one, status in seen.items() if status.hopeless] == ["12"]
    assert [one for one, status in seen.items() if status.start] == ["9"]  # never, and expected, exclude each other
