"""Questions to PBS are asked again where a server answers in another way; its limits are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.interface import Limit, NoAnswer, NotNow, Refused, Script
from hsm_core.schedulers.pbs import dialect as module
from hsm_core.schedulers.pbs.dialect import Pbs
from hsm_core.schedulers.pbs.flavour import find_pbs

JSON = '{"Jobs": {"7.pbs": {"job_state": "R", "Job_Name": "t"}}}'
TEXT = "Job Id: 7.pbs\n    Job_Name = t\n    job_state = R\n\n"


class Commands:
    """Executables first on PATH, that note how they were called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def say(self, name: str, body: str) -> None:
        path = self.directory / name
        path.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> {self.directory}/calls\n{body}\n')
        path.chmod(0o755)

    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Commands(tmp_path)


def test_a_server_without_history_is_asked_without_it_from_then_on(commands: Commands) -> None:
    commands.say(
        "qstat",
        f"""case "$*" in *-x*) echo 'qstat: PBS is not configured to maintain job history 7.pbs' >&2; exit 0;; esac
        echo '{JSON}'""",
    )
    pbs = Pbs("pbspro", LocalHost())
    assert [list(pbs.look(["7.pbs"])), list(pbs.look(["7.pbs"]))] == [["7.pbs"], ["7.pbs"]]
    assert [" -x " in call for call in commands.calls()] == [True, False, False]


@pytest.mark.parametrize(
    "refuse", ["echo 'qstat: invalid option' >&2; exit 2", "echo '{\"Jobs\": {\"7.pbs\": {\"a\":005}}}'; exit 0"]
)
def test_a_server_without_good_json_is_asked_for_text_from_then_on(commands: Commands, refuse: str) -> None:
    commands.say("qstat", f"""case "$*" in *json*) {refuse};; esac\nprintf '{TEXT}'""")
    pbs = Pbs("pbspro", LocalHost())
    assert [pbs.look(["7.pbs"])["7.pbs"].phase for _ in range(2)] == ["running", "running"]
    assert ["json" in call for call in commands.calls()] == [True, False, False]


@pytest.mark.parametrize(("flavour", "code"), [("pbspro", 153), ("torque", 153), ("torque", 234)])
def test_what_is_unknown_is_missing_and_the_rest_is_told(commands: Commands, flavour: str, code: int) -> None:
    answer = JSON if flavour == "pbspro" else TEXT
    commands.say("qstat", f"printf '{answer}'; echo 'qstat: Unknown Job Id 9.pbs' >&2; exit {code}")
    assert list(Pbs(flavour, LocalHost()).look(["7.pbs", "9.pbs"])) == ["7.pbs"]  # type: ignore[arg-type]


@pytest.mark.parametrize("flavour", ["pbspro", "torque"])
def test_only_what_pbs_names_is_unknown(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, flavour: str
) -> None:
    commands.say(
        "qstat",
        """case "$*" in
        *"9.pbs"|*"12[]"*) echo "qstat: Unknown Job Id Error $(echo "$*" | sed 's/.* //')" >&2; exit 153;;
        *"13[7].pbs") echo 'qstat: Unknown Job Id 13[7].pbs' >&2; exit 153;;
        *"8.pbs") echo 'qstat: Premature end of message' >&2; exit 153;;
        esac""",
    )
    pbs = Pbs(flavour, LocalHost())  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)
    asked = ["7.pbs", "8.pbs", "9.pbs", "12[3].pbs", "13[6].pbs", "13[7].pbs"]
    assert pbs.unknown(asked) == {"9.pbs", "12[3].pbs", "13[7].pbs"}


@pytest.mark.parametrize("flavour", ["pbspro", "torque"])
def test_a_question_over_which_the_client_breaks_down_is_divided(commands: Commands, flavour: str) -> None:
    """It names some, stumbles over others in words of its own, and shows nothing more."""
    commands.say(
        "qstat",
        f"""case "$*" in *-B*) exit 0;; *"8.pbs"*) echo 'qstat: Unknown Job Id 9.pbs' >&2
        echo 'munged socket' >&2; exit 153;; *"7.pbs"*) printf '{TEXT}';; *) echo 'qstat: Unknown Job Id 9.pbs' >&2;
        exit 153;; esac""",
    )
    pbs = Pbs(flavour, LocalHost())  # type: ignore[arg-type]
    assert list(pbs.look(["6.pbs", "7.pbs", "8.pbs", "9.pbs"])) == ["7.pbs"]


def test_a_server_that_is_down_is_not_asked_about_each(commands: Commands) -> None:
    said = "qstat: cannot connect to server pbs (errno=15010)"
    commands.say("qstat", f"echo '{said}' >&2; exit 255")
    with pytest.raises(NoAnswer):
        Pbs("pbspro", LocalHost()).look([f"{number}.pbs" for number in range(64)])
    assert len(commands.calls()) < 10


def test_of_an_answer_that_was_cut_off_what_is_whole_counts(commands: Commands) -> None:
    cut = TEXT + "Job Id: 8.pbs\n    job_state = F\n    Exit_st"
    commands.say("qstat", f"case \"$*\" in *json*) exit 2;; esac\nprintf '{cut}'")
    assert list(Pbs("pbspro", LocalHost()).look(["7.pbs", "8.pbs"])) == ["7.pbs"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (255, "Connection refused\nqstat: cannot connect to server pbs (errno=15010)"),
        (153, "Unknown Host.\nqstat: cannot connect to server pbs (errno=15008)"),
        (1, "qstat: something new"),
    ],
)
def test_a_failed_question_is_no_answer(commands: Commands, code: int, said: str) -> None:
    for name in ("qstat", "qselect", "qdel"):
        commands.say(name, f"echo '{{}}'; printf '{said}' >&2; exit {code}")
    pbs = Pbs("pbspro", LocalHost())
    for question in (
        lambda: pbs.look(["7.pbs"]),
        lambda: pbs.find("t"),
        pbs.queue,
        lambda: pbs.cancel(["7.pbs"]),
        lambda: pbs.allowed(None, None, None),
    ):
        with pytest.raises(NoAnswer) as failed:
            question()
        assert said.splitlines()[-1] in failed.value.evidence


def test_no_commands_are_no_answer_and_no_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoAnswer):
        Pbs("pbspro", LocalHost()).look(["7.pbs"])
    with pytest.raises(Refused):
        Pbs("torque", LocalHost()).submit(Script(tmp_path / "job.sh", tmp_path, "t"))


@pytest.mark.parametrize(("letter", "deleted"), [("E", True), ("F", True), ("T", False)])
def test_a_job_that_ends_just_now_need_not_be_deleted(commands: Commands, letter: str, deleted: bool) -> None:
    commands.say("qdel", "echo 'qdel: Request invalid for state of job 7.pbs' >&2; exit 168")
    commands.say("qstat", f"""echo '{JSON.replace('"R"', f'"{letter}"')}'""")
    if deleted:
        Pbs("pbspro", LocalHost()).cancel(["7.pbs"])
        return
    with pytest.raises(NoAnswer, match="did not delete"):
        Pbs("pbspro", LocalHost()).cancel(["7.pbs"])


def test_an_id_is_taken_from_a_submission_that_succeeded_only(commands: Commands, tmp_path: Path) -> None:
    script = Script(tmp_path / "job.sh", tmp_path, "t", size=1, throttle=2)
    script.path.write_text("#!/bin/bash\n")
    commands.say("qsub", "echo 12.pbs.site.org")
    assert Pbs("pbspro", LocalHost()).submit(script) == "12.pbs.site.org"
    assert commands.calls() == [f"qsub -f -N t {script.path}"]
    commands.say("qsub", "exit 0")
    with pytest.raises(NoAnswer):
        Pbs("pbspro", LocalHost()).submit(script)
    commands.say("qsub", "echo 'qsub: cannot connect to server pbs (errno=15010)' >&2; exit 162")
    with pytest.raises(NotNow):
        Pbs("pbspro", LocalHost()).submit(script)


@pytest.mark.parametrize(
    ("version", "accepted"), [("22.05.11", True), ("2022.1.1", True), ("20.0.1", False), ("2021.1.3", False)]
)
def test_a_throttle_is_not_dropped_where_the_server_has_none(
    commands: Commands, tmp_path: Path, version: str, accepted: bool
) -> None:
    commands.say("qstat", f"echo 'pbs_version = {version}'")
    commands.say("qsub", "echo '12[].pbs'")
    pbs = Pbs("pbspro", LocalHost())
    script = Script(tmp_path / "job.sh", tmp_path, "t", size=4, throttle=2)
    assert pbs.throttles is accepted
    if accepted:
        assert pbs.submit(script) == "12[].pbs"
        return
    with pytest.raises(Refused, match="at once"):
        pbs.submit(script)


def test_limits_are_the_least_of_server_and_queue(commands: Commands) -> None:
    commands.say(
        "qstat",
        """case "$*" in
        *-B*) printf 'Server: pbs\\n    default_queue = workq\\n    max_array_size = 10000\\n'
              printf '    max_queued = [u:PBS_GENERIC=50],[o:PBS_ALL=900]\\n\\n';;
        *-Q*) printf 'Queue: workq\\n    max_array_size = 200\\n    max_queued = [u:somebody-else=1]\\n\\n';;
        esac""",
    )
    allowed = Pbs("pbspro", LocalHost()).allowed(None, None, None)
    assert (allowed.array_size, allowed.array_index) == (200, None)
    assert allowed.limits == (Limit(50, "server: max_queued"), Limit(900, "server: max_queued"))
    assert allowed.evidence == "queue workq: max_array_size=200, server: max_queued=50"


def test_a_torque_array_is_found_by_the_name_of_its_elements(commands: Commands) -> None:
    me = "$(id -un)@host"
    job = "<Job><Job_Id>{0}</Job_Id><Job_Name>{1}</Job_Name><Job_Owner>{2}</Job_Owner>{3}</Job>"
    jobs = [
        job.format("3[1].srv", "t-1", "somebody@host", "<job_array_id>1</job_array_id>"),
        job.format("4[1].srv", "t-1", me, "<job_array_id>1</job_array_id>"),
        job.format("5.srv", "t-1", me, ""),
    ]
    commands.say("qstat", f'echo "<Data>{"".join(jobs)}</Data>"')
    assert Pbs("torque", LocalHost()).find("t") == "4[].srv"
    assert Pbs("torque", LocalHost()).find("t-1") == "5.srv"
    assert Pbs("torque", LocalHost()).find("t-2") is None


@pytest.mark.parametrize(
    ("said", "batch", "version"),
    [
        ("echo 'pbs_version = 23.06.06'", "pbspro", "23.06.06"),
        ("printf 'Version: 6.1.3.h5\\nCommit: 7e2\\n' >&2", "torque", "6.1.3.h5"),
        ("echo 'critical error: Please set the environment variable SGE_ROOT.' >&2; exit 1", "sge", ""),
        ("[ $1 = -help ] && echo 'SGE 8.1.9' || echo 'qstat: Unknown option' >&2", "sge", "8.1.9"),
        ("echo usage >&2; exit 2", "unknown", ""),
    ],
)
def test_whose_commands_these_are(commands: Commands, said: str, batch: str, version: str) -> None:
    commands.say("qsub", "exit 1")
    commands.say("qstat", said)
    found = find_pbs(LocalHost())
    assert found is not None
    assert (found.batch, found.version) == (batch, version)


def test_slurms_wrappers_are_known_by_what_they_load(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("qsub", "qstat"):
        path = commands.directory / name
        path.write_text("#! /usr/bin/perl -w\nuse strict;\nuse Slurm ':all';\n")
        path.chmod(0o755)
    found = find_pbs(LocalHost())
    assert found is not None
    assert found.batch == "slurm"
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_pbs(LocalHost()) is None


ROUTES = """case "$*" in
    *-B*) printf 'Server: pbs\\n    default_queue = route\\n    max_array_size = 10000\\n\\n';;
    *"route") printf 'Queue: route\\n    queue_type = Route\\n    route_destinations = small,big\\n\\n';;
    *"small") printf 'Queue: small\\n    queue_type = Execution\\n    max_array_size = 5\\n'
              printf '    resources_max.walltime = 00:10:00\\n    resources_max.mem = 2gb\\n\\n';;
    *"big") printf 'Queue: big\\n    queue_type = Execution\\n    max_array_size = 3\\n'
            printf '    resources_max.walltime = 01:00:00\\n    resources_min.walltime = 00:01:00\\n\\n';;
    esac"""


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
        ("-l walltime=5:00:00", 5, "small: resources_max.walltime = 00:10:00; queue big: resources_max.walltime"),
        ("-l walltime=0:00:30,mem=4194304kb", 5, "small: resources_max.mem = 2gb; queue big: resources_min.walltime"),
    ],
)
def test_a_routing_queue_takes_what_its_destinations_take(
    commands: Commands, queue: str | None, asked: str, size: int, refusal: str
) -> None:
    commands.say("qstat", ROUTES)
    allowed = Pbs("pbspro", LocalHost()).allowed(queue, None, asked)
    assert allowed.array_size == size
    assert refusal in allowed.refusal
    assert bool(refusal) == bool(allowed.refusal)


def test_of_a_destination_elsewhere_nothing_is_known(commands: Commands) -> None:
    commands.say("qstat", ROUTES.replace("small,big", "small,far@elsewhere"))
    allowed = Pbs("pbspro", LocalHost()).allowed("route", None, "-l walltime=5:00:00")
    assert (allowed.array_size, allowed.refusal) == (10000, "")
