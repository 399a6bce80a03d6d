"""The PBS of the tests says and does what OpenPBS 23.06 and Torque 6 were measured to say and do."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.pbs import qsub_pbspro, qsub_torque
from tests.services.pbs.asking import ended, lines, shown, submit
from tests.services.pbs.pbs import Pbs, running_pbs
from tests.services.pbs.transcript import replay, state
from tests.waiting import wait_until

pytestmark = pytest.mark.pbs
HERE = Path(__file__).parent / "pbs"


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Iterator[Pbs]:
    with running_pbs(request.param) as server:
        yield server


@pytest.mark.parametrize(
    ("fresh", "script", "usage"),
    [("pbspro", "pbspro.txt", qsub_pbspro.USAGE), ("torque", "torque.txt", qsub_torque.USAGE)],
    indirect=["fresh"],
)
def test_it_answers_as_the_real_one_was_heard_to(fresh: Pbs, script: str, usage: str, folder: Path) -> None:
    user = getpass.getuser()
    heard = (HERE / script).read_text().replace("USER............", user.ljust(16)).replace("USER", user)
    (folder / script).write_text(heard)
    assert replay(fresh, folder / script, folder, usage) == []


def test_a_job_inherits_nothing(pbs: Pbs, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "kept")
    native_id = submit(pbs, 'env -0 > "$PBS_O_WORKDIR/env"; pwd; umask; ls "$TMPDIR" && echo "$0"', "-V")
    ended(pbs, native_id)
    env = dict(entry.split("=", 1) for entry in (folder / "env").read_text().split("\0")[:-1])
    out = lines(folder / f"job.sh.o{native_id.split('.')[0]}")
    assert out[:2] == [str(pbs.home), "0077"]
    assert out[2].endswith(f"jobs/{native_id}.SC")
    assert env["PBS_O_WORKDIR"] == str(folder)
    assert env["PBS_JOBID"] == native_id
    assert not {"SECRET", "LANG", "VIRTUAL_ENV", "PBS_ARRAY_INDEX", "PYTHONPATH"} & env.keys()
    assert str(pbs.bin) not in env["PATH"]


def test_an_array_has_indices_and_brackets_and_a_throttle(pbs: Pbs, folder: Path) -> None:
    text = 'echo "$PBS_ARRAY_INDEX $PBS_ARRAY_ID $PBS_JOBID" >> "$PBS_O_WORKDIR/ran"; sleep 60'
    native_id = submit(pbs, text, "-J", "3-7%2")
    array = native_id.replace("[]", "[{}]")
    wait_until(lambda: len(lines(folder / "ran")) == 2, what="two to run")
    said = json.loads(pbs.run("qstat", "-t", "-f", "-F", "json", native_id).stdout)["Jobs"]
    assert [said[array.format(i)]["job_state"] for i in range(3, 8)] == ["R", "R", "Q", "Q", "Q"]
    assert said[native_id]["job_state"] == "B"
    assert said[native_id]["array_state_count"] == "Queued:3 Running:2 Exiting:0 Expired:0"
    assert said[native_id]["array_indices_remaining"] == "5-7"
    assert sorted(lines(folder / "ran"))[0] == f"3 {native_id} {array.format(3)}"
    pbs.run("qdel", native_id)
    whole = ended(pbs, native_id)
    assert whole["array_state_count"] == "Queued:0 Running:0 Exiting:0 Expired:3"
    assert shown(pbs, array.format(3), "-x")["Exit_status"] == 271
    never_ran = shown(pbs, array.format(7), "-x")
    assert "Exit_status" not in never_ran
    assert not {"run_count", "array_index", "exec_vnode"} & never_ran.keys()
    assert never_ran["comment"] == "Subjob finished"


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("exit 0", 0, "and finished"),
        ("exit 300", 44, "and failed"),
        ("kill -9 $$", 137, "and failed"),
        ("kill -USR1 $PPID; sleep 1", 266, "and failed"),
        ("nosuchcommand", 127, "and failed"),
    ],
)
def test_exit_statuses(pbs: Pbs, folder: Path, text: str, status: int, words: str) -> None:
    job = ended(pbs, submit(pbs, text))
    assert job["Exit_status"] == status
    assert job["comment"].endswith(words)


def test_walltime_is_enforced_and_said_in_the_log(pbs: Pbs, folder: Path) -> None:
    native_id = submit(
        pbs, "trap 'echo told' TERM; sleep 60 & wait; sleep 60", "-l", "walltime=1", "-j", "oe"
    )
    job = ended(pbs, native_id)
    log = lines(folder / f"job.sh.o{native_id.split('.')[0]}")
    assert job["Exit_status"] == -29
    assert job["comment"].endswith("and exceeded resource walltime")
    assert log[0].startswith("=>> PBS: job killed: walltime ")
    assert log[0].endswith(" exceeded limit 1")
    assert "told" in log  # TERM came, and later KILL


def test_output_comes_at_the_end_or_while_it_runs(pbs: Pbs, folder: Path) -> None:
    pbs.turn(delivery_s=0.3)
    (folder / "d").mkdir()
    text = 'echo said; echo >&2 wrong; while [ ! -e "$PBS_O_WORKDIR/go" ]; do sleep 0.05; done'
    spooled = submit(pbs, text, "-J", "0-1", "-j", "oe", "-o", "d/log.^array_index^")
    live = submit(pbs, text, "-k", "doe", "-j", "oe", "-o", "d/live")
    lost = submit(pbs, text, "-o", "missing/log")
    wait_until(lambda: "wrong" in lines(folder / "d/live"), what="output while it runs")
    assert os.listdir(folder / "d") == ["live"]
    (folder / "go").touch()
    wait_until(lambda: state(pbs, lost) == "E", what="an end without delivery")
    ended(pbs, spooled)
    ended(pbs, live)
    assert lines(folder / "d/log.1") == ["said", "wrong"]
    assert (folder / "d/log.1").stat().st_mode & 0o777 == 0o600
    job = ended(pbs, lost)
    assert (job["Exit_status"], job["Stageout_status"]) == (0, 0)


def test_json_takes_for_numbers_what_looks_so(pbs: Pbs, folder: Path) -> None:
    native_id = submit(pbs, "true", "-h", "-N", "1e5", "-v", "A=1.50,B=007,C=x")
    job = shown(pbs, native_id)
    assert job["Job_Name"] == 100000.0
    assert [job["Variable_List"][name] for name in "ABC"] == [1.5, "007", "x"]
    pbs.turn(json="invalid")
    assert '"B":007' in pbs.run("qstat", "-f", "-F", "json", native_id).stdout
    pbs.turn(json="master")
    other = submit(pbs, "true", "-h")
    both = pbs.run("qstat", "-f", "-F", "json", other, native_id).stdout
    assert list(json.loads(both)["Jobs"]) == [other]
    assert pbs.run("qdel", other, "999999").returncode == 0
    assert shown(pbs, other)["job_state"] == "H"


def test_long_lines_are_wrapped_and_wide_ones_are_not(pbs: Pbs, folder: Path) -> None:
    native_id = submit(pbs, "true", "-h", "-v", "LONG=" + "x" * 200)
    text = pbs.run("qstat", "-f", native_id).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "\n\tx" in text
    assert "LONG=" + "x" * 200 in pbs.run("qstat", "-f", "-w", native_id).stdout
    assert "LONG=" + "x" * 200 in pbs.run("qstat", "-f", "-F", "dsv", native_id).stdout


def test_without_history_an_ended_element_shows_its_arrays_status(pbs: Pbs, folder: Path) -> None:
    pbs.turn(history=False)
    text = "[ $PBS_ARRAY_INDEX = 2 ] && sleep 60; [ $PBS_ARRAY_INDEX = 1 ] && sleep 0.5 && exit 3; exit 0"
    native_id = submit(pbs, text, "-J", "0-2")
    first = native_id.replace("[]", "[0]")
    wait_until(lambda: shown(pbs, native_id).get("Exit_status") == 1, what="the second to fail")
    assert shown(pbs, first)["job_state"] == "X"
    assert shown(pbs, first)["Exit_status"] == 1  # it exited 0
    assert "array_index" not in shown(pbs, first)
    pbs.run("qdel", native_id)
    wait_until(lambda: state(pbs, native_id) == "gone", what="the array to be forgotten")


def test_the_last_element_decides_a_dependency(pbs: Pbs, folder: Path) -> None:
    array = submit(pbs, "[ $PBS_ARRAY_INDEX = 0 ] && exit 9; sleep 1", "-J", "0-1")
    after = submit(pbs, "true", "-W", f"depend=afterok:{array}")
    never = submit(pbs, "true", "-W", f"depend=afternotok:{array}")
    assert shown(pbs, after)["substate"] == 22
    assert ended(pbs, after)["Exit_status"] == 0
    assert "Exit_status" not in ended(pbs, never)


def test_directives_count_until_the_first_command(pbs: Pbs, folder: Path) -> None:
    text = "\n: nothing\n#PBS-N one\n#PBS -N two -p 7\n# PBS -p 9\ntrue\n#PBS -p 8"
    native_id = submit(pbs, text, "-h")
    assert (shown(pbs, native_id)["Job_Name"], shown(pbs, native_id)["Priority"]) == ("two", 7)
    assert shown(pbs, submit(pbs, text, "-h", "-N", "three"))["Job_Name"] == "three"


def test_v_passes_values_in_its_own_way(pbs: Pbs, folder: Path) -> None:
    monkey = {"MYENV": 'hello, "w" \\back  $x'}
    (folder / "v.sh").write_text('#!/bin/bash\nprintf %s "$A|$MYENV" > "$PBS_O_WORKDIR/said"\n')
    for value, passed in {'"a,b"': "a,b", r"a\,b": "a,b", r"a\b": r"a\\b", '{"x": 1}': "{x: 1}"}.items():
        done = pbs.run("qsub", "-v", f"A={value},MYENV", "v.sh", env=monkey)
        ended(pbs, done.stdout.strip())
        assert (folder / "said").read_text() == passed + r"|hello, \w\ \\back  $x"


def test_torque_numbers_names_and_logs_of_elements(torque: Pbs, folder: Path) -> None:
    text = 'echo "$PBS_ARRAYID $PBS_JOBNAME $LANG $PBS_NP"'
    Path("job.sh").write_text(f"#!/bin/bash\n{text}\n")
    env = {"LANG": "C.UTF-8"}
    native_id = torque.run(
        "qsub", "-t", "4,6", "-j", "oe", "-l", "nodes=1:ppn=2", "job.sh", env=env
    ).stdout.strip()
    seq = native_id.partition("[")[0]
    wait_until(lambda: (folder / f"job.sh.o{seq}-6").exists() and (folder / f"job.sh.o{seq}-4").exists())
    assert lines(folder / f"job.sh.o{seq}-6") == ["6 job.sh-6 C.UTF-8 2"]
    torque.kill_server()
    down = torque.run("qstat", native_id)
    assert down.returncode == 111
    assert down.stderr.startswith("Cannot connect to specified server host 'pbs'.\n")


def test_torque_says_walltime_and_deletion_in_its_own_numbers(torque: Pbs, folder: Path) -> None:
    late = submit(torque, "sleep 60", "-l", "walltime=1")
    gone = submit(torque, "sleep 60")
    wait_until(lambda: state(torque, gone) == "R", what="the job to run")
    torque.run("qdel", gone)
    for native_id, status in {gone: 271, late: -11}.items():
        wait_until(lambda i=native_id: state(torque, i) == "C", what="the end")  # type: ignore[misc]
        assert f"<exit_status>{status}</exit_status>" in torque.run("qstat", "-x", native_id).stdout
