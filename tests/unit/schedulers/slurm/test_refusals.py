"""Why sbatch gave no job, as it was recorded, is told apart: to wait, to look again, to change something."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.errors import NoId, Unexplained
from hsm_core.hosts.interface import Done
from hsm_core.schedulers.interface import LimitReached, NoAnswer, NotNow, Refused
from hsm_core.schedulers.slurm.dialect import accepted
from hsm_core.schedulers.slurm.refusals import refusal

RECORDED = Path(__file__).parents[1] / "recorded"


def sbatch(err: str, code: int | None = 1, out: str = "") -> Done:
    return Done(("sbatch",), code, out, err)


@pytest.mark.parametrize(
    ("recorded", "kind", "words", "fix"),
    [
        ("partition", Refused, "Invalid partition name specified", "sinfo -s"),
        ("account", Refused, "Invalid account", "sacctmgr show assoc"),
        ("qos", Refused, "Invalid qos", "sacctmgr show assoc"),
        ("array", Refused, "Invalid job array specification", "MaxArraySize"),
        ("memory", Refused, "Requested node configuration is not available", "sinfo -o"),
        ("gres", Refused, "Invalid generic resource", "sinfo -o"),
        ("feature", Refused, "Invalid feature", "sinfo -o"),
        ("time", Refused, "Invalid --time specification", "sinfo -o"),
        ("reservation", Refused, "Requested reservation is invalid", "scontrol show reservation"),
        ("option", Refused, "unrecognized option '--bogus'", "sbatch --help"),
        ("script", Refused, "Unable to open file", "hsm doctor"),
        ("submit_limit", LimitReached, "AssocMaxSubmitJobLimit", "sacctmgr show assoc"),
        ("qos_submit_limit", LimitReached, "QOSMaxSubmitJobPerUserLimit", "sacctmgr show assoc"),
        ("queue_full", LimitReached, "queue is full", "MaxJobCount"),
        ("controller_down", NotNow, "connect failure", "scontrol ping"),
        ("munge_down", NotNow, "Protocol authentication error", "scontrol ping"),
        ("socket_timed_out", NoAnswer, "did not say", ""),
    ],
)
def test_a_refusal_is_told_for_what_it_is(recorded: str, kind: type, words: str, fix: str) -> None:
    said = (RECORDED / f"sbatch_{recorded}.txt").read_text()
    error = refusal(sbatch(said))
    assert type(error) is kind
    assert words in error.problem
    assert fix in error.fix
    assert "exit code 1" in error.evidence


def test_sbatchs_own_code_of_a_wrong_option_is_no_signals() -> None:
    said = (RECORDED / "sbatch_option.txt").read_text()
    assert type(refusal(sbatch(said, code=255))) is Refused
    assert type(refusal(sbatch(said, code=128 + 9))) is NoAnswer


@pytest.mark.parametrize("limit", ["QOSMaxCpuPerJobLimit", "AssocMaxWallDurationPerJobLimit"])
def test_a_limit_that_waiting_does_not_lift_is_a_refusal(limit: str) -> None:
    policy = (
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)"
    )
    error = refusal(sbatch(f"sbatch: error: {limit}\n{policy}\n"))
    assert type(error) is Refused
    assert limit in error.problem
    assert type(refusal(sbatch(policy))) is LimitReached


@pytest.mark.parametrize(
    "words",
    [
        "Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
        "Batch job submission failed: Requested operation is presently disabled",
        "Batch job submission failed: Access/permission denied",
        "Batch job submission failed: User's group not permitted to use this partition",
        "Batch job submission failed: Node count specification invalid",
        "Batch job submission failed: More processors requested than permitted",
        "Batch job submission failed: Required partition not available (inactive or drain)",
        "Batch job submission failed: Invalid Trackable RESource (TRES) specification",
        "Batch job submission failed: Invalid license specification",
        "Batch job submission failed: Job dependency problem",
        "Batch job submission failed: Pathname of a file, directory or other parameter too long",
        "Batch job submission failed: Invalid job constraint specification",
        "This does not look like a batch script.  The first",
        "Invalid numeric value \"x\" for --cpus-per-task.",
        "option requires an argument -- 'p'",
        "Batch script contains DOS line breaks (\\r\\n)",
        "Batch script contains DOS line breaks (\\r\\n)\nsbatch: error: instead of expected UNIX line breaks (\\n).",
        "--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.",
        "Invalid directive found in batch script: patition",
        "please choose a project\nsbatch: error: Batch job submission failed: Invalid account",
    ],
)
def test_known_words_are_a_refusal(words: str) -> None:
    assert type(refusal(sbatch(f"sbatch: error: {words}\n"))) is Refused


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, ""),
        (183, "sbatch: error: Premature end of message"),
        (171, "Invalid credential"),
        (1, "sbatch: error: SIGPIPE received"),
        (1, "sbatch: error: Batch job submission failed: Unspecified error"),
        (1, "sbatch: error: please choose a project\nsbatch: error: Batch job submission failed: Unspecified error"),
        (1, "sbatch: error: Batch job submission failed: Invalid argument"),
        (1, "sbatch: error: Batch job submission failed: I/O error writing script/environment to file"),
        (1, "sbatch: error: Batch job submission failed: Invalid job credential"),
        (1, "sbatch: error: Batch job submission failed: Invalid authentication credential"),
        (137, "Killed"),
        (1, "Note: Invalid qos names are replaced by normal"),
        (1, "motd: Resource temporarily unavailable on weekends"),
        (1, "bash: fork: retry: Resource temporarily unavailable"),
        (1, "wiki: submissions disabled on Monday; Rate limit exceeded means wait"),
        (1, "curl: connect failure"),
        (1, "Invalid account, see the wiki\nsbatch: error: Premature end of message"),
        (1, "sbatch: error: Batch job submission failed: Invalid qos specification\nsbatch: error: SIGPIPE received"),
        (1, "sbatch: Note: accounts that are not permitted are replaced"),
        (1, "sbatch: error: site: Job violates our rules, asked for less\nsbatch: job accepted with fewer cores"),
        (1, "QOSMaxSubmitJobPerUserLimit is 10 here"),
        (1, "Job violates accounting/QOS policy: how to avoid it, see the wiki"),
        (1, "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\nsbatch: error: Broken"),
        (1, "option requires an argument: see the wiki"),
    ],
)
def test_other_words_leave_it_in_doubt(code: int, said: str) -> None:
    error = refusal(sbatch(said, code))
    assert isinstance(error, NoAnswer)
    assert f"exit code {code}" in error.evidence


def test_what_a_site_says_around_a_refusal_counts_as_nothing() -> None:
    said = "Have you asked for memory?\n/opt/slurm/bin/sbatch: error: Batch job submission failed: Invalid qos\nBye\n"
    error = refusal(sbatch(said))
    assert (type(error), error.field, error.problem) == (Refused, "qos", "Slurm refused the job: Invalid qos")
    assert type(refusal(sbatch("sbatch.real: error: Batch job submission failed: Invalid qos"))) is Refused


def test_a_sites_own_refusal_is_told_in_its_words() -> None:
    said = "sbatch: error: please choose a project\nsbatch: error: Batch job submission failed: Unspecified error\n"
    error = refusal(sbatch(said))
    assert type(error) is Unexplained
    assert "please choose a project" in error.evidence


@pytest.mark.parametrize(("code", "kind"), [(None, NoAnswer), (0, NoId), (-9, NoAnswer)])
def test_an_sbatch_that_told_nothing_may_have_submitted(code: int | None, kind: type[NoAnswer]) -> None:
    assert type(refusal(sbatch("", code))) is kind


def test_the_last_word_counts_after_a_full_queue() -> None:
    full = (RECORDED / "sbatch_queue_full.txt").read_text()
    last = (RECORDED / "sbatch_socket_timed_out.txt").read_text()
    assert type(refusal(sbatch(full + last))) is NoAnswer


@pytest.mark.parametrize(
    ("out", "native_id"),
    [
        ("680\n", "680"),
        ("680;green\n", "680"),
        ("Welcome to the cluster 7\n680\n", "680"),
        ("", None),
        ("Submitted\n", None),
    ],
)
def test_the_id_counts_however_sbatch_ended(out: str, native_id: str | None) -> None:
    for code in (0, 1, None):
        assert accepted(sbatch("", code, out)) == native_id
