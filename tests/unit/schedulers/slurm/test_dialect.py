"""Slurm's answers that are none, or half of one, are told from those that count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hsm_core.errors import LimitReached, NoAnswer, Refused
from hsm_core.hosts.interface import Done
from hsm_core.schedulers.interface import Script
from hsm_core.schedulers.slurm.dialect import MOST_ASKED, PORTION, Slurm, log_pattern, submit_command
from hsm_core.testing.recording import RecordingHost, Reply

SCRIPT = Script(Path("/sweep/job.sh"), Path("/sweep"), "lr-abc", size=3, throttle=2)
FILES = {SCRIPT.path: b"#!/bin/bash\n#SBATCH --time=10\n"}
FULL = "sbatch: error: Batch job submission failed: Resource temporarily unavailable\n"


def ended(code: int | None, err: str = "", out: str = "") -> Done:
    return Done((), code, out, err)


def slurm(**replies: Reply) -> Slurm:
    return Slurm(RecordingHost(dict(replies), FILES))


def test_what_the_command_says_goes_before_the_script() -> None:
    named = ["sbatch", "--parsable", "--job-name=lr-abc"]
    assert submit_command(SCRIPT) == [
        *named, "--output=slurm-%A_%a.log", "--open-mode=append", "--array=0-2%2", "/sweep/job.sh",
    ]  # fmt: skip
    plain = Script(SCRIPT.path, SCRIPT.cwd, "lr-abc")
    assert submit_command(plain) == [*named, "--output=slurm-%j.log", "--open-mode=append", "/sweep/job.sh"]


@pytest.mark.parametrize(
    ("directory", "log"),
    [("/a b", "slurm-%j.log"), ("/a%j", "/a%%j/slurm-%j.log"), ("/a\\b", "/dev/null")],
)
def test_a_log_lands_in_directories_with_any_name(directory: str, log: str) -> None:
    assert log_pattern(Script(SCRIPT.path, Path(directory), "t")) == log


@pytest.mark.parametrize("answer", [ended(0, out="680\n"), ended(0, out="680;alpha\n"), ended(1, "late", "680\n")])
def test_an_id_counts_however_sbatch_ended(answer: Done) -> None:
    assert slurm(sbatch=answer).submit(SCRIPT) == "680"


@pytest.mark.parametrize(("queued", "found"), [("41\n", "41"), ("41\n40\n", "40"), ("", None)])
def test_one_that_was_ended_while_the_queue_was_full_is_looked_for(queued: str, found: str | None) -> None:
    cluster = slurm(sbatch=ended(None, FULL), squeue=f"ARRAY_JOB_ID\n{queued}")
    if found:
        assert cluster.submit(SCRIPT) == found
        return
    with pytest.raises(LimitReached):
        cluster.submit(SCRIPT)


def test_one_that_slurm_itself_ended_was_not_taken() -> None:
    with pytest.raises(LimitReached):
        slurm(sbatch=ended(1, FULL), squeue="ARRAY_JOB_ID\n41\n").submit(SCRIPT)


def test_where_there_is_no_sbatch_nothing_was_submitted() -> None:
    with pytest.raises(Refused, match="can't run sbatch"):
        slurm().submit(SCRIPT)


@pytest.mark.parametrize("printed", ["", "40\n", "ARRAY_JOB_ID\n40"])
def test_an_answer_without_its_heading_or_its_end_is_none(printed: str) -> None:
    with pytest.raises(NoAnswer, match="incomplete"):
        slurm(squeue=printed).find("lr-abc")


def test_what_left_the_queue_is_found_in_the_accounting() -> None:
    assert slurm(squeue="ARRAY_JOB_ID\n", sacct="39_1\n39_2\n").find("lr-abc") == "39"


def test_an_accounting_that_is_switched_off_is_asked_once() -> None:
    host = RecordingHost({
        "squeue": "ARRAY_JOB_ID\n",
        "sacct": ended(1, "Slurm accounting storage is disabled"),
    })  # fmt: skip
    cluster = Slurm(host)
    assert [cluster.find("lr-abc"), cluster.find("lr-abc")] == [None, None]
    assert sum(call.argv[0] == "sacct" for call in host.calls) == 1


def test_an_accounting_that_is_down_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        slurm(squeue="ARRAY_JOB_ID\n", sacct=ended(1, "sacct: error: Connection refused")).find("lr-abc")


def test_only_what_slurm_names_is_unknown() -> None:
    def scontrol(argv: Sequence[str]) -> Done:
        return {
            "7_1": ended(1, "slurm_load_jobs error: Invalid job id specified"),
            "8_1": ended(0, out="Job 8_1 not found"),
            "8_2": ended(0, out="JobId=8 ArrayTaskId=2 JobState=PENDING"),
        }.get(argv[-1], ended(1, "slurm_load_jobs error: Unable to contact slurm controller"))

    assert slurm(scontrol=scontrol).unknown(["7_1", "8_1", "8_2", "9"]) == {"7_1", "8_1"}


def test_an_array_that_is_unknown_is_asked_about_once_and_of_many_some_wait() -> None:
    host = RecordingHost({"scontrol": ended(1, "slurm_load_jobs error: Invalid job id specified")})
    array = [f"7_{index}" for index in range(90)]
    assert Slurm(host).unknown(array) == set(array)
    assert len(host.calls) == 1
    found = Slurm(host).unknown([str(number) for number in range(MOST_ASKED + 9)])
    assert len(found) == MOST_ASKED


def test_cancelling_asks_in_portions_and_forgives_what_is_gone() -> None:
    gone = ended(1, "scancel: error: Kill job error on job id 7: Invalid job id specified")
    host = RecordingHost({"scancel": gone})
    Slurm(host).cancel([str(number) for number in range(PORTION + 1)])
    assert [len(call.argv) - 1 for call in host.calls] == [PORTION, 1]


def test_at_once_means_killed_and_taken_from_the_queue() -> None:
    host = RecordingHost({"scancel": ""})
    Slurm(host).cancel(["7"], at_once=True)
    assert [call.argv[1:] for call in host.calls] == [("--batch", "--signal=KILL", "7"), ("7",)]


@pytest.mark.parametrize("answer", [ended(1), ended(1, "scancel: error: Access/permission denied"), ended(None)])
def test_what_may_still_run_is_not_cancelled(answer: Done) -> None:
    with pytest.raises(NoAnswer):
        slurm(scancel=answer).cancel(["7"])


@pytest.mark.parametrize(("written", "seconds"), [("MinJobAge = 300 sec\n", 300.0), ("Other = 1\n", 0.0)])
def test_how_long_the_queue_remembers_is_asked_once(written: str, seconds: float) -> None:
    host = RecordingHost({"scontrol show config": written})
    cluster = Slurm(host)
    assert [cluster.keeps_ended_s(), cluster.keeps_ended_s()] == [seconds, seconds]
    assert len(host.calls) == 1


def test_a_throttle_of_an_array_that_has_ended_is_no_error() -> None:
    assert slurm(scontrol="").throttle("7", 3)
    gone = ended(1, "slurm_update error: Job/step already completing or completed")
    assert not slurm(scontrol=gone).throttle("7", 3)
    with pytest.raises(NoAnswer):
        slurm(scontrol=ended(1, "slurm_update error: Unable to contact slurm controller")).throttle("7", 3)
