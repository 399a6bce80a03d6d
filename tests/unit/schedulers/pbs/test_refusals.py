"""What ``qsub`` says when it gives no id: wait, ask again, or give up."""

from __future__ import annotations

import pytest

from hsm_core.errors import NoId, Unexplained
from hsm_core.hosts.interface import Done
from hsm_core.schedulers.interface import LimitReached, NoAnswer, NotNow, Refused
from hsm_core.schedulers.pbs.refusals import refusal


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        (LimitReached, 38, "qsub: would exceed complex's per-user limit"),
        (LimitReached, 38, "qsub: Maximum number of jobs already in complex"),
        (LimitReached, 38, "qsub: Maximum number of jobs for user ada already in queue workq"),
        (LimitReached, 39, "qsub: would exceed per-user limit on resource ncpus in complex"),
        (LimitReached, 228, "qsub: submit error (Maximum number of jobs already in queue for user MSG=total)"),
        (NotNow, 162, "Connection refused\nqsub: cannot connect to server pbs (errno=15010)"),
        (NotNow, 111, "Cannot connect to specified server host 'p'.\nqsub: cannot connect to server p (errno=111)"),
        (NotNow, 160, "Unknown Host.\nqsub: cannot connect to server pbs (errno=15008)"),
        (NotNow, 212, "qsub: Request not allowed: Server shutting down"),
        (NotNow, 53, "qsub: submit error (Pbs Server is currently too busy to service this request.)"),
        (NoAnswer, 183, "Communication failure.\nqsub: cannot connect to server pbs (errno=15031)"),
        (NoAnswer, None, ""),
        (Unexplained, 183, "qsub: Premature end of message"),
        (Unexplained, 1, "SIGPIPE received"),
        (Unexplained, 171, "qsub: Invalid credential"),
        (Unexplained, 1, ""),
        (Unexplained, 1, "wrapper: cannot write /var/log/qsub"),
        (Refused, 32, "qsub: please name a project with -P"),
        (Refused, 32, "qsub: jobs of one core would fill the nodes:\nask for whole ones, or see the wiki"),
        (NotNow, 32, "Broken pipe\nqsub: cannot connect to server pbs (errno=32)"),
        (NoId, 0, ""),
        (NoAnswer, -9, ""),
        (Refused, 170, "qsub: Unknown queue"),
        (Refused, 1, "qsub: script file:: No such file or directory"),
        (Refused, 3, "qsub: Array job exceeds server or queue size limit"),
        (Refused, 188, "qsub: Job violates queue and/or server resource limits"),
        (Refused, 166, "qsub: Illegal attribute or resource value Resource_List.walltime"),
        (Refused, 190, "qsub: submit error (Job exceeds queue resource limits MSG=cannot locate feasible nodes)"),
        (Refused, 159, "qsub: Unauthorized Request"),
        (Refused, 2, "/opt/pbs/bin/qsub: invalid option -- 't'"),
        (Refused, 1, "Ask for a project.\nqsub: Your job has been administratively rejected by the queueing system."),
        (Refused, 170, "Welcome to Cluster\nqsub: Unknown queue\nQuestions? See the wiki"),
    ],
)
def test_refusals(kind: type[Exception], code: int | None, said: str) -> None:
    error = refusal(Done(("qsub",), code, "", said))
    assert type(error) is kind
    assert said.split("\n")[-1] in error.evidence
    assert error.fix


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, "usage: see wiki"),
        (2, "usage: qsub [-a date_time] [-A account_string]"),
        (183, "Note: queue is not enabled on Mondays\nqsub: Premature end of message"),
        (183, "qsub: Unknown queue\nqsub: Premature end of message"),
        (1, "Notice: Unknown resource names will be removed from your script"),
        (1, "qsub: Notice: Unknown resource names will be removed from your script"),
        (1, "System: too busy, please try later"),
        (1, "quota: your files would exceed 10 GB"),
        (1, "motd: access to queue is denied at night"),
        (1, "ssh: connect to host login2 port 22: Connection refused"),
        (1, "Connection refused"),
        (1, "Unknown Host."),
        (1, "Batch system shutting down on Friday"),
        (32, "please name a project with -P"),
        (32, ""),
        (1, "Connection refused\nqsub: cannot connect to server pbs (errno=15010)"),
        (137, "qsub: would exceed complex's per-user limit"),
        (43, "Connection to server timed out. Trying againqsub: submit error (Unknown queue)"),
        (1, "[see the wiki]\nusage: see wiki"),
    ],
)
def test_any_other_end_leaves_it_in_doubt(code: int, said: str) -> None:
    assert isinstance(refusal(Done(("qsub",), code, "", said)), NoAnswer)


def test_only_pbs_tells_which_field_to_change() -> None:
    said = "The queue of accounts is short today\nqsub: Unknown resource: nosuch\nmind your walltime limits"
    assert refusal(Done(("qsub",), 187, "", said)).field == "resources"


def test_an_id_counts_more_than_the_exit_code() -> None:
    assert type(refusal(Done(("qsub",), 1, "12.pbs\n", "qsub: Unknown queue"))) is NoAnswer
    assert type(refusal(Done(("qsub",), 1, "1", ""))) is NoAnswer
    assert type(refusal(Done(("qsub",), 170, "Welcome!\n", "qsub: Unknown queue"))) is Refused


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("qsub: Unknown queue", "queue"),
        ("qsub: Array job exceeds server or queue size limit", "max_array_size"),
        ("qsub: Job violates queue and/or server resource limits", "walltime"),
        ("qsub: Unknown resource: nosuch", "resources"),
        ("qsub: Illegal attribute or resource value project", "project"),
    ],
)
def test_a_refusal_names_the_field_to_change(said: str, field: str) -> None:
    assert refusal(Done(("qsub",), 170, "", said)).field == field


def test_a_usage_does_not_hide_what_was_wrong() -> None:
    said = "qsub: illegal -N value\nusage: qsub [-a date_time]\n" + "\t[-A account]\n" * 80
    assert refusal(Done(("qsub",), 2, "", said)).evidence == "qsub: exit code 2: qsub: illegal -N value"


@pytest.mark.parametrize("said", ["qsub: illegal -N value", "The -J option can only be used in conjunction with -P"])
def test_torque_says_it_in_brackets(said: str) -> None:
    error = refusal(Done(("qsub",), 2, "", f"[{said}]\n\nusage: qsub [-a date_time]\n    [-A account_string]\n"))
    assert type(error) is Refused
    assert error.evidence == f"qsub: exit code 2: [{said}]"
