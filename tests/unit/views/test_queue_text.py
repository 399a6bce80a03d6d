"""How jobs in a queue are shown."""

from __future__ import annotations

import datetime

import pytest

from hsm_core.views.queue_text import QueuedJob, queue_json, queue_text

LIMIT = "JobArrayTaskLimit"


def waiting(job: str, **facts: object) -> QueuedJob:
    return QueuedJob(**{"job": job, "phase": "waiting", "state": "PENDING", **facts})  # type: ignore[arg-type]


def running(job: str, **facts: object) -> QueuedJob:
    return QueuedJob(**{"job": job, "phase": "running", "state": "RUNNING", **facts})  # type: ignore[arg-type]


def rows(*jobs: QueuedJob) -> list[list[str]]:
    """The table's lines as words, without its head."""
    return [line.split() for line in queue_text(jobs).splitlines()[1:]]


def test_what_waits_for_the_same_is_one_line() -> None:
    jobs = [waiting(f"7_{n}", sweep="s", tasks=(2 * n, 2 * n + 1), reason=LIMIT, queue="main") for n in range(3, 90)]
    assert rows(*jobs) == [
        ["s:", "jobs", "waiting", "87"],
        ["7_[3-89]", "○", "PENDING", "main", "6-179", LIMIT],
        ["next:", "hsm-status", "-w", "s"],
    ]


def test_other_reasons_arrays_and_queues_are_other_lines() -> None:
    jobs = [
        waiting("7_1", sweep="s", reason="Resources"), waiting("7_2", sweep="s", reason=LIMIT),
        waiting("7_4", sweep="s", reason=LIMIT), waiting("8_0", sweep="s", reason=LIMIT),
    ]  # fmt: skip
    assert [row[0] for row in rows(*jobs)[1:-1]] == ["7_1", "7_[2,4]", "8_0"]


def test_a_few_that_run_are_named_with_their_nodes_and_many_are_not() -> None:
    few = [running(f"7_{n}", sweep="s", tasks=(n,), node=f"node{n}") for n in range(4)]
    assert [(row[0], row[-1]) for row in rows(*few)[1:-1]] == [(f"7_{n}", f"node{n}") for n in range(4)]
    many = [*few, running("7_10", sweep="s", tasks=(10,), node="node3")]
    assert rows(*many)[1] == ["7_[0-3,10]", "▶", "RUNNING", "0-3,10", "on", "4", "nodes"]


def test_elements_of_pbs_keep_their_servers_name() -> None:
    jobs = [waiting(f"12[{n}].pbs", state="Q", sweep="s", tasks=(n,)) for n in (2, 10, 3)]
    assert rows(*jobs)[1][0] == "12[2-3,10].pbs"


def test_jobs_that_are_no_sweeps_come_last_with_their_names() -> None:
    found = rows(running("3", name="notebook", node="n1"), running("9", sweep="s", tasks=(0,)))
    assert [row[0] for row in found] == ["s:", "9", "not", "3", "next:"]
    assert found[3] == ["3", "▶", "RUNNING", "notebook", "n1"]


def test_each_batch_system_is_named() -> None:
    jobs = [
        waiting("3", system="PBS", sweep="s"), running("4", system="Slurm", sweep="s"),
        running("5.pbs", system="PBS", node="n1", reason="started 9 times (run_count = 9)"),
    ]  # fmt: skip
    text = queue_text(jobs)
    assert "s: PBS jobs waiting 1\n" in text
    assert "s: Slurm jobs running 1\n" in text
    assert "not from hsm: PBS jobs running 1\n" in text
    assert "n1, started 9 times (run_count = 9)" in " ".join(text.split())
    assert [job["system"] for job in queue_json(jobs)["jobs"]] == ["PBS", "Slurm", "PBS"]


def test_without_a_sweep_there_is_no_next_command() -> None:
    assert "next" not in queue_text([running("3", name="notebook")])


def test_the_expected_start_is_said_to_the_minute() -> None:
    job = waiting("3", reason="Priority", start="2026-03-01T06:30:15")
    assert "Priority, expected 2026-03-01 06:30\n" in queue_text([job]) + "\n"
    other = waiting("3", reason="Priority", start="Sun Mar  1 06:30:15 2026")
    assert queue_text([other]) == queue_text([job])
    assert "expected soon" in queue_text([waiting("3", reason="Priority", start="soon")])


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_too_wide_and_no_reason_is_cut(width: int) -> None:
    reason = "Not Running: Insufficient amount of resource: ngpus (R: 4 A: 0 T: 8) and more of it, " * 2
    jobs = [waiting(f"{n}.a-long-name.of.a.server", sweep="s" * 60, queue="q" * 30, reason=reason, tasks=(n,))
            for n in range(0, 40, 2)]  # fmt: skip
    text = queue_text(jobs, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "8) and more of it" in " ".join(text.split())


def test_a_name_does_not_reach_the_terminal_raw() -> None:
    assert "\x1b" not in queue_text([running("3", name="a\x1b[31mb")])


def test_json_has_every_element() -> None:
    found = queue_json([waiting("7_1", sweep="s", tasks=(1,)), waiting("7_2", sweep="s", tasks=(2,))])["jobs"]
    assert [(one["job"], list(one["tasks"])) for one in found] == [("7_1", [1]), ("7_2", [2])]
    assert queue_json([]) == {"schema_version": 1, "jobs": []}


@pytest.mark.parametrize("start", ["2026-03-01T06:30:15", "Sun Mar  1 06:30:15 2026"])
def test_json_has_times_in_one_form(start: str) -> None:
    (found,) = queue_json([waiting("7", start=start)])["jobs"]
    assert found["start"].startswith("2026-03-01T06:30:15")
    assert datetime.datetime.fromisoformat(found["start"]).tzinfo is not None
    assert [job["start"] for job in queue_json([waiting("7", start="soon"), waiting("8")])["jobs"]] == [None, None]


def test_what_will_never_start_is_told_so_and_is_not_expected() -> None:
    jobs = [waiting(f"3_{n}", reason="BadConstraints", start="2026-03-01T06:30:15", hopeless=True) for n in (1, 2)]
    text = " ".join(queue_text(jobs).split())
    assert "BadConstraints: will never start" in text
    assert "expected" not in text


@pytest.mark.parametrize("until", ["until the partition is up", "until an administrator releases it"])
def test_what_somebody_else_must_let_go_is_not_to_be_ended(until: str) -> None:
    text = queue_text([waiting(f"3_{n}", sweep="s", tasks=(n,), reason="PartitionDown", until=until) for n in (1, 2)])
    assert f"PartitionDown: {until}" in " ".join(text.split())
    assert text.splitlines()[-1] == "next: hsm-status -w s"
    assert "never" not in text


def test_what_will_never_start_can_be_ended_by_the_last_line() -> None:
    jobs = [waiting(f"3_{n}", sweep="s", tasks=(n,), reason="BadConstraints", hopeless=n > 1) for n in range(4)]
    assert queue_text(jobs).splitlines()[-1].startswith("next: hsm cancel s --task 2-3    # ")


def test_what_its_user_can_let_go_is_not_to_be_ended() -> None:
    held = waiting("3", sweep="s", tasks=(1,), reason="JobHeldUser", until="u", remedy="scontrol release 3")
    assert queue_text([held]).splitlines()[-1] == "next: scontrol release 3"


def test_without_a_terminal_nothing_is_cut() -> None:
    jobs = [waiting(f"7123_{n}", sweep="s", tasks=(n,), queue="a-long-queue-name") for n in range(1, 40, 2)]
    text = queue_text(jobs, width=1_000_000)
    assert "…" not in text
    assert text.count("1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39") == 2
