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
        (NotNow, 111, "Cannot connect to specified server host 'pbs'."),
        (NoAnswer, 183, "Communication failure.\nqsub: cannot connect to server pbs (errno=15031)"),
        (NoAnswer, None, ""),
        (Unexplained, 183, "qsub: Premature end of message"),
        (Unexplained, 1, "SIGPIPE received"),
        (Unexplained, 171, "qsub: Invalid credential"),
        (Unexplained, 1, ""),
        (Unexplained, 1, "wrapper: cannot write /var/log/qsub"),
        (Refused, 32, "qsub: please name a project with -P"),
        (NoId, 0, ""),
        (NoAnswer, -9, ""),
        (Refused, 170, "qsub: Unknown queue"),
        (Refused, 3, "qsub: Array job exceeds server or queue size limit"),
        (Refused, 188, "qsub: Job violates queue and/or server resource limits"),
        (Refused, 166, "qsub: Illegal attribute or resource value Resource_List.walltime"),
        (Refused, 190, "qsub: submit error (Job exceeds queue resource limits MSG=cannot locate feasible nodes)"),
        (Refused, 159, "qsub: Unauthorized Request"),
    ],
)
def test_refusals(kind: type[Exception], code: int | None, said: str) -> None:
    error = refusal(Done(("qsub",), code, "", said))
    assert type(error) is kind
    assert said.split("\n")[-1] in error.evidence
    assert error.fix


def test_an_id_counts_more_than_the_exit_code() -> None:
    assert type(refusal(Done(("qsub",), 1, "12.pbs\n", "qsub: Unknown queue"))) is NoAnswer


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
