"""hsm-status as a shell sees it: real processes, real sweep directories."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hsm_core.cli.show_status import Options
from hsm_core.cli.status import read_plain
from hsm_core.cli.watch_option import spell_out_watch
from hsm_core.model import Span
from hsm_core.store import events
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, fail, killed_process, real_process, start

ROOT = Path(__file__).parents[3]
PROGRAM = "import sys; from hsm_core.cli.{0} import main; sys.argv[0] = '{0}'; sys.exit(main())"


class Shell:
    """Runs our commands with a list of sweeps of its own."""

    def __init__(self, home: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.env = {**kept, "XDG_STATE_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def run(
        self, program: str, *words: str, cwd: Path | str = "/", **env: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PROGRAM.format(program), *words]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=cwd, env={**self.env, **env}, check=False, timeout=60
        )

    def status(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run("status", *words, **env)

    def read(self, *words: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.status(*words, "--json").stdout)
        return found


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "state")


@pytest.fixture
def mixed(shell: Shell, weird_tmp_path: Path) -> Iterator[MadeSweep]:
    """A sweep with something of everything, its worker alive."""
    with real_process() as (_, identity):
        sweep = MadeSweep(weird_tmp_path / "s", total=8, name="mixed")
        worker = sweep.worker("w1", identity, [Span(0, 6)])
        complete(worker, 0, 1)
        fail(worker, 2, "ValueError: bad step 3", kind="ValueError")
        sweep.files(2).stderr.touch()
        fail(worker, 3, "ValueError: bad step 77", kind="ValueError")
        start(worker, 4)
        start(sweep.worker("w2", killed_process()), 5)
        start(sweep.worker("w3", ELSEWHERE), 6)
        yield sweep


def test_one_sweep_in_full(shell: Shell, mixed: MadeSweep) -> None:
    done = shell.status("mixed", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert mixed.id in text
    assert str(mixed.root) in text
    assert "✓ 2 completed  ✗ 2 failed  ? 1 lost  ▶ 2 running  · 1 pending" in text
    assert "✗ 2 × exception: ValueError: bad step N" in text
    assert f"log:   {mixed.root}/2/.hsm/stderr.log" in text
    assert re.search(r"\? 1 × unknown: process \d+ on", text)
    assert re.search(r"another-node: last report \d+ s ago, 1 running", text)
    assert text.endswith(f"next: hsm-status -w {mixed.id}\n")
    assert "\x1b" not in text
    paths = ("  dir", "    log")
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith(paths))


def test_as_json(shell: Shell, mixed: MadeSweep) -> None:
    found = shell.read("mixed")
    assert found["schema_version"] == 1
    assert found["phase"] == "running"
    assert found["counts"] == {
        "pending": 1, "queued": 0, "running": 2, "completed": 2, "failed": 2, "cancelled": 0, "lost": 1,
    }  # fmt: skip
    groups = found["failures"]
    assert isinstance(groups, list)
    assert [(group["count"], group["reason"], group["tasks"]) for group in groups] == [
        (2, "exception", [2, 3]),
        (1, "unknown", [5]),
    ]
    assert "gone" in groups[1]["message"]


def test_the_list_and_an_empty_one(shell: Shell, tmp_path: Path) -> None:
    done = shell.status("--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"schema_version": 1, "sweeps": []})
    done = shell.status()
    assert (done.returncode, done.stdout) == (0, "")
    assert "no sweeps yet" in done.stderr
    gone = MadeSweep(tmp_path / "gone", name="gone")
    complete(MadeSweep(tmp_path / "kept", name="kept").worker("w1"), 0, 1, 2, 3)
    shutil.rmtree(gone.root)
    text = shell.status(COLUMNS="80").stdout
    assert re.search(r"kept-\S+ .* 4/4 +completed", text)
    assert f"hsm forget {gone.id}" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert [found["phase"] for found in json.loads(shell.status("--json").stdout)["sweeps"]].count("unreadable") == 1


@pytest.mark.parametrize("end", ["completed", "failed", "stopped", "running"])
def test_exit_status(shell: Shell, tmp_path: Path, end: str) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    with real_process() as (_, identity):
        worker = sweep.worker("w1", identity)
        complete(worker, 0)
        if end == "completed":
            complete(worker, 1)
        elif end == "failed":
            fail(worker, 1, "no")
        elif end == "running":
            start(worker, 1)
        codes = [shell.status("latest", *words).returncode for words in ([], ["--exit-status"])]
    assert codes == [0, {"completed": 0, "failed": 3, "stopped": 3, "running": 4}[end]]


@pytest.mark.parametrize(
    ("facts", "phase", "settled"),
    [
        ({"sweeper": "basic"}, "completed", "completed"),
        ({"sweeper": "basic", "app": {"batches": True}}, "stopped", "completed"),
        ({"sweeper": "optuna"}, "stopped", "completed"),
    ],
)
def test_a_killed_launcher_whose_tasks_all_completed(
    shell: Shell, tmp_path: Path, facts: dict[str, object], phase: str, settled: str
) -> None:
    sweep = MadeSweep(tmp_path / "s", total=None, tasks=1, **facts)
    sweep.conductor([Span(0, 1)], killed_process())
    worker = sweep.worker("w1", killed_process(), [Span(0, 1)])
    complete(worker, 0)
    worker.seal()
    seen = shell.read("latest")
    assert seen["phase"] == phase
    assert ("hsm resume" in str(seen["next"])) == (phase == "stopped")
    shell.run("hsm", "resume", "latest", "--dry-run")
    assert shell.read("latest")["phase"] == phase
    assert shell.run("hsm", "resume", "latest").returncode == 0
    assert shell.read("latest")["phase"] == settled
    assert shell.status("latest", "--exit-status").returncode == 0


def test_what_is_not_there_or_wrong_is_an_error_without_a_traceback(shell: Shell, tmp_path: Path) -> None:
    one, two = MadeSweep(tmp_path / "a", name="abl"), MadeSweep(tmp_path / "b", name="abl")
    for words, said in (
        (["nope"], "no sweep fits 'nope'"),
        (["abl-"], one.id),
        (["abl-"], two.id),
        (["--wrong"], "--wrong"),
        (["a", "b"], "too many arguments: b\n  next: hsm-status a\n"),
    ):
        done = shell.status(*words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    one.paths.record.write_text("{")
    done = shell.status(str(one.root))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_trouble(shell: Shell, tmp_path: Path, closed: str) -> None:
    MadeSweep(tmp_path / "s")
    words = [sys.executable, "-c", PROGRAM.format("status"), "latest"]
    line = f"{shlex.join(words)} {closed}"
    done = subprocess.run(["sh", "-c", line], env=shell.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_bad_lines_are_told(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    worker = sweep.worker("w1")
    with open(sweep.paths.journal("w1"), "ab") as stream:
        stream.write(b'{"e":"end","t":0,"a":1,"state":"comp\n\xff\xfe\n')
    start(worker, 0)
    assert "2 lines could not be read" in shell.status("latest").stdout
    assert shell.read("latest")["bad_lines"] == 2


def test_a_moved_sweep_says_so(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    complete(sweep.worker("w1"), 0)
    moved = sweep.root.rename(tmp_path / "elsewhere")
    done = shell.status(str(moved), "--exit-status")
    assert done.returncode == 0
    assert f"moved    from {sweep.root}" in done.stdout
    assert shell.read(str(moved))["moved"] is True


def test_a_copy_is_not_called_moved(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    complete(sweep.worker("w1"), 0)
    copy = shutil.copytree(sweep.root, tmp_path / "copy")
    text = shell.status(str(copy)).stdout
    assert f"  copied   from {sweep.root}\n" in text
    assert "moved" not in text
    assert f"next: hsm results {copy}\n" in text
    assert shell.read(str(copy))["moved"] is False
    later = sweep.root.rename(tmp_path / "later")
    assert f"  moved    from {sweep.root}\n" in shell.status(str(later)).stdout
    assert f"  copied   from {later}\n" in shell.status(str(copy)).stdout


def test_a_moved_sweep_is_found_by_its_id_once_it_was_seen(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "before", total=1)
    complete(sweep.worker("w1"), 0)
    shutil.move(sweep.root, tmp_path / "after")
    assert "moved, deleted, or disk not mounted" in shell.status().stdout
    assert shell.status(str(tmp_path / "after")).returncode == 0
    assert str(tmp_path / "after") in shell.status(sweep.id).stdout
    assert "not mounted" not in shell.status().stdout
    shutil.move(tmp_path / "after", tmp_path / "later")
    forgotten = shell.run("hsm", "forget", str(tmp_path / "later"))
    assert (forgotten.returncode, sweep.id in forgotten.stderr) == (0, True)
    assert sweep.id not in shell.status().stdout


def test_a_copy_or_a_colleagues_sweep_is_not_put_on_the_list(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "before", total=1)
    shutil.copytree(sweep.root, tmp_path / "copy")
    assert shell.status(str(tmp_path / "copy")).returncode == 0
    assert shell.read(sweep.id)["dir"] == str(sweep.root)
    assert shell.run("hsm", "forget", sweep.id).returncode == 0
    assert shell.status(str(sweep.root)).returncode == 0
    assert sweep.id not in shell.status().stdout


def test_events_of_another_format_are_refused(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    complete(sweep.worker("w1"), 0)
    path = sweep.paths.journal("w1")
    path.write_bytes(path.read_bytes().replace(b'"format":3', b'"format":1'))
    done = shell.status("latest")
    assert done.returncode == 1
    assert "format 1" in done.stderr
    assert done.stdout == ""


def test_a_width_that_is_no_number_is_none(shell: Shell, tmp_path: Path) -> None:
    MadeSweep(tmp_path / "s", total=1)
    assert shell.status("latest", COLUMNS="²").returncode == 0
    assert shell.status("-w", "²").returncode == 2


def test_inside_a_sweep_that_sweep(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    (sweep.root / "0").mkdir()
    assert shell.run("status", cwd=sweep.root / "0").stdout.startswith(sweep.id)


def test_a_name_cannot_paint_the_terminal(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1, description="\x1b[2Jevil", launcher="\x1b]0;x\x07")
    fail(sweep.worker("w1"), 0, "\x1b[31mred\x07")
    assert "\x1b" not in shell.status("latest").stdout
    assert "\x07" not in shell.status("latest").stdout


def test_an_ascii_terminal_gets_something(shell: Shell, mixed: MadeSweep) -> None:
    done = shell.status("mixed", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "2 completed" in done.stdout


def test_watching_ends_with_the_sweep(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)
    with real_process() as (_, identity):
        worker = sweep.worker("w1", identity)
        start(worker, 0)
        command = [
            sys.executable,
            "-u",
            "-c",
            PROGRAM.format("status"),
            "-w",
            "0.1",
            "latest",
            "--exit-status",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=shell.env) as watcher:
            assert watcher.stdout is not None
            first = [watcher.stdout.readline() for _ in range(5)]
            assert shell.status("latest").stdout.endswith(f"next: hsm-status -w {sweep.id}\n")
            worker.append(events.End(0, 1, "completed"))
            rest, _ = watcher.communicate(timeout=30)
    assert "running" in first[0]
    assert "completed" in rest
    assert "hsm-status -w" not in "".join([*first, rest])  # whoever watches needs no advice to watch
    assert watcher.returncode == 0


def test_ctrl_c_is_130(shell: Shell, mixed: MadeSweep) -> None:
    import signal

    command = [sys.executable, "-u", "-c", PROGRAM.format("status"), "-w", "mixed"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=shell.env,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # nohup has it ignored
    ) as watcher:  # fmt: skip
        assert watcher.stdout is not None
        watcher.stdout.readline()
        watcher.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):  # Python swallows it inside a destructor: press it again
            watcher.wait(timeout=10)
        watcher.send_signal(signal.SIGINT)
        _, said = watcher.communicate(timeout=30)
    assert watcher.returncode == 130
    assert b"Traceback" not in said


def on_terminal(shell: Shell, **env: str) -> str:
    """What hsm-status writes to a real terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM.format("status"), "latest"]
    subprocess.run(command, stdout=theirs, env={**shell.env, "TERM": "xterm", **env}, check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb") as stream:
        return os.read(stream.fileno(), 65536).decode()


def test_colour_on_a_terminal_and_as_asked(shell: Shell, mixed: MadeSweep) -> None:
    assert "\x1b[31m✗ 2 failed\x1b[0m" in on_terminal(shell)
    assert "\x1b" not in on_terminal(shell, NO_COLOR="1")
    assert "\x1b" not in on_terminal(shell, TERM="dumb")
    assert "\x1b[31m" in shell.status("latest", FORCE_COLOR="1").stdout
    assert "\x1b" not in shell.status("latest", FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look with another user's eyes")
def test_a_colleagues_sweep_can_be_read_and_is_not_touched(shell: Shell, weird_tmp_path: Path) -> None:
    sweep = MadeSweep(weird_tmp_path / "s", total=2)
    worker = sweep.worker("w1", killed_process())
    complete(worker, 0)
    start(worker, 1)
    for path in [sweep.root, *sweep.root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in sweep.root.rglob("*"))
    os.chown(sweep.root, 1, 1)
    modules = "hsm_core.cli.show_status, hsm_core.views.status.sweep_text, hsm_core.store.lease, fnmatch, glob, heapq"
    main = "from hsm_core.cli.status import main"
    program = f"import os, sys, {modules}; {main}; os.setgid(65534); os.setuid(65534); sys.exit(main())"
    command = [sys.executable, "-c", program, str(sweep.root)]
    done = subprocess.run(command, capture_output=True, text=True, env=shell.env, check=False)
    assert done.returncode == 0, done.stderr
    assert "✓ 1 completed  ? 1 lost" in done.stdout
    assert sorted((str(path), path.stat().st_mtime_ns) for path in sweep.root.rglob("*")) == before


NEVER = {
    "hydra",
    "omegaconf",
    "yaml",
    "jinja2",
    "paramiko",
    "submitit",
    "rich",
    "pickle",
    "cloudpickle",
    "click",
    "_hashlib",
    "shutil",
}


@pytest.mark.parametrize("words", [[], ["latest"], ["latest", "--json"], ["--json"]])
def test_what_is_never_loaded(shell: Shell, mixed: MadeSweep, words: list[str]) -> None:
    program = (
        "import sys; from hsm_core.cli.status import main; main();"
        f"print(sorted(set(sys.modules) & {NEVER!r}), file=sys.stderr)"
    )
    command = [sys.executable, "-S", "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=shell.env, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Options()),
        (["latest"], Options("latest")),
        (["-w", "latest"], Options("latest", watch=2.0)),
        (["-w", "5", "latest"], Options("latest", watch=5.0)),
        (["latest", "-w0.5"], Options("latest", watch=0.5)),
        (["--watch=3", "--json"], Options(None, as_json=True, watch=3.0)),
        (["-w", "0", "latest"], None),
        (["-w0", "latest"], None),
        (["-w", "0.01"], None),
        (["-w", "-1"], None),
        (["a", "--exit-status", "--all"], Options("a", exit_status=True, all=True)),
        (["--help"], None),
        (["a", "b"], None),
        (["--watch=x"], None),
        (["--jsn"], None),
        ([""], None),
    ],
)
def test_plain_words_need_no_click(words: list[str], expected: Options | None) -> None:
    assert read_plain(spell_out_watch(words)) == expected
