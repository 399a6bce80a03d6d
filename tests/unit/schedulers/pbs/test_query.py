"""Questions to PBS are asked again where a server answers in another way; its limits are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hsm_core.hosts.interface import Done
from hsm_core.schedulers.interface import Limit, NoAnswer, NotNow, Refused, Script
from hsm_core.schedulers.pbs import dialect as module
from hsm_core.schedulers.pbs.dialect import Pbs
from hsm_core.schedulers.pbs.flavour import find_pbs
from hsm_core.testing.recording import RecordingHost

JSON = '{"Jobs": {"7.pbs": {"job_state": "R", "Job_Name": "t"}}}'
TEXT = "Job Id: 7.pbs\n    Job_Name = t\n    job_state = R\n\n"


def ended(code: int, err: str = "", out: str = "") -> Done:
    return Done((), code, out, err)


def lines(host: RecordingHost) -> list[str]:
    """The commands that ran there."""
    return [" ".join(call.argv) for call in host.calls]


def test_a_server_without_history_is_asked_without_it_from_then_on() -> None:
    said = "qstat: PBS is not configured to maintain job history 7.pbs"
    host = RecordingHost({"qstat": lambda argv: ended(0, said) if "-x" in argv else ended(0, out=JSON)})
    pbs = Pbs("pbspro", host)
    assert [list(pbs.poll(["7.pbs"])), list(pbs.poll(["7.pbs"]))] == [["7.pbs"], ["7.pbs"]]
    assert [" -x " in call for call in lines(host)] == [True, False, False]


@pytest.mark.parametrize(
    "refusal", [ended(2, "qstat: invalid option"), ended(0, out='{"Jobs": {"7.pbs": {"a":005}}}')]
)
def test_a_server_without_good_json_is_asked_for_text_from_then_on(refusal: Done) -> None:
    host = RecordingHost({"qstat": lambda argv: refusal if "json" in argv else ended(0, out=TEXT)})
    pbs = Pbs("pbspro", host)
    assert [pbs.poll(["7.pbs"])["7.pbs"].phase for _ in range(2)] == ["running", "running"]
    assert ["json" in call for call in lines(host)] == [True, False, False]


@pytest.mark.parametrize(("flavour", "code"), [("pbspro", 153), ("torque", 153), ("torque", 234)])
def test_what_is_unknown_is_missing_and_the_rest_is_told(flavour: str, code: int) -> None:
    answer = ended(code, "qstat: Unknown Job Id 9.pbs", JSON if flavour == "pbspro" else TEXT)
    pbs = Pbs(flavour, RecordingHost({"qstat": answer}))  # type: ignore[arg-type]
    assert list(pbs.poll(["7.pbs", "9.pbs"])) == ["7.pbs"]


@pytest.mark.parametrize("flavour", ["pbspro", "torque"])
def test_only_what_pbs_names_is_unknown(monkeypatch: pytest.MonkeyPatch, flavour: str) -> None:
    def qstat(argv: Sequence[str]) -> Done:
        if argv[-1].endswith("9.pbs") or "12[]" in argv[-1]:
            return ended(153, f"qstat: Unknown Job Id Error {argv[-1]}")
        if argv[-1] == "13[7].pbs":
            return ended(153, "qstat: Unknown Job Id 13[7].pbs")
        return ended(153, "qstat: Premature end of message") if argv[-1] == "8.pbs" else ended(0)

    pbs = Pbs(flavour, RecordingHost({"qstat": qstat}))  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)
    asked = ["7.pbs", "8.pbs", "9.pbs", "12[3].pbs", "13[6].pbs", "13[7].pbs"]
    assert pbs.unknown(asked) == {"9.pbs", "12[3].pbs", "13[7].pbs"}


@pytest.mark.parametrize("flavour", ["pbspro", "torque"])
def test_a_question_over_which_the_client_breaks_down_is_divided(flavour: str) -> None:
    """It names some, stumbles over others in words of its own, and shows nothing more."""
    unknown = "qstat: Unknown Job Id 9.pbs"

    def qstat(argv: Sequence[str]) -> Done:
        if "8.pbs" in argv:
            return ended(153, f"{unknown}\nmunged socket")
        return ended(0, out=TEXT) if "7.pbs" in argv else ended(153, unknown)

    pbs = Pbs(flavour, RecordingHost({"qstat": qstat, "qstat -B": ""}))  # type: ignore[arg-type]
    assert list(pbs.poll(["6.pbs", "7.pbs", "8.pbs", "9.pbs"])) == ["7.pbs"]


def test_a_server_that_is_down_is_not_asked_about_each() -> None:
    host = RecordingHost({"qstat": ended(255, "qstat: cannot connect to server pbs (errno=15010)")})
    with pytest.raises(NoAnswer):
        Pbs("pbspro", host).poll([f"{number}.pbs" for number in range(64)])
    assert len(host.calls) < 10


def test_of_an_answer_that_was_cut_off_what_is_whole_counts() -> None:
    cut = TEXT + "Job Id: 8.pbs\n    job_state = F\n    Exit_st"
    host = RecordingHost({"qstat": lambda argv: ended(2) if "json" in argv else ended(0, out=cut)})
    assert list(Pbs("pbspro", host).poll(["7.pbs", "8.pbs"])) == ["7.pbs"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (255, "Connection refused\nqstat: cannot connect to server pbs (errno=15010)"),
        (153, "Unknown Host.\nqstat: cannot connect to server pbs (errno=15008)"),
        (1, "qstat: something new"),
        (None, "qstat: still trying"),
    ],
)
def test_a_failed_question_is_no_answer(code: int | None, said: str) -> None:
    failed = Done((), code, "{}\n", said)
    pbs = Pbs("pbspro", RecordingHost(dict.fromkeys(("qstat", "qselect", "qdel"), failed)))
    for question in (
        lambda: pbs.poll(["7.pbs"]),
        lambda: pbs.find("t"),
        pbs.queue,
        lambda: pbs.cancel(["7.pbs"]),
        lambda: pbs.allowed(None, None, None),
    ):
        with pytest.raises(NoAnswer) as raised:
            question()
        assert said.splitlines()[-1] in raised.value.evidence


def test_no_commands_are_no_answer_and_no_submission() -> None:
    with pytest.raises(NoAnswer):
        Pbs("pbspro", RecordingHost()).poll(["7.pbs"])
    with pytest.raises(Refused):
        Pbs("torque", RecordingHost()).submit(Script(Path("/sweep/job.sh"), Path("/sweep"), "t"))


@pytest.mark.parametrize(("letter", "deleted"), [("E", True), ("F", True), ("T", False)])
def test_a_job_that_ends_just_now_need_not_be_deleted(letter: str, deleted: bool) -> None:
    refusal = ended(168, "qdel: Request invalid for state of job 7.pbs")
    pbs = Pbs("pbspro", RecordingHost({"qdel": refusal, "qstat": JSON.replace('"R"', f'"{letter}"')}))
    if deleted:
        pbs.cancel(["7.pbs"])
        return
    with pytest.raises(NoAnswer, match="did not delete"):
        pbs.cancel(["7.pbs"])


def test_an_id_is_taken_from_a_submission_that_succeeded_only() -> None:
    script = Script(Path("/sweep/job.sh"), Path("/sweep"), "t", size=1, throttle=2)
    files = {script.path: b"#!/bin/bash\n"}
    host = RecordingHost({"qsub": "12.pbs.site.org\n"}, files)
    assert Pbs("pbspro", host).submit(script) == "12.pbs.site.org"
    assert lines(host) == [f"qsub -f -N t {script.path}"]
    with pytest.raises(NoAnswer):
        Pbs("pbspro", RecordingHost({"qsub": ""}, files)).submit(script)
    down = ended(162, "qsub: cannot connect to server pbs (errno=15010)")
    with pytest.raises(NotNow):
        Pbs("pbspro", RecordingHost({"qsub": down}, files)).submit(script)


@pytest.mark.parametrize(
    ("version", "accepted"), [("22.05.11", True), ("2022.1.1", True), ("20.0.1", False), ("2021.1.3", False)]
)
def test_a_throttle_is_not_dropped_where_the_server_has_none(version: str, accepted: bool) -> None:
    pbs = Pbs("pbspro", RecordingHost({"qstat": f"pbs_version = {version}\n", "qsub": "12[].pbs\n"}))
    script = Script(Path("/sweep/job.sh"), Path("/sweep"), "t", size=4, throttle=2)
    assert pbs.throttles is accepted
    if accepted:
        assert pbs.submit(script) == "12[].pbs"
        return
    with pytest.raises(Refused, match="at once"):
        pbs.submit(script)


def test_limits_are_the_least_of_server_and_queue() -> None:
    server = (
        "Server: pbs\n    default_queue = workq\n    max_array_size = 10000\n"
        "    max_queued = [u:PBS_GENERIC=50],[o:PBS_ALL=900]\n\n"
    )
    queue = "Queue: workq\n    max_array_size = 200\n    max_queued = [u:somebody-else=1]\n\n"
    host = RecordingHost({"qstat -B": server, "qstat -Q -f workq": queue})
    allowed = Pbs("pbspro", host).allowed(None, None, None)
    assert (allowed.array_size, allowed.array_index) == (200, None)
    assert allowed.limits == (Limit(50, "server: max_queued"), Limit(900, "server: max_queued"))
    assert allowed.evidence == "queue workq: max_array_size=200, server: max_queued=50"


def test_a_torque_array_is_found_by_the_name_of_its_elements() -> None:
    job = "<Job><Job_Id>{0}</Job_Id><Job_Name>{1}</Job_Name><Job_Owner>{2}</Job_Owner>{3}</Job>"
    jobs = [
        job.format("3[1].srv", "t-1", "somebody@host", "<job_array_id>1</job_array_id>"),
        job.format("4[1].srv", "t-1", "ann@host", "<job_array_id>1</job_array_id>"),
        job.format("5.srv", "t-1", "ann@host", ""),
    ]
    pbs = Pbs("torque", RecordingHost({"qstat": f"<Data>{''.join(jobs)}</Data>"}, user="ann"))
    assert pbs.find("t") == "4[].srv"
    assert pbs.find("t-1") == "5.srv"
    assert pbs.find("t-2") is None


@pytest.mark.parametrize(
    ("answers", "batch", "version"),
    [
        ({"qstat": "pbs_version = 23.06.06\n"}, "pbspro", "23.06.06"),
        ({"qstat": ended(0, "Version: 6.1.3.h5\nCommit: 7e2\n")}, "torque", "6.1.3.h5"),
        ({"qstat": ended(1, "critical error: Please set the environment variable SGE_ROOT.")}, "sge", ""),
        ({"qstat -help": "SGE 8.1.9\n", "qstat": ended(0, "qstat: Unknown option")}, "sge", "8.1.9"),
        ({"qstat": ended(2, "usage")}, "unknown", ""),
    ],
)
def test_whose_commands_these_are(answers: dict[str, str | Done], batch: str, version: str) -> None:
    found = find_pbs(RecordingHost({"qsub": ended(1), **answers}))
    assert found is not None
    assert (found.batch, found.version) == (batch, version)


def test_slurms_wrappers_are_known_by_what_they_load() -> None:
    wrapper = b"#! /usr/bin/perl -w\nuse strict;\nuse Slurm ':all';\n"
    host = RecordingHost({"qsub": "", "qstat": ""}, {Path("/usr/bin/qstat"): wrapper})
    found = find_pbs(host)
    assert found is not None
    assert found.batch == "slurm"
    assert host.calls == [], "nothing runs that may be another's"
    assert find_pbs(RecordingHost()) is None


def server_with(*destinations: str) -> RecordingHost:
    """A server whose default queue routes to these."""
    route = f"Queue: route\n    queue_type = Route\n    route_destinations = {','.join(destinations)}\n\n"
    small = (
        "Queue: small\n    queue_type = Execution\n    max_array_size = 5\n"
        "    resources_max.walltime = 00:10:00\n    resources_max.mem = 2gb\n\n"
    )
    big = (
        "Queue: big\n    queue_type = Execution\n    max_array_size = 3\n"
        "    resources_max.walltime = 01:00:00\n    resources_min.walltime = 00:01:00\n\n"
    )
    server = "Server: pbs\n    default_queue = route\n    max_array_size = 10000\n\n"
    queues = {"qstat -Q -f route": route, "qstat -Q -f small": small, "qstat -Q -f big": big}
    return RecordingHost({"qstat -B": server, **queues})


@pytest.mark.parametrize("queue", [None, "route"])
@pytest.mark.parametrize(
    ("asked", "size", "refusal"),
    [
        ("", 5, ""),
        ("-l walltime=600", 5, ""),
        ("-l walltime=0:11:00", 3, ""),
        ("-l select=1:ncpus=1:mem=3gb -l walltime=0:05:00", 3, ""),
        ("-l select=2:ncpus=1:mem=1500mb", 3, ""),
        ("-l walltime=0:00:30", 5, ""),
        (
            "-l walltime=5:00:00",
            5,
            "small: resources_max.walltime = 00:10:00; queue big: resources_max.walltime",
        ),
        (
            "-l walltime=0:00:30,mem=4194304kb",
            5,
            "small: resources_max.mem = 2gb; queue big: resources_min.walltime",
        ),
    ],
)
def test_a_routing_queue_takes_what_its_destinations_take(
    queue: str | None, asked: str, size: int, refusal: str
) -> None:
    allowed = Pbs("pbspro", server_with("small", "big")).allowed(queue, None, asked)
    assert allowed.array_size == size
    assert refusal in allowed.refusal
    assert bool(refusal) == bool(allowed.refusal)


def test_of_a_destination_elsewhere_nothing_is_known() -> None:
    allowed = Pbs("pbspro", server_with("small", "far@elsewhere")).allowed(
        "route", None, "-l walltime=5:00:00"
    )
    assert (allowed.array_size, allowed.refusal) == (10000, "")
