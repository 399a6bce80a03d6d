"""Each ``next:`` line can be typed as it stands, and leads further."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from hsm_core.detect.code import code_files
from hsm_core.errors import SweepExists
from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.files import to_json
from hsm_core.store.journal import JournalWriter
from hsm_core.store.record import refuse_second
from tests.unit.cli.test_status import Shell
from tests.unit.store.making import MadeSweep, complete, fail, start

NO_CLUSTER = "#!/bin/sh\necho 'sbatch: fatal: Could not establish a configuration source' >&2\nexit 1\n"
APP = {"name": "app", "main": [sys.executable, "app.py"]}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "state")


def next_words(text: str) -> list[str]:
    """The proposed line as a shell reads it."""
    return shlex.split(text.rpartition("next: ")[2].splitlines()[0], comments=True)


@pytest.mark.parametrize("script", ["", NO_CLUSTER])
def test_where_no_batch_system_is_the_queue_points_to_the_sweeps(shell: Shell, tmp_path: Path, script: str) -> None:
    (tmp_path / "bin").mkdir()
    if script:
        (tmp_path / "bin" / "sbatch").write_text(script)
        (tmp_path / "bin" / "sbatch").chmod(0o755)
    done = shell.run("hsm", "queue", PATH=str(tmp_path / "bin"))
    assert done.returncode == 2
    assert "no batch system found here" in done.stderr
    assert next_words(done.stderr) == ["hsm-status"]


@pytest.mark.parametrize("words", [("errors",), ("tasks",), ("status",), ("logs",), ("resume",), ("command", "0")])
def test_a_deleted_or_moved_sweep_is_told_as_that(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    complete(sweep.worker("w1"), 0)
    sweep.root.rename(tmp_path / "it's new")
    done = shell.run("hsm", words[0], sweep.id, *words[1:])
    assert done.returncode == 2
    assert f"{sweep.id} is no longer in {sweep.root}: it was moved or deleted, or its disk isn't" in done.stderr
    assert "# only if it was deleted; if it was moved: hsm-status DIRECTORY" in done.stderr
    assert next_words(done.stderr) == ["hsm", "forget", sweep.id]
    assert next_words(shell.status().stdout) == ["hsm", "forget", sweep.id]
    assert next_words(shell.status(sweep.record.name).stderr) == ["hsm", "forget", sweep.id]
    assert shell.status(str(tmp_path / "it's new")).returncode == 0  # from now on it is known where it is
    assert shell.status(sweep.id).returncode == 0
    shutil.rmtree(tmp_path / "it's new")
    assert shell.run(*next_words(shell.status(sweep.id).stderr)).returncode == 0
    assert sweep.id not in shell.status().stdout


@pytest.mark.parametrize("typed", ["latest", "demo"])
def test_what_acts_refuses_an_older_sweep_than_the_newest(shell: Shell, tmp_path: Path, typed: str) -> None:
    old = MadeSweep(tmp_path / "old", total=1, name="demo", created="2026-01-01T00:00:00")
    new = MadeSweep(tmp_path / "new", total=1, name="demo", created="2026-02-01T00:00:00")
    fail(old.worker("w1"), 0, "no")
    new.root.rename(tmp_path / "away")
    for verb, *more in (["cancel", "--yes"], ["resume"], ["retry", "--dry-run"], ["forget"], ["cancel", "--dry-run"]):
        done = shell.run("hsm", verb, typed, *more)
        assert done.returncode == 2
        assert f"the newest sweep {new.id} is no longer in {new.root}" in done.stderr
        assert next_words(done.stderr) == ["hsm", verb, old.id, *more]
    for verb in ("status", "tasks", "errors", "results", "wait"):
        done = shell.run("hsm", verb, typed)
        assert f"the newest sweep {new.id} is no longer in {new.root}" in done.stderr.splitlines()[0]
        assert f"this is {old.id}" in done.stderr.splitlines()[0]
        assert "newest of 2" not in done.stderr
        assert verb == "wait" or done.stdout


def test_a_sweep_whose_directory_was_deleted_is_not_taken_for_the_one_that_followed(
    shell: Shell, tmp_path: Path
) -> None:
    first = MadeSweep(tmp_path / "s", total=1, name="one")
    fail(first.worker("w1"), 0, "no")
    shutil.rmtree(first.root)
    second = MadeSweep(tmp_path / "s", total=1, name="two")
    complete(second.worker("w1"), 0)
    for words in (("errors",), ("tasks",), ("status",), ("resume",), ("cancel", "--yes"), ("results",)):
        for selector in (first.id, "one"):
            done = shell.run("hsm", words[0], selector, *words[1:])
            assert done.returncode == 2
            assert f"{first.id} is gone: its directory was deleted, and holds the sweep {second.id}" in done.stderr
            assert next_words(done.stderr) == ["hsm", "forget", first.id]
    listed = shell.status().stdout
    assert f"deleted; its directory holds {second.id}" in listed
    assert listed.count("1/1") == 1
    assert shell.status("latest").stdout.startswith(second.id)
    assert shell.run("hsm", "forget", first.id).returncode == 0
    assert first.id not in shell.status().stdout
    assert shell.status("two").returncode == 0


@pytest.mark.parametrize("words", [("errors",), ("forget",), ("status",)])
def test_an_unreadable_record_can_be_forgotten(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    sweep.paths.record.write_text("{")
    done = shell.run("hsm", *words, sweep.id)
    assert done.returncode == 1
    assert next_words(done.stderr) == ["hsm", "forget", sweep.id, "--force"]
    assert shell.run(*next_words(done.stderr)).returncode == 0
    assert sweep.id not in shell.status().stdout


def test_beside_a_conductor_a_dry_run_is_refused_as_the_real_one(shell: Shell, tmp_path: Path) -> None:
    from hsm_core.store.lease import take_lease

    sweep = MadeSweep(tmp_path / "s", total=2, cwd=str(tmp_path), app=APP)
    worker = sweep.worker("w1")
    fail(worker, 0, "no")
    worker.seal()
    take_lease(sweep.paths, sweep.id, this_process())
    real, dry = shell.run("hsm", "retry", sweep.id), shell.run("hsm", "retry", sweep.id, "--dry-run")
    assert (dry.returncode, dry.stderr) == (real.returncode, real.stderr)
    assert "is already run by" in dry.stderr
    assert shell.run("hsm", "retry", sweep.id, "--dry-run", "--force").returncode == 0


def test_the_sweep_that_is_in_the_way_can_be_resumed_by_the_line(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    with pytest.raises(SweepExists) as found:
        refuse_second(sweep.paths)
    assert next_words(str(found.value)) == ["hsm", "resume", str(sweep.root)]
    assert "hydra.sweep.dir=" in found.value.fix


def test_a_directory_of_sweeps_is_proposed_in_quotes(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "many of $them" / "a b", total=1)
    assert next_words(shell.run("hsm", "tasks", str(sweep.root.parent)).stderr) == ["hsm", "tasks", str(sweep.root)]
    assert next_words(shell.run("hsm", "list", "--all").stdout)[0] == "hsm-status"


def test_the_story_of_a_sweep_needs_no_inner_names(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    sweep.conductor([Span(0, 3)]).seal()
    complete(sweep.worker("w1"), 0)
    refused = JournalWriter(sweep.paths.journal("conductor-b"))
    refused.append(events.Refusal("launch-0/submit-1", "Invalid partition"))
    done = shell.run("hsm", "logs", sweep.id)
    story = done.stdout
    assert done.stderr == f"in {sweep.root}:\n"
    assert "conductor" not in story
    assert f"launcher started on {this_process().host} (process " in story
    assert "3 tasks were submitted as 77.cluster (.hsm/launch-0/submit-0)" in story
    assert "launcher ended" in story
    assert "a submission was refused: Invalid partition" in story
    assert f"worker w1 started on {this_process().host} with 2 slots (.hsm/logs/w1.log)" in story


def test_a_task_that_has_not_run_has_not_begun(shell: Shell, tmp_path: Path) -> None:
    versions = {"python": "3.11.7"}
    sweep = MadeSweep(tmp_path / "s", total=2, cwd=str(tmp_path), app=APP, versions=versions, host="here")
    code = sweep.paths.first_code
    code.code.parent.mkdir(parents=True, exist_ok=True)
    code.code.write_bytes(to_json({"root": str(tmp_path), "files": {}, "untracked": []}))
    complete(sweep.worker("w1"), 0)
    ran, waits = (shell.run("hsm", "reproduce", sweep.id, task).stdout.splitlines()[0] for task in ("0", "1"))
    assert re.match(r"# attempt 1 of task 0 of \S+, of a sweep begun 2026-01-01T00:00:00 on here, Python 3.11.7", ran)
    assert re.match(r"# task 1 of \S+, which has not run yet, of a sweep begun ", waits)


def test_reproduce_says_what_has_changed_where_nothing_kept_the_code(shell: Shell, tmp_path: Path) -> None:
    app = tmp_path / "it's mine"
    app.mkdir()
    for name in ("run.py", "same.py", "old.py"):
        (app / name).write_text("x = 1\n")
    sweep = MadeSweep(tmp_path / "s", total=2, cwd=str(app), app=APP, host="here")
    code = sweep.paths.first_code
    files = {**code_files(str(app)), "away\x00": "1", "../fifo": "2"}
    os.mkfifo(tmp_path / "fifo")
    code.code.parent.mkdir(parents=True, exist_ok=True)
    code.code.write_bytes(to_json({"root": str(app), "files": files, "untracked": []}))
    complete(sweep.worker("w1"), 0)
    assert "has changed" not in shell.run("hsm", "reproduce", sweep.id, "0").stdout
    (app / "run.py").write_text("x = 2\n")
    (app / "old.py").unlink()
    told = shell.run("hsm", "reproduce", sweep.id, "0").stdout
    assert "\n# run.py has changed since attempt 1 of task 0\n" in told
    assert "\n# old.py is gone since attempt 1 of task 0\n" in told
    assert "same.py" not in told
    assert "\n.venv-again/bin/python -m pip install -r " in told
    assert "\n# run.py has changed since the sweep began\n" in shell.run("hsm", "reproduce", sweep.id, "1").stdout


@pytest.mark.parametrize("verb", ["logs", "command", "reproduce"])
def test_a_task_without_its_sweep(shell: Shell, tmp_path: Path, verb: str) -> None:
    newest = MadeSweep(tmp_path / "s", total=4, created="2026-02-01T00:00:00")
    unread = MadeSweep(tmp_path / "unread")
    unread.paths.record.write_text(unread.paths.record.read_text().replace('"format": ', '"format": 9'))
    newest.files(3)
    for folder, sweep in ((tmp_path, "latest"), (newest.root, ".")):
        done = shell.run("hsm", verb, "3", cwd=folder)
        assert done.returncode == 2
        assert "hich sweep?" in done.stderr
        assert next_words(done.stderr) == ["hsm", verb, sweep, "3"]


def test_a_job_id_is_found_beside_sweeps_that_can_not_be_read(shell: Shell, tmp_path: Path) -> None:
    found = MadeSweep(tmp_path / "s", total=1)
    found.conductor([Span(0, 1)])
    unread = MadeSweep(tmp_path / "unread", created="2026-02-01T00:00:00")
    unread.conductor([Span(0, 1)])
    unread.paths.record.write_text(unread.paths.record.read_text().replace('"format": ', '"format": 9'))
    assert shell.status("77.cluster").stdout.startswith(found.id)


@pytest.mark.parametrize(("writer", "told"), [("", "state of hsm's code"), ("9.9", "hsm 9.9 wrote it, this is ")])
def test_what_reads_a_sweep_of_another_format(shell: Shell, tmp_path: Path, writer: str, told: str) -> None:
    sweep = MadeSweep(tmp_path / "s", versions={"hsm": writer} if writer else {})
    sweep.paths.record.write_text(sweep.paths.record.read_text().replace('"format": ', '"format": 9'))
    done = shell.status("latest")
    assert done.returncode == 1
    assert told in done.stderr
    forget = ["hsm", "forget", sweep.id, "--force"]
    assert next_words(done.stderr) == (forget if not writer else ["pip", "install", "hpc-sweep-manager==9.9"])
    assert shell.run(*forget).returncode == 0


def test_a_copy_of_a_sweep_that_runs_is_told_and_not_waited_for(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "first", total=2)
    start(sweep.worker("w1"), 0)
    copy = Path(shutil.copytree(sweep.root, tmp_path / "copy"))
    shown = shell.status(str(copy)).stdout
    assert f"  copied   from {sweep.root}: what runs, runs there\n" in shown
    assert shown.endswith(f"\nnext: hsm-status {sweep.root}\n")
    for command in ("cancel", "resume"):
        refused = shell.run("hsm", command, str(copy), "--yes")
        assert refused.returncode == 1
        assert f"error: {copy} is a copy of a sweep that ran when it was copied" in refused.stderr
        assert next_words(refused.stderr) == ["hsm-status", "-w", str(sweep.root)]


def test_what_is_not_on_the_list_is_named_by_its_path(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "a b", total=1)
    fail(sweep.worker("w1"), 0, "ValueError: x")
    copy = Path(shutil.copytree(sweep.root, tmp_path / "copy of it"))
    assert next_words(shell.status(str(copy)).stdout) == ["hsm", "errors", str(copy)]
    assert next_words(shell.status(str(sweep.root)).stdout) == ["hsm", "errors", sweep.id]
    shell.run("hsm", "forget", sweep.id)
    assert next_words(shell.status(str(sweep.root)).stdout) == ["hsm", "errors", str(sweep.root)]


def test_an_id_of_the_same_minute_is_no_near_miss(shell: Shell, tmp_path: Path) -> None:
    known = MadeSweep(tmp_path / "a", total=1, name="a-name-that-makes-ids-alike")
    head, tail = known.id[:-5], known.id[-5:]
    other = head + tail[0] + "".join("b" if letter != "b" else "c" for letter in tail[1:])
    assert next_words(shell.status(other).stderr) == ["hsm-status"]
    typo = head + tail[:2] + ("b" if tail[2] != "b" else "c") + tail[3:]
    assert next_words(shell.status(typo).stderr) == ["hsm-status", known.id]


def test_a_sweep_is_named_by_its_directory_for_who_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hsm_core.cli import usage_errors

    (tmp_path / ".hsm").mkdir()
    (tmp_path / ".hsm" / "sweep.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert usage_errors._first_of("sweep") == "."
