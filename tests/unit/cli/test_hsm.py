"""The commands of hsm on real sweep directories."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pyarrow.parquet
import pytest
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins

from hsm_core.cli.click_types import TaskNumbers, run
from hsm_core.cli.hsm import LazyGroup, hsm
from hsm_core.cli.relaunch import OURS
from hsm_core.hydra_bridge.config_source import HsmConfigSource
from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.results.missing_metrics import missing_at_first
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.lease import living_conductor, take_lease
from hsm_core.store.requests import RequestReader
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.summary import summary
from hsm_core.views.task_list import COLUMNS
from tests.unit.cli.test_status import PROGRAM, ROOT, Shell
from tests.unit.store.making import MadeSweep, complete, fail, killed_process, real_process, start
from tests.waiting import wait_until


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "state")


@pytest.fixture
def sweep(shell: Shell, weird_tmp_path: Path) -> MadeSweep:
    """Two tasks completed with results, one failed, one never started; its worker ended."""
    main = {"name": "train", "main": [sys.executable, "train.py"]}
    made = MadeSweep(weird_tmp_path / "s", total=4, app=main, cwd="/", metric=(("loss", "min"),))
    worker = made.worker("w1", spans=[Span(0, 3)])
    complete(worker, 0, 1)
    fail(worker, 2, "KeyError: 'x'", kind="KeyError")
    for task, loss in ((0, 0.5), (1, 0.25)):
        outcome = {"sweep": made.id, "task": task, "attempt": 1, "state": "completed", "value": {"loss": loss}}
        made.files(task).outcome.write_text(json.dumps(outcome))
    made.files(2).stdout.write_bytes(b"step 1\nst\xffep 2\n")
    made.files(2).stderr.write_text("Traceback …\nKeyError: 'x'\n")
    worker.seal()
    return made


def out(shell: Shell, *words: str, code: int = 0, **env: str) -> str:
    done = shell.run("hsm", *words, **env)
    assert done.returncode == code, done.stderr
    assert "Traceback (most" not in done.stderr
    return done.stdout


def test_every_command_has_short_help_with_an_example(shell: Shell) -> None:
    assert isinstance(hsm, LazyGroup)
    context = click.Context(hsm)
    for name in hsm.list_commands(context):
        command = hsm.get_command(context, name)
        assert command is not None
        assert command.help
        assert re.search(r"Examples?:", command.epilog or ""), name
    assert "monitor" in out(shell, "--help")


@pytest.mark.parametrize(
    ("verb", "where"), [("sweep", "train.py -m"), ("test", "dry_run"), ("sync", "results")]
)
def test_verbs_of_older_tools_say_where_they_went(shell: Shell, verb: str, where: str) -> None:
    done = shell.run("hsm", verb, "--whatever")
    assert done.returncode == 2
    assert where in done.stderr


@pytest.mark.parametrize("verb", ["errors", "results", "logs", "retry", "cancel"])
def test_a_command_without_its_sweep_says_how_to_find_it(shell: Shell, sweep: MadeSweep, verb: str) -> None:
    done = shell.run("hsm", verb)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: name a sweep; hsm-status lists them, latest is the newest\n  next: hsm {verb} latest\n"
    )


@pytest.mark.parametrize("verb", ["errors", "command"])
def test_whoever_has_no_sweep_is_told_how_to_begin(shell: Shell, verb: str) -> None:
    assert shell.run("hsm", verb).stderr.startswith(
        "error: you have no sweeps yet\n  next: python train.py -m hydra/launcher=hsm_local seed=1,2 "
    )


def test_a_command_about_a_task_suggests_one(shell: Shell, sweep: MadeSweep) -> None:
    assert shell.run("hsm", "command").stderr.endswith("  next: hsm command latest 0\n")


def test_a_typo_is_answered_with_the_command_meant(shell: Shell) -> None:
    done = shell.run("hsm", "stauts")
    assert (done.returncode, "next: hsm status\n" in done.stderr) == (2, True)


def test_status_is_hsm_status(shell: Shell, sweep: MadeSweep) -> None:
    assert out(shell, "status", "latest") == shell.status("latest").stdout
    assert out(shell, "list") == shell.status().stdout
    assert out(shell, "status", "latest", "--exit-status", code=3)
    assert out(shell, "monitor", "latest", "--exit-status", code=3) == shell.status("latest").stdout


def test_tasks(shell: Shell, sweep: MadeSweep) -> None:
    assert out(shell, "tasks", "demo", "-q", "--state", "failed,pending") == "2\n3\n"
    rows = list(csv.DictReader(io.StringIO(out(shell, "tasks", "demo", "--format", "csv"))))
    assert [row["state"] for row in rows] == ["completed", "completed", "failed", "pending"]
    found = json.loads(out(shell, "tasks", "demo", "--json", "--state", "failed"))["tasks"]
    assert (found[0]["reason"], found[0]["overrides"]) == ("exception", ["lr=2"])
    assert json.loads(out(shell, "tasks", "demo", "--json", "--state", "lost"))["tasks"] == []
    assert all(len(line) <= 80 for line in out(shell, "tasks", "demo", COLUMNS="80").splitlines())
    out(shell, "tasks", "demo", "--state", "flying", code=2)


def test_errors(shell: Shell, sweep: MadeSweep) -> None:
    text = out(shell, "errors", "latest")
    assert text.startswith("✗ 1 × exception: KeyError: 'x'\n    task:  2\n")
    assert str(sweep.root / "2" / ".hsm/stderr.log") in text
    assert [group["count"] for group in json.loads(out(shell, "errors", "latest", "--json"))["failures"]] == [1]


def test_a_refused_submission_is_shown_everywhere(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2, launcher="hsm_slurm", launcher_fields=("++hydra.launcher.queue=mian",))
    writer = JournalWriter(sweep.paths.journal("conductor-a"))
    writer.append(events.ConductorHead("conductor-a", killed_process()))
    writer.append(events.Submit("launch-0/submit-0", token="t", tasks=[Span(0, 2)], source="slurm"))
    no = events.Refusal("launch-0/submit-0", "Slurm refused: mian", field="partition", choices=("gpu", "main"))
    writer.append(no)
    writer.seal()
    line = f"hsm resume {sweep.id} --set hydra.launcher.queue=main    # or gpu"
    for text in (shell.status("latest").stdout, out(shell, "errors", "latest")):
        assert "2 × launch: Slurm refused: mian" in text
        assert line in text
    assert shell.status("latest").stdout.endswith(f"next: {line}\n")
    assert shell.read("latest")["next"] == line
    assert shell.read("latest")["refused"] == "Slurm refused: mian"
    assert "a submission was refused: Slurm refused: mian" in out(shell, "logs", "latest")
    assert re.search(r"0/2 +stopped +✗ refused", out(shell, "list"))
    rows = list(csv.DictReader(io.StringIO(out(shell, "tasks", "latest", "--format", "csv"))))
    assert {(row["reason"], row["message"]) for row in rows} == {("launch", "Slurm refused: mian")}


def test_logs_of_a_task(shell: Shell, sweep: MadeSweep) -> None:
    assert out(shell, "logs", "latest", "2") == "step 1\nst\ufffdep 2\n"
    assert out(shell, "logs", "latest", "2", "--stderr").endswith("KeyError: 'x'\n")
    assert "has not started" in shell.run("hsm", "logs", "latest", "3").stderr
    assert "has no task 9" in shell.run("hsm", "logs", "latest", "9").stderr


def test_stderr_of_a_task_is_that_of_the_rank_which_failed(shell: Shell, sweep: MadeSweep) -> None:
    fail(sweep.worker("w2"), 3, "rank 1 on a-node failed: KeyError: 'y'", rank=1)
    for name in ("stderr.log", "stderr-rank1.log", "stdout.log", "stdout-rank1.log"):
        (sweep.files(3).hsm / name).write_text(name)
    assert out(shell, "logs", "latest", "3", "--stderr") == "stderr-rank1.log"
    assert out(shell, "logs", "latest", "3") == "stdout.log"


def test_the_story_is_in_order(shell: Shell, sweep: MadeSweep) -> None:
    lines = [line.split("  ", 1)[1] for line in out(shell, "logs", "latest").splitlines()]
    assert lines[1:] == [
        "task 0 started in 0", "task 0 completed after 1 s",
        "task 1 started in 1", "task 1 completed after 1 s",
        "task 2 started in 2", "task 2 failed: exception, KeyError: 'x'", "worker w1 ended",
    ]  # fmt: skip


def test_the_story_ends_with_its_last_word(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    conductor = sweep.conductor([Span(0, 1)])
    worker = sweep.worker("w1")
    complete(worker, 0)
    worker.seal()
    time.sleep(0.002)  # times are told to the millisecond
    conductor.seal()
    assert out(shell, "logs", "latest").splitlines()[-1].endswith("  launcher ended")


def test_a_sweep_without_a_command_line_is_gone_on_with_in_code(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1, app={"main": []})
    fail(sweep.worker("w1", killed_process()), 0, "no")
    told = shell.run("hsm", "retry", "latest", "--task", "0", "--set", "hydra.launcher.slots=2")
    assert told.returncode == 2
    for text in ("retry_failed=true", "only_tasks=0", "slots=2", f"resume={sweep.root}"):
        assert text in told.stderr.replace("\\'", "'")


def test_our_launchers_are_known_by_name() -> None:
    Plugins.instance()
    names = HsmConfigSource("hsm", "hsm://").list("hydra/launcher", ObjectType.CONFIG)
    assert set(OURS) == set(names)


def test_following_a_log_ends_with_the_task(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    with real_process() as (_, identity):
        worker = sweep.worker("w1", identity)
        start(worker, 0)
        log = sweep.files(0).stdout
        log.write_text("one\n")
        command = [sys.executable, "-c", PROGRAM.format("hsm"), "logs", "latest", "0", "-f"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=shell.env) as follower:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "one\n"
            log.write_text("one\ntwo\n")
            assert follower.stdout.readline() == "two\n"
            log.write_text("one\ntwo\nthree\n")
            worker.append(events.End(0, 1, "completed"))
            assert follower.communicate(timeout=30)[0] == "three\n"


def test_logs_of_cancelled_tasks_say_so_in_a_sentence(shell: Shell, tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=2, app={"name": "train", "main": [sys.executable, "train.py"]})
    worker = made.worker("w1", spans=[Span(0, 2)])
    start(worker, 0)
    worker.append(events.End(0, 1, "cancelled", "cancelled", "cancelled on request", wall=4.0))
    worker.append(events.Cancel(1, 1))
    worker.seal()
    assert "task 0 printed nothing: it was cancelled, on request\n" in shell.run("hsm", "logs", "latest", "0").stderr
    assert "task 0 cancelled after 4 s: on request" in out(shell, "logs", "latest", COLUMNS="40")
    for words in ((), ("-f",)):
        done = shell.run("hsm", "logs", "latest", "1", *words)
        assert (done.returncode, done.stderr) == (
            1, f"error: task 1 was cancelled before it started\n  next: hsm resume {made.id}\n"
        )  # fmt: skip


def test_that_a_running_task_has_printed_nothing_yet_is_told(shell: Shell, tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=1)
    with real_process() as (_, identity):
        start(made.worker("w1", spans=[Span(0, 1)], process=identity), 0)
        told = shell.run("hsm", "logs", "latest", "0").stderr
    assert "task 0 has printed nothing yet\n  next: hsm logs latest 0 -f\n" in told


def test_following_a_task_that_nobody_will_start_ends(shell: Shell, tmp_path: Path) -> None:
    MadeSweep(tmp_path / "s", total=1)
    done = shell.run("hsm", "logs", "latest", "0", "-f")
    assert "task 0 has not started, and nothing will start it" in done.stderr
    assert done.returncode == 1


def test_what_is_read_can_be_read_by_programs(shell: Shell, sweep: MadeSweep) -> None:
    found = json.loads(out(shell, "logs", "latest", "2", "--json"))
    assert (found["schema_version"], found["task"], found["state"]) == (1, 2, "failed")
    assert found["text"] == "step 1\nst\ufffdep 2\n"
    story = [json.loads(line) for line in out(shell, "logs", "latest", "--json").splitlines()]
    assert [line["writer"] for line in story] == ["w1"] * len(story)
    assert story[-1]["event"] == "seal"
    assert story[-1]["at"] >= story[0]["at"] > "2026-"
    waited = json.loads(out(shell, "wait", "latest", "--json", code=3))
    assert (waited["schema_version"], waited["phase"], waited["counts"]["failed"]) == (1, "stopped", 1)


def test_what_is_told_fits_the_terminal_unless_it_is_to_be_copied(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / ("long" * 20), total=1)
    worker = sweep.worker("w1")
    fail(worker, 0, "word " * 80)
    lines = out(shell, "logs", "latest", COLUMNS="80").splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 80 for line in lines)


def test_in_a_pipe_nothing_is_cut(shell: Shell, tmp_path: Path) -> None:
    values = [[f"a{number}={'long' * 60}" for number in range(4)], ["a0=1", "a1=2", "a2=3", "a3=4"]]
    sweep = MadeSweep(tmp_path / "s", total=2, task_overrides=values, name="name" * 10)
    worker = sweep.worker("w1")
    fail(worker, 0, f"OSError: {'word ' * 80}end")
    for command in (["tasks"], ["tasks", "--format", "wide"], ["results"]):
        text = out(shell, *command, "latest")
        assert "…" not in text
        assert "no room" not in text
        assert text.count("long" * 60) == 4
    tasks = out(shell, "tasks", "latest").splitlines()
    assert tasks[0].split() == list(COLUMNS)
    for text in (tasks[1], out(shell, "logs", "latest"), out(shell, "errors", "latest")):
        assert f"{'word ' * 80}end" in text
    for text in (shell.status().stdout, shell.status("latest").stdout):
        assert sweep.id in text


def test_command(shell: Shell, sweep: MadeSweep) -> None:
    assert shlex.split(out(shell, "command", "latest", "3")) == [
        sys.executable,
        "train.py",
        "lr=3",
        "hydra.mode=RUN",
    ]
    assert json.loads(out(shell, "command", "latest", "3", "--json"))["overrides"] == ["lr=3"]
    out(shell, "command", "latest", "4", code=2)


def test_results(shell: Shell, sweep: MadeSweep) -> None:
    assert out(shell, "results", "latest", "--best", "loss", "--top", "1").splitlines()[1].split() == [
        "1", "completed", "1", "0.25", "★",
    ]  # fmt: skip
    assert out(shell, "results", "latest", "--top", "1", "--max", "--columns", "task,loss").split()[-3:] == [
        "0", "0.5", "★",
    ]  # fmt: skip
    rows = json.loads(out(shell, "results", "latest", "--where", "loss < 0.4 and lr == 1", "--json"))["rows"]
    assert [row["task"] for row in rows] == [1]
    assert (
        out(shell, "results", "latest", "--group-by", "lr", "--format", "csv").splitlines()[1]
        == "1,1,0.25,nan,1"
    )
    assert "no metric 'los'" in shell.run("hsm", "results", "latest", "--best", "los").stderr
    assert "no column 'los'" in shell.run("hsm", "results", "latest", "--where", "los > 1").stderr


def test_results_of_groups_are_chosen_as_asked(shell: Shell, sweep: MadeSweep) -> None:
    best = ["--best", "loss", "--group-by", "lr", "--columns", "loss,lr", "--top", "1"]
    assert out(shell, "results", "latest", *best, "--format", "csv").splitlines() == [
        "loss.mean,loss.std,loss.n,lr", "0.25,nan,1,1",
    ]  # fmt: skip
    out(shell, "results", "latest", "--group-by", "lr", "--columns", "state", code=2)


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("loss=0.5", "'loss == 0.5'"), ("loss==small", "\"loss=='small'\""),
        ("state=failed", "\"state == 'failed'\""),
        ("stat=failed", "\"state == 'failed'\""),
    ],
)  # fmt: skip
def test_a_condition_is_proposed_as_it_was_meant(shell: Shell, sweep: MadeSweep, typed: str, right: str) -> None:
    for words in (("--where", typed), (f"--where={typed}",)):
        done = shell.run("hsm", "results", "latest", *words)
        assert done.returncode == 2
        proposed = shlex.split(done.stderr.partition("next: ")[2])
        assert proposed[-1].removeprefix("--where=") == shlex.split(right)[0]


def test_results_are_told_to_any_terminal_and_where_is_named(shell: Shell, sweep: MadeSweep) -> None:
    assert "?" in out(
        shell, "results", "latest", "--group-by", "lr", "--format", "md", PYTHONIOENCODING="ascii"
    )
    for condition in ("lr <", "lr < 'a'", "lr"):
        told = shell.run("hsm", "results", "latest", "--where", condition)
        assert told.returncode == 2
        assert "--where:" in told.stderr
        assert "exclude" not in told.stderr


def test_export(shell: Shell, sweep: MadeSweep, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    assert out(shell, "export", "latest", "-o", str(path)) == ""
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["loss"] for row in rows] == ["0.5", "0.25", "", ""]
    assert len(out(shell, "export", "latest", "--format", "jsonl").splitlines()) == 4
    out(shell, "export", "latest", "--format", "parquet", code=2)
    path = tmp_path / "r.parquet"
    out(shell, "export", "latest", "--format", "parquet", "-o", str(path))
    assert pyarrow.parquet.read_table(path).column("loss").to_pylist() == [0.5, 0.25, None, None]


@pytest.mark.parametrize("command", ["export", "results"])
def test_the_suffix_of_a_file_says_its_format(
    shell: Shell, sweep: MadeSweep, tmp_path: Path, command: str
) -> None:
    read = {
        "r.csv": lambda path: next(csv.DictReader(io.StringIO(path.read_text())))["sweep"],
        "r.jsonl": lambda path: json.loads(path.read_text().splitlines()[0])["sweep"],
        "r.JSON": lambda path: json.loads(path.read_text())["rows"][0]["sweep"],
        "r.parquet": lambda path: pyarrow.parquet.read_table(path).column("sweep").to_pylist()[0],
    }
    for name, first_sweep in read.items():
        assert out(shell, command, "latest", "-o", str(tmp_path / name)) == ""
        assert first_sweep(tmp_path / name) == sweep.id
    schema = pyarrow.parquet.read_table(tmp_path / "r.parquet").schema
    reason = ["reason"] if command == "export" else []  # as one failed
    assert {field.name: str(field.type) for field in schema} == {
        "sweep": "string", "task": "int64", "state": "string", **dict.fromkeys(reason, "string"), "lr": "int64",
        "loss": "double",
    }  # fmt: skip
    assert out(shell, command, "latest", "-o", "-").count("completed") == 2  # the screen
    kinds = json.loads((tmp_path / "r.JSON").read_text())["kinds"]
    own = dict.fromkeys(("sweep", "task", "state", *reason), "task")
    assert kinds == {**own, "lr": "parameter", "loss": "metric"}
    assert {field.name: field.metadata[b"kind"].decode() for field in schema} == kinds


@pytest.mark.parametrize("words", [["-o", "r.docx"], ["-o", "r"], ["-o", "r.parquet", "--format", "csv"]])
def test_a_file_in_no_known_format_is_refused(
    shell: Shell, sweep: MadeSweep, tmp_path: Path, words: list[str]
) -> None:
    done = shell.run("hsm", "export", "latest", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert words[1] in done.stderr
    assert not (tmp_path / words[1]).exists()
    shell.run("hsm", "export", "latest", "-o", "r.txt", "--format", "csv", cwd=tmp_path)
    assert (tmp_path / "r.txt").read_text().startswith("sweep,task,state,reason,lr,loss")


def test_a_declared_metric_sorts(shell: Shell, sweep: MadeSweep, tmp_path: Path) -> None:
    def order(*words: str) -> list[int]:
        return [row["task"] for row in json.loads(out(shell, "results", *words, "--json"))["rows"]]

    assert order("demo") == order("demo", "--best") == [1, 0, 2, 3]
    assert order("demo", "--max") == [0, 1, 2, 3]
    assert order("demo", "--best", "--top", "1") == [1]
    other = MadeSweep(tmp_path / "other", total=1, name="other")
    done = shell.run("hsm", "results", "other", "--best")
    assert done.returncode == 2
    assert "no task has a metric" in done.stderr
    assert order("other") == [0]
    (tmp_path / "other" / "0").mkdir()
    start(other.worker("w1"), 0)
    (tmp_path / "other" / "0" / "metrics.json").write_text('{"val_acc": 1}')
    for typed in (["--best"], ["--top", "3"], ["--line", "best"]):
        done = shell.run("hsm", "results", "other", *typed)
        assert shell.run("hsm", "export", "other", "--best", "val_acc").returncode == 0
        rest = [] if typed == ["--best"] else typed
        assert f"next: {' '.join(['hsm results other --best val_acc', *rest])}\n" in done.stderr


def test_a_suggestion_repeats_what_was_typed(shell: Shell, sweep: MadeSweep, tmp_path: Path) -> None:
    done = shell.run("hsm", "results", "latest", "--best", "los", "--top", "3")
    assert "next: hsm results latest --best loss --top 3\n" in done.stderr
    done = shell.run("hsm", "results", "latest", "--where", "los > 1")
    assert "next: hsm results latest --where 'loss > 1'\n" in done.stderr
    MadeSweep(tmp_path / "old", total=1)
    newest = MadeSweep(tmp_path / "newest", total=4, created="2026-02-01T00:00:00")
    for typed, meant in (
        ("results latset --top 1", "results latest --top 1"),
        ("reslts latest --top 1", "results latest --top 1"),
        ("watch latest", "monitor latest"),
        ("results latest --bset loss", "results latest --best loss"),
        ("tasks latest -q --state fialed,lost", "tasks latest -q --state failed,lost"),
        ("export latest -o r.xls", "export latest -o r.csv"),
        ("export latest --format parquet", "export latest --format parquet -o results.parquet"),
        ("cancel latest --task 3", "cancel latest --task 3 --yes"),
        ("results demo-", f"results {newest.id}"),
    ):
        done = shell.run("hsm", *typed.split())
        assert done.returncode == 2
        assert f"next: hsm {meant}\n" in done.stderr


def test_a_name_means_its_newest_sweep_and_says_so(shell: Shell, sweep: MadeSweep, tmp_path: Path) -> None:
    newer = MadeSweep(tmp_path / "newer", total=1, created="2026-02-01T00:00:00")
    done = shell.run("hsm", "tasks", "demo", "-q")
    assert done.stdout == "0\n"
    assert done.stderr == f"demo: {newer.id}, the newest of 2 sweeps of this name\n"
    assert shell.status("demo").stdout.startswith(newer.id)


def test_wait(shell: Shell, tmp_path: Path, sweep: MadeSweep) -> None:
    out(shell, "wait", "demo", code=3)
    live = MadeSweep(tmp_path / "live", total=1, name="live")
    with real_process() as (_, identity):
        start(live.worker("w1", identity), 0)
        began = time.monotonic()
        out(shell, "wait", "live", "--timeout", "0.2", code=4)
        assert time.monotonic() - began < 20


def test_forget(shell: Shell, sweep: MadeSweep) -> None:
    out(shell, "forget", "latest", "--dry-run")
    assert sweep.id in out(shell, "list")
    out(shell, "forget", "latest")
    assert sweep.id not in out(shell, "list")
    assert sweep.paths.record.is_file()
    assert sweep.id in out(shell, "status", str(sweep.root))


def test_sweeps_that_are_gone_are_forgotten_by_one_line(shell: Shell, tmp_path: Path) -> None:
    kept, *gone = [MadeSweep(tmp_path / name, total=1, name=name) for name in ("kept", "one", "two")]
    for sweep in gone:
        shutil.rmtree(sweep.root)
    told = shell.status(COLUMNS="80").stdout
    assert told.splitlines()[-1] == "next: hsm forget --gone    # takes 2 off your list, if they were deleted"
    assert out(shell, "list", "--json").count('"trouble"') == 2
    assert shell.run("hsm", "forget", "--gone", "--dry-run").stderr.count("would be off your list") == 2
    out(shell, "forget", "--gone")
    assert kept.id in out(shell, "list")
    assert "no sweep on your list is gone" in shell.run("hsm", "forget", "--gone").stderr
    assert "next: hsm forget latest\n" in shell.run("hsm", "forget").stderr


def test_a_cancelled_task_says_so_once(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    worker = sweep.worker("w1", spans=[Span(0, 1)])
    start(worker, 0)
    worker.append(events.End(0, 1, "cancelled", "cancelled", "cancelled on request", wall=4.0))
    worker.seal()
    line = out(shell, "tasks", "latest").splitlines()[1]
    assert re.search(r"− cancelled +on request ", line)
    assert json.loads(out(shell, "tasks", "latest", "--json"))["tasks"][0]["reason"] == "cancelled"


def test_cancel_records_what_nobody_holds(shell: Shell, tmp_path: Path) -> None:
    """A dead worker's queue, what was never submitted, and the killed one's running task."""
    sweep = MadeSweep(tmp_path / "s", total=5)
    identity = killed_process()
    worker = sweep.worker("w1", identity, [Span(0, 4)])
    complete(worker, 0)
    start(worker, 1)
    sweep.conductor([Span(0, 4)], identity)
    assert "4 tasks (1-4)" in shell.run("hsm", "cancel", "latest", "--dry-run").stderr
    assert SweepState(sweep.root).counts()["cancelled"] == 0
    done = shell.run("hsm", "cancel", "latest")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    out(shell, "cancel", "latest", "--yes", "--task", "2")
    state = SweepState(sweep.root)
    state.refresh()
    assert [state.state_of(task) for task in range(5)] == [
        "completed",
        "lost",
        "cancelled",
        "pending",
        "pending",
    ]
    assert shell.read("latest")["phase"] == "stopped"
    out(shell, "cancel", "latest", "--yes")
    state.refresh()
    assert {state.state_of(task) for task in range(1, 5)} == {"cancelled"}
    assert shell.read("latest")["phase"] == "cancelled"
    assert state.bad_lines == 0
    assert living_conductor(sweep.paths) is None
    assert "nothing to cancel" in shell.run("hsm", "cancel", "latest", "--yes").stderr


@pytest.mark.parametrize("sweeper", ["basic", "optuna"])
def test_a_sweep_that_was_cancelled_whole_has_ended(shell: Shell, tmp_path: Path, sweeper: str) -> None:
    sweep = MadeSweep(tmp_path / "s", total=None, tasks=2, sweeper=sweeper)
    worker = sweep.worker("w1", killed_process(), [Span(0, 1)])
    sweep.conductor([Span(0, 1)], killed_process())
    worker.append(events.End(0, 1, "cancelled", "cancelled"))
    out(shell, "cancel", "latest", "--yes")
    assert shell.read("latest")["phase"] == "cancelled"


def test_cancel_waits_for_the_worker_that_runs_it(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    sweep.paths.launch(0).root.mkdir()
    with real_process() as (_, identity):
        worker = sweep.worker("w1", identity, [Span(0, 2)])
        start(worker, 0)
        sweep.conductor([Span(0, 2)], identity)
        done = shell.run("hsm", "cancel", "latest", "--yes", "--timeout", "0")
        assert done.returncode == 1
        assert "2 tasks (0-1)" in done.stderr
        assert "w1 on" in done.stderr
        command = [sys.executable, "-c", PROGRAM.format("hsm"), "cancel", "latest", "--yes"]
        with subprocess.Popen(command, env=shell.env, stderr=subprocess.PIPE) as canceller:
            wait_until(lambda: len(list(sweep.paths.requests.glob("cancel-*.json"))) == 2)
            assert RequestReader(sweep.paths).read_new("launch-0") == [None, None]
            assert canceller.poll() is None
            worker.append(events.End(0, 1, "cancelled", "cancelled"))
            complete(worker, 1)
            _, said = canceller.communicate(timeout=30)
    assert canceller.returncode == 0
    assert f"{sweep.id}: cancelled task 0\n{sweep.id}: completed, not cancelled: task 1\n" in said.decode()


def test_cancel_leaves_recording_to_a_living_conductor(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    take_lease(sweep.paths, sweep.id, this_process())
    done = shell.run("hsm", "cancel", "latest", "--yes", "--timeout", "0.5")
    assert done.returncode == 1
    assert f"the launcher, process {this_process().pid}" in done.stderr
    assert list(sweep.paths.events.iterdir()) == []


def test_a_schedulers_job_id_names_a_sweep(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    sweep.conductor([Span(0, 1)])
    assert out(shell, "tasks", "77.cluster", "-q") == "0\n"
    assert shell.status("77.cluster").stdout.startswith(sweep.id)
    out(shell, "tasks", "78.cluster", code=2)


@pytest.mark.parametrize(("text", "numbers"), [("3", (3,)), ("3,7-9,3", (3, 7, 8, 9)), (" 1 , 2", (1, 2))])
def test_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert TaskNumbers().convert(text, None, None) == numbers


@pytest.mark.parametrize("text", ["a", "1-", "-1", "1,,2", "", "²", "7-3", "0-999999999"])
def test_no_numbers(text: str) -> None:
    with pytest.raises(click.UsageError):
        TaskNumbers().convert(text, None, None)


def test_doctor_names_what_is_wrong_and_how_to_fix_it(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("defaults:\n  - override hydra/sweeper: basic\n")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("qsub", "qstat"):
        (bin_ / name).write_text("#!/bin/sh\necho 'slurm-wlm-torque 22.05'\n")
        (bin_ / name).chmod(0o755)
    done = shell.run("hsm", "doctor", "--json", cwd=tmp_path, PATH=f"{bin_}:/usr/bin:/bin")
    found = {(one["name"], one["level"]): one for one in json.loads(done.stdout)["findings"]}
    assert "does not belong to PBS" in found["PBS", "note"]["said"]
    assert "basic" in found["primary config", "note"]["said"]
    assert ("hydra-core", "ok") in found
    assert done.returncode == int(any(level == "bad" for _, level in found))


def test_doctor_finds_a_plugin_that_is_there_twice(shell: Shell, tmp_path: Path) -> None:
    for name in ("one", "two"):
        place = tmp_path / name / "hydra_plugins" / "hsm"
        place.mkdir(parents=True)
        (place / "plugins.py").touch()
    env = {"PYTHONPATH": f"{ROOT}:{tmp_path}/one:{tmp_path}/two"}
    done = shell.run("hsm", "doctor", cwd=tmp_path, **env)
    assert "times: " in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: Shell, name: str) -> None:
    text = out(shell, "completion", name)
    assert "_HSM_COMPLETE" in text
    assert "_HSM_STATUS_COMPLETE" in text


def test_tab_knows_the_sweeps(shell: Shell, sweep: MadeSweep) -> None:
    env = {"_HSM_COMPLETE": "bash_complete", "COMP_WORDS": "hsm status d", "COMP_CWORD": "2"}
    assert sweep.id in out(shell, "x", **env)
    MadeSweep(sweep.root.parent / "t", total=1, name="d e; f")
    assert "d e" not in out(shell, "x", **env)
    env = {"_HSM_STATUS_COMPLETE": "bash_complete", "COMP_WORDS": "hsm-status l", "COMP_CWORD": "1"}
    assert "latest" in shell.status("x", **env).stdout


def test_tasks_that_were_lost_for_a_reason_are_retried_by_it(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3, cwd=str(tmp_path), app={"main": ["python", "app.py"]})
    worker = sweep.worker("w1", killed_process())
    for task in (0, 1):
        start(worker, task)
    worker.append(events.End(1, 1, "failed", "exception", "no"))
    worker.sync()
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", killed_process()))
    conductor.append(events.Gone([Span(0, 1)], "lost", "preempted", "Slurm says PREEMPTED"))
    conductor.seal()
    told = shell.run("hsm", "retry", "latest", "--error", "preempted", "--dry-run").stderr
    assert "would run 1 task: 0" in told
    told = shell.run("hsm", "retry", "latest", "--task", "2", "--dry-run").stderr
    assert f"2 tasks are left\n  next: hsm resume {sweep.id}" in told


def test_what_is_typed_wrong_is_told_also_where_nothing_is_to_run(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1, cwd=str(tmp_path), app={"main": ["python", "app.py"]})
    complete(sweep.worker("w1", killed_process()), 0)
    for words, meant in (("--set slots=2", "hydra.launcher.slots=2"), ("--launcher hsm_slrum", "hsm_slurm")):
        done = shell.run("hsm", "resume", "latest", *words.split())
        assert (done.returncode, meant in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        ("resume latest", "nothing to run; 1 task failed", 3),
        ("resume latest --task 0,2", "tasks 0,2 are completed", 0),
        ("resume latest --task 1", "nothing to run; 1 task failed", 3),
        ("resume latest --dry-run", "nothing to run; 1 task failed", 0),
        ("retry latest --error oom", "nothing to run", 0),
        ("retry latest --task 2", "task 2 is completed", 0),
    ],
)
def test_where_nothing_is_to_run_the_exit_code_is_as_if_it_had(
    shell: Shell, tmp_path: Path, words: str, told: str, code: int
) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3, cwd=str(tmp_path), app={"main": ["python", "app.py"]})
    worker = sweep.worker("w1", killed_process())
    complete(worker, 0, 2)
    fail(worker, 1, "no")
    done = shell.run("hsm", *words.split())
    assert (told in done.stderr, done.returncode) == (True, code), done.stderr


def test_retry_leaves_a_live_sweep_alone_if_none_failed(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3, cwd=str(tmp_path), app={"main": ["python", "app.py"]})
    start(sweep.worker("w1", this_process()), 0)
    conductor = JournalWriter(sweep.paths.journal("conductor-a"))
    conductor.append(events.ConductorHead("conductor-a", killed_process()))
    conductor.append(events.Cancel(1, 1))
    conductor.seal()
    for more in ((), ("--dry-run",), ("--error", "oom")):
        done = shell.run("hsm", "retry", "latest", *more)
        assert done.returncode == 0
        assert done.stdout == ""
        assert ("nothing to run" if "oom" in more else "no task has failed") in done.stderr
    told = shell.run("hsm", "retry", "latest").stderr
    assert f"2 tasks are left\n  next: hsm resume {sweep.id}" in told
    told = shell.run("hsm", "resume", "latest", "--task", "0", "--dry-run")
    assert "hydra.launcher.only_tasks=0" in told.stdout  # what is cancelled isn't run along


def test_a_running_sweep_is_not_forgotten_unless_forced(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    with real_process() as (_, identity):
        start(sweep.worker("w1", identity), 0)
        for more in ((), ("--dry-run",)):
            done = shell.run("hsm", "forget", "latest", *more)
            assert done.returncode == 1
            assert f"{sweep.id} is still running" in done.stderr
            assert f"next: hsm cancel {sweep.id}    # or hsm forget {sweep.id} --force" in done.stderr
        assert sweep.id in out(shell, "list")
        assert shell.run("hsm", "forget", "latest", "--force").returncode == 0
        assert sweep.id not in out(shell, "list")


def test_forgetting_what_is_gone_promises_no_files(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    sweep.root.rename(tmp_path / "elsewhere")
    told = shell.run("hsm", "forget", sweep.id).stderr
    assert told == f"{sweep.id} is off your list; it is no longer in {sweep.root}\n"


def test_a_cut_option_is_completed_and_none_is_proposed_without_its_value(shell: Shell) -> None:
    told = shell.run("hsm", "resume", "latest", "--retry").stderr
    assert "next: hsm resume latest --retry-failed\n" in told
    told = shell.run("hsm", "resume", "latest", "--tasks").stderr
    assert "next: hsm resume --help\n" in told
    told = shell.run("hsm", "resume", "latest", "--tasks", "3").stderr
    assert "next: hsm resume latest --task 3\n" in told


def test_a_sweep_named_twice_is_shown_once(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    complete(sweep.worker("w1"), 0)
    told = shell.run("hsm", "export", "latest", sweep.id, str(sweep.root), "--format", "csv")
    assert len(told.stdout.splitlines()) == 3


def test_help_is_asked_for_in_all_the_usual_ways(shell: Shell) -> None:
    whole = out(shell, "--help")
    assert whole == out(shell, "-h") == out(shell, "help") == out(shell)
    assert out(shell, "help", "resume") == out(shell, "resume", "-h") == out(shell, "resume", "--help")
    assert shell.status("-h").stdout == shell.status("--help").stdout
    assert "Finish, repeat or end a sweep:\n  resume" in whole
    assert "..." not in whole.partition("COMMAND [ARGS]...")[2]


def test_help_is_as_wide_as_the_terminal(shell: Shell) -> None:
    narrow, wide = (out(shell, "help", "results", COLUMNS=columns) for columns in ("60", "150"))
    assert max(map(len, narrow.splitlines())) <= 60
    assert len(wide.splitlines()) < len(narrow.splitlines())
    assert "\n    hsm results latest --best val_loss --top 5\n" in narrow


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tasks"], "error: name a sweep; hsm-status lists them, latest is the newest\n  next: hsm tasks latest\n"),
        (["tasks", "latest", "--limit", "0"], "next: hsm tasks --help\n"),
        (["tasks", "--stat", "lost"], "next: hsm tasks --state lost\n"),
        (["help", "resum"], "error: hsm has no 'resum'\n  next: hsm resume --help\n"),
        (
            ["completion", "tcsh"],
            "error: shell can't be 'tcsh'\n  because: there are: bash, zsh, fish\n  next: hsm completion --help\n",
        ),
    ],
)
def test_what_was_typed_wrong_is_told_as_all_errors_are(
    shell: Shell, sweep: MadeSweep, words: list[str], told: str
) -> None:
    done = shell.run("hsm", *words)
    assert (done.returncode, done.stderr.startswith("error: "), told in done.stderr) == (2, True, True), done.stderr


def _returning(made: MadeSweep, value: object, *tasks: int) -> None:
    worker = made.worker("w1", spans=[Span(0, len(tasks))])
    complete(worker, *tasks)
    for task in tasks:
        outcome = {"sweep": made.id, "task": task, "attempt": 1, "state": "completed", "value": value}
        made.files(task).outcome.write_text(json.dumps(outcome))
    worker.seal()


def test_every_refusal_of_a_name_ends_with_a_line_to_type(shell: Shell, sweep: MadeSweep) -> None:
    for words in (("--columns", "zzz"), ("--where", "zzz > 1"), ("--group-by", "zzz")):
        told = shell.run("hsm", "results", "latest", *words).stderr
        assert re.fullmatch(r"error: .*no column 'zzz'\n  because: there are: .*\n  next: hsm results --help\n", told)
    assert "  next: hsm results latest --best loss\n" in shell.run("hsm", "results", "latest", "--best", "zzz").stderr


def test_tasks_on_a_terminal_have_their_reasons_and_the_line_that_says_more(shell: Shell, sweep: MadeSweep) -> None:
    done = shell.run("hsm", "tasks", "latest", COLUMNS="80")
    assert done.stdout.splitlines()[0].split() == ["task", "state", "reason", "time", "overrides"]
    assert re.search(r"^ +2  ✗ failed +exception +lr=2$", done.stdout, re.MULTILINE)
    assert done.stderr == f"next: hsm errors {sweep.id}    # why tasks failed\n"
    good = shell.run("hsm", "tasks", "latest", "--state", "completed", COLUMNS="80")
    assert (good.stdout.splitlines()[0].split(), good.stderr) == (["task", "state", "time", "overrides"], "")


def test_a_sweep_is_added_before_the_task(shell: Shell, sweep: MadeSweep) -> None:
    for words, meant in (
        (["logs", "--stderr", "3"], "logs --stderr latest 3"),
        (["reproduce", "3"], "reproduce latest 3"),
        (["command", "3", "--json"], "command latest 3 --json"),
    ):
        assert shell.run("hsm", *words).stderr.endswith(f"\n  next: hsm {meant}\n")


def test_what_can_not_be_sorted_is_refused(shell: Shell, tmp_path: Path) -> None:
    _returning(MadeSweep(tmp_path / "s", total=2), {"note": "a", "loss": 1.0, "flag": [1]}, 0, 1)
    for name, told in (("note", "'note' is text"), ("flag", "'flag' is no number"), ("losss", "no metric 'losss'")):
        done = shell.run("hsm", "results", "latest", "--best", name)
        assert done.returncode == 2
        assert told in done.stderr
        assert "next: hsm results latest --best loss\n" in done.stderr
        assert not done.stdout


def test_a_declared_metric_that_no_task_has_is_told(shell: Shell, tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=2, metric=(("los", "min"),))
    assert "los" not in summary(SweepState(made.root))
    _returning(made, {"loss": 1.0}, 0, 1)
    said = "none of the results has the metric 'los'; there is: loss"
    assert said in shell.run("hsm", "results", "latest").stderr
    state = SweepState(made.root)
    state.refresh()
    assert said in summary(state)
    assert shell.run("hsm", "results", "latest", "--best").returncode == 2


def test_that_there_is_no_metric_at_all_is_told_once(shell: Shell, tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=2, metric=(("loss", "min"), ("acc", "max")))
    _returning(made, None, 0, 1)
    told = shell.run("hsm", "results", "latest").stderr
    assert "the sweep declares 'loss', 'acc', but none of the results has a metric: return a number" in told
    assert told.count("has a metric") == 1
    state = SweepState(made.root)
    state.refresh()
    assert "declares 'loss'" in summary(state)
    assert "declares" not in summary(state, first=False)


def test_no_metric_is_proposed_where_there_is_none(shell: Shell, tmp_path: Path) -> None:
    MadeSweep(tmp_path / "s", total=2)
    for words in (("--top", "2"), ("--best",), ("--best", "loss")):
        done = shell.run("hsm", "results", "latest", *words)
        assert done.returncode == 2
        assert "because: no task has a metric\n  fix: return a number, or" in done.stderr


def test_a_launcher_looks_at_the_first_results_only(tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=30, metric=(("loss", "min"),))
    _returning(made, {"los": 1.0}, *range(30))
    for task in (0, 20):
        made.files(task).outcome.write_text(made.files(task).outcome.read_text().replace("los", "loss"))
    state = SweepState(made.root)
    state.refresh()
    assert missing_at_first(state) == []
    told = "has the metric 'loss'; there is: los"
    assert missing_at_first(state, range(1, 19)) == [f"none of the results {told}"]
    made.files(0).outcome.write_text(made.files(1).outcome.read_text().replace('"task": 1', '"task": 0'))
    assert missing_at_first(state) == [f"none of the first 20 results {told}"]


def test_where_metrics_come_from_is_told_where_there_are_none(shell: Shell, tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=2)
    _returning(made, None, 0, 1)
    assert "no metrics: return a number" in shell.run("hsm", "results", "latest").stderr
    assert "metrics.json" in shell.run("hsm", "results", "--help").stdout


def test_rows_without_the_metric_are_shown_as_they_are(shell: Shell, sweep: MadeSweep) -> None:
    for words in (("--best", "loss"), ()):
        shown = out(shell, "results", "latest", "--where", "state == 'failed'", *words)
        assert shown.splitlines()[1].split()[:2] == ["2", "failed"]
        assert out(shell, "results", "latest", "--where", "task > 99", *words) == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("logs", "latest", "x"), "'x' is not a whole number, such as 3"),
        (("results", "latest", "--top", "x"), "'x' is not a whole number, such as 3"),
        (("results", "latest", "--top", "0"), "0 is too small: it must be at least 1"),
        (("wait", "latest", "--timeout", "x"), "'x' is not a number, such as 1.5"),
        (("results", "latest", "--format", "docx"), "--format can't be 'docx'\n  because: there are: table, csv"),
        (("results", "latest", "--wher", "x"), "there is no option --wher"),
        (("status", "-w", "0", "latest"), "0.0 is too small: it must be at least 0.1"),
        (("monitor", "-w0", "latest"), "0.0 is too small: it must be at least 0.1"),
        (("status", "-w", "-1", "latest"), "-1.0 is too small: it must be at least 0.1"),
    ],
)  # fmt: skip
def test_wrong_values_are_told_in_plain_words(
    shell: Shell, sweep: MadeSweep, words: tuple[str, ...], told: str
) -> None:
    done = shell.run("hsm", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "is not a valid" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("results latest --sort loss", "results latest --best loss"),
        ("results latest --order-by=loss", "results latest --best=loss"),
        ("results latest --sort", "results latest --best"),
        ("results latest --metric loss", "results latest --best loss"),
        ("results latest --limit 3", "results latest --top 3"),
        ("results latest -n 3", "results latest --top 3"),
        ("results latest --by seed", "results latest --group-by seed"),
        ("results latest --bst loss", "results latest --best loss"),
        ("results latest --csv", "results latest --format csv"),
        ("results latest --format jsno", "results latest --format json"),
        ("results latest --format xml", "results --help"),
        ("export latest --json", "export latest --format json"),
        ("export latest --out r.csv", "export latest --output r.csv"),
        ("tasks latest --failed", "tasks latest --state failed"),
        ("tasks latest --sate failed", "tasks latest --state failed"),
        ("logs latest --task 2", "logs latest 2"),
        ("logs latest 2 --err", "logs latest 2 --stderr"),
        ("logs latest 2 --tail 5", "logs --help"),
        ("command latest", "command latest 0"),
        ("cancel latest -y", "cancel latest --yes"),
        ("cancel latest --force", "cancel latest --yes"),
        ("retry latest --reason oom", "retry latest --error oom"),
        ("retry latest --error foo", "retry --help"),
        ("monitor latest --interval 3", "monitor latest --watch 3"),
        ("status latest other", "status latest"),
        ("completion", "completion bash"),
        ("completion fihs", "completion fish"),
    ],
)
def test_the_option_or_the_value_that_was_meant_is_proposed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["hsm", *typed.split()])
    assert run(hsm, typed.split(), "hsm") == 2
    told = capsys.readouterr().err
    assert told.endswith(f"\n  next: hsm {meant}\n")
    assert not re.search("Missing|Invalid|Got", told)


def test_one_row_is_no_rows_and_tabs_are_a_format(shell: Shell, tmp_path: Path) -> None:
    _returning(MadeSweep(tmp_path / "s", total=1), {"loss": 1.0}, 0)
    done = shell.run("hsm", "export", "latest", "-o", str(tmp_path / "r.tsv"))
    assert done.stderr.startswith("1 row as tsv in ")
    assert (tmp_path / "r.tsv").read_text().splitlines()[0].split("\t")[:3] == ["sweep", "task", "state"]
