"""What a task may do to the others: nothing. Each way to fail becomes that task's state and reason."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.store.files import read_json
from hsm_core.store.layout import TaskPaths
from hsm_core.views.summary import summary
from hsm_core.views.task_log import log_of, stream_of
from tests.integration.apps.worker_plain.harness import PlainSweep, is_gone, sweep, tasks
from tests.waiting import wait_until

__all__ = ["sweep"]  # a fixture

FINE = "result = {'score': 1.5}"
FAILURES = {
    "raise ValueError('too bad')": ("exception", "ValueError: too bad"),
    "sys.exit(3)": ("exception", "the task called sys.exit(3)"),
    "sys.exit(0)": ("exception", "the task called sys.exit(0)"),
    "os._exit(9)": ("unknown", "its process exited with code 9 and reported no result"),
    "import ctypes; ctypes.string_at(0)": ("signal", "killed by signal 11 (SIGSEGV)"),
    "os.kill(os.getpid(), 9)": ("signal", "killed by signal 9 (SIGKILL)"),
    "raise KeyboardInterrupt": ("exception", "KeyboardInterrupt"),
    "import resource as r; r.setrlimit(r.RLIMIT_AS, (2**29, 2**29)); x = bytearray(2**30)": (
        "oom", "MemoryError",
    ),
    "import resource as r; r.setrlimit(r.RLIMIT_AS, (2**28, 2**28)); x = [0]\nwhile True: x = [x]": (
        "oom", "MemoryError",
    ),
    "class Odd(Exception):\n  def __reduce__(self): raise TypeError('no')\nraise Odd('mine')": (
        "exception", "Odd: mine",
    ),
    "class Odd(Exception):\n  def __str__(self): return 1 / 0\nraise Odd": (
        "exception", "Odd: no readable message",
    ),
    "sys.stderr.close(); sys.stdout.close(); os.close(2); raise ValueError('mute')": (
        "exception", "ValueError: mute",
    ),
}  # fmt: skip


@pytest.mark.parametrize("isolation", ["auto", "spawn", "none"])
@tasks(FINE, *FAILURES, FINE)
def test_a_failing_task_costs_itself_only(sweep: PlainSweep, isolation: str) -> None:
    state = sweep.run(isolation=isolation)
    ends = sweep.ends()
    last = len(FAILURES) + 1
    assert {number: end["state"] for number, end in ends.items()} == {
        0: "completed", **dict.fromkeys(range(1, last), "failed"), last: "completed",
    }  # fmt: skip
    for number, (reason, message) in enumerate(FAILURES.values(), start=1):
        assert (ends[number]["reason"], message in ends[number]["message"]) == (reason, True), ends[number]
    assert state.state_of(last) == "completed"
    assert sweep.workers["w1"].returncode == 1


RETURNS = {
    "result = lambda: 1": "pickle",
    "class Odd:\n  def __repr__(self): raise TypeError('no')\nresult = Odd()": "pickle",
    "class Odd:\n  def __reduce__(self): raise SystemExit(4)\nresult = [Odd()]": "SystemExit: 4",
    "class Odd:\n  def __reduce__(self): os._exit(5)\nresult = Odd()": "its process exited with code 5 meanwhile",
    "class Odd:\n  def __repr__(self): os.kill(os.getpid(), 9)\nresult = Odd()": "was killed by signal 9 meanwhile",
    "result = x = []\nfor _ in range(100_000): x.append([]); x = x[0]": "RecursionError",
}


@pytest.mark.parametrize("isolation", ["auto", pytest.param("spawn", marks=pytest.mark.slow)])
@tasks(FINE, *RETURNS, FINE)
def test_a_task_that_returned_is_completed_whatever_it_returned(sweep: PlainSweep, isolation: str) -> None:
    state = sweep.run(isolation=isolation)
    ends = sweep.ends()
    assert {end["state"] for end in ends.values()} == {"completed"}
    for number, why in enumerate(RETURNS.values(), start=1):
        assert ends[number]["warning"].startswith("its return value can't be kept: ")
        assert why in ends[number]["warning"]
        outcome = read_json(TaskPaths(sweep.paths.root / str(number)).outcome)
        assert (outcome["state"], outcome["pickle"], outcome["exact"]) == ("completed", False, False)
        assert outcome["warning"] == ends[number]["warning"]
    assert sweep.workers["w1"].returncode == 0
    assert "warning" not in ends[0]
    told = summary(state).splitlines()
    assert told[0].startswith("warning: 6 tasks, e.g. task 1: its return value can't be kept: ")


@tasks("def deep(): raise ValueError('too bad')\nprint('so far'); deep()")
def test_the_traceback_is_in_the_log_and_in_the_event(sweep: PlainSweep) -> None:
    sweep.run()
    first = sweep.ends()[0]
    assert "in deep" in first.get("trace", ""), first
    assert first["trace"] in sweep.text("0/.hsm/stderr.log")
    assert sweep.text("0/.hsm/stdout.log") == "so far\n"
    assert first["kind"] == "ValueError"


@tasks("result = {'a': [1, None, 0.5, 'x'], 'b': True}", "result = {1: (2, 3)}", "result = 10**5000", FINE)
def test_results_lie_as_json(sweep: PlainSweep) -> None:
    sweep.run()
    found = [read_json(TaskPaths(sweep.paths.root / str(number)).outcome) for number in range(4)]
    assert [one["state"] for one in found] == ["completed"] * 4
    assert found[0]["value"] == {"a": [1, None, 0.5, "x"], "b": True}
    assert [one["exact"] for one in found] == [True, False, False, True]
    assert [one["pickle"] for one in found] == [False, True, True, False]
    assert found[1]["value"] == {"1": [2, 3]}


CHILD = "import subprocess as s; p = s.Popen(['sleep', '1000']); print(p.pid)"
DAEMON = """
import time
told, tells = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.close(tells)
        {}
    os._exit(0)
os.close(tells)
os.read(told, 1)
os.wait()
"""
FORKED = """
import multiprocessing, time
p = multiprocessing.get_context('fork').Process(target=time.sleep, args=(1000,), daemon=True)
p.start(); print(p.pid, flush=True)
os._exit(4)
"""
STRANGER = """
import subprocess
p = subprocess.Popen(['sleep', '1000'], env={}, start_new_session=True, close_fds=False)
print(p.pid)
"""
LEFT = (CHILD, DAEMON.format("os.execvp('sleep', ['sleep', '1000'])"), DAEMON.format("time.sleep(1000)"),
        FORKED, STRANGER)  # fmt: skip


@tasks(*LEFT, FINE)
def test_what_a_task_leaves_behind_ends_with_it(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit(slots=1))
    sweep.wait_for("end", 5)
    left = [int(sweep.text(f"{number}/.hsm/stdout.log")) for number in range(5)]
    ends = sweep.ends()
    sweep.wait()
    assert [ends[number]["state"] for number in range(5)] == [*["completed"] * 3, "failed", "completed"]
    assert [is_gone(pid) for pid in left] == [True] * 5
    assert sweep.ends()[5]["state"] == "completed"


@tasks("if os.fork() == 0: sys.exit(7)\nprint(os.waitstatus_to_exitcode(os.wait()[1])); result = 'mine'")
def test_a_fork_that_comes_back_does_not_speak_for_the_task(sweep: PlainSweep) -> None:
    state = sweep.run()
    assert state.state_of(0) == "completed"
    assert sweep.text("0/.hsm/stdout.log") == "7\n"
    assert len(sweep.events("end")) == 1


@tasks("import os\nfor _ in range(100): os.write(1, b'x' * 2**20)", FINE)
def test_much_output_goes_to_its_file(sweep: PlainSweep) -> None:
    state = sweep.run()
    assert [state.state_of(number) for number in (0, 1)] == ["completed", "completed"]
    assert (sweep.paths.root / "0" / ".hsm/stdout.log").stat().st_size == 100 * 2**20
    assert sweep.paths.worker_log("w1").stat().st_size < 10_000


#: Prints on both streams, also below Python, and leaves one of them closed.
BOTH_STREAMS = """
import subprocess
print('one', flush=True)
print('two', file=sys.stderr, flush=True)
subprocess.run('echo three; echo four >&2', shell=True)
print('five')
sys.stderr.close()
raise ValueError('mute')
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn", "none"])
@tasks(BOTH_STREAMS, "raise ValueError('no')", FINE, ("shared", "print(1)"), ("shared", "print(2, file=sys.stderr)"))
def test_both_streams_may_go_into_one_log(sweep: PlainSweep, isolation: str) -> None:
    sweep.run(isolation=isolation, stderr_to_stdout=True, slots=1)
    told = sweep.text("0/.hsm/stdout.log")
    assert told.startswith("one\ntwo\nthree\nfour\nfive\nTraceback")
    assert told.count("ValueError: mute") == 1
    assert "ValueError: no" in sweep.text("1/.hsm/stdout.log")
    logs = sorted(str(log.relative_to(sweep.paths.root)) for log in sweep.paths.root.glob("*/.hsm/*.log"))
    its = sweep.paths.root / "0/.hsm/stdout.log"
    assert log_of(sweep.state(), 0) == stream_of(sweep.state(), 0, stderr=True) == its
    assert logs == ["0/.hsm/stdout.log", "1/.hsm/stdout.log", "shared/.hsm/stdout-4.log", "shared/.hsm/stdout.log"]


STUBBORN = """
import signal, subprocess, time
signal.signal(signal.SIGTERM, lambda *_: print('not yet', flush=True))
p = subprocess.Popen(['sleep', '1000'], preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
print(p.pid, flush=True)
while True: time.sleep(100)
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn", "none"])
@tasks(STUBBORN, FINE, FINE)
def test_a_time_limit_ends_a_task_that_ignores_term(sweep: PlainSweep, isolation: str) -> None:
    state = sweep.run(task_timeout_s=1.0, grace_s=0.3, isolation=isolation, slots=1)
    end = sweep.ends()[0]
    assert (end["state"], end["reason"], end["signal"]) == ("failed", "walltime", signal.SIGKILL)
    assert end["limit"] == 1.0
    pid, answer = sweep.text("0/.hsm/stdout.log").split("\n", 1)
    assert answer.strip() == "not yet"
    assert is_gone(int(pid))
    assert [state.state_of(number) for number in (1, 2)] == ["completed", "completed"]


BROKEN_IMPORTS = {
    "raise ImportError('no such thing')": "no such thing",
    "import os; print('dying', flush=True); os._exit(5)": "dying",
    "import ctypes; ctypes.string_at(0)": "signal 11",
}


@pytest.mark.parametrize(("at_import", "words"), BROKEN_IMPORTS.items(), ids=BROKEN_IMPORTS.values())
def test_an_app_that_dies_while_it_is_imported(tmp_path: Path, at_import: str, words: str) -> None:
    sweep = PlainSweep(tmp_path / "sweep", [FINE] * 3, at_import)
    sweep.run()
    ends = sweep.ends()
    assert [(ends[n]["state"], ends[n]["reason"]) for n in range(3)] == [("failed", "launch")] * 3
    assert all(words in ends[n]["message"] for n in range(3))
    (broken,) = sweep.events("broken")
    assert words in broken["message"]
    assert words.startswith("signal") or words in broken["output"]
    assert "hsm_core/worker" not in broken["output"]
    assert sweep.workers["w1"].returncode == 1


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_job_that_is_ended_while_the_app_is_imported_says_nothing_against_the_app(
    tmp_path: Path, ranks: int
) -> None:
    at_import = f"import os, time; open({str(tmp_path)!r} + f'/{{os.getpid()}}.importing', 'x'); time.sleep(1000)"
    sweep = PlainSweep(tmp_path / "sweep", [FINE] * 3, at_import)
    sweep.start_ranks(sweep.submit(), ranks)
    wait_until(lambda: len(list(tmp_path.glob("*.importing"))) == ranks, what="the import")
    for importer in tmp_path.glob("*.importing"):
        os.kill(int(importer.stem), signal.SIGTERM)
    time.sleep(0.1)
    for worker in sweep.workers.values():
        worker.send_signal(signal.SIGTERM)
    for worker in sweep.workers.values():
        worker.wait(10)
    names = [path.stem for path in sweep.paths.events.glob("w1*")]
    assert "w1" in names
    assert not [line for name in names for kind in ("broken", "end") for line in sweep.events(kind, name)]
    sweep.close()


MEMORY = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group of 300 MB; its processes are those written into it."""
    v1 = MEMORY[0].is_dir()
    group = MEMORY[not v1] / f"hsm-test-{os.getpid()}"
    limit, text = ("memory.limit_in_bytes", "300M") if v1 else ("memory.max", "300M")
    try:
        group.mkdir()
        (group / limit).write_text(text)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    wait_until(lambda: not (group / "cgroup.procs").read_text(), what="an empty group")
    group.rmdir()


@tasks(FINE, "x = bytearray(2**30)", "os.kill(os.getpid(), 9)", FINE)
def test_the_kernels_out_of_memory_kill_is_told_from_others(sweep: PlainSweep, small_group: Path) -> None:
    enter = ["sh", "-c", f'echo $$ > "{small_group}/cgroup.procs"; exec "$@"', "sh"]
    sweep.start(sweep.submit(slots=1), prefix=enter)
    sweep.wait()
    ends = sweep.ends()
    assert [ends[n]["state"] for n in range(4)] == ["completed", "failed", "failed", "completed"]
    assert [ends[n].get("reason") for n in (1, 2)] == ["oom", "signal"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(mount)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


FILL = "with open(here.parent / 'ballast', 'wb', 0) as f:\n  while True: f.write(b'x' * 4096)"


def test_while_the_disk_is_full_events_are_kept(small_disk: Path) -> None:
    sweep = PlainSweep(small_disk / "sweep", [FINE, FILL, *[FINE] * 20])
    pid = sweep.start(sweep.submit(slots=1))
    ballast = sweep.paths.root / "ballast"
    wait_until(ballast.exists)
    wait_until(lambda: not Path(f"/proc/{pid}/task/{pid}/children").read_text(), what="the end of all tasks")
    assert 0 < len(sweep.ends()) < 22
    ballast.unlink()
    assert sweep.wait() == 1
    state, ends = sweep.state(), sweep.ends()
    assert [state.state_of(number) for number in range(22)] == ["completed", *["failed"] * 21]
    assert {ends[number]["reason"] for number in range(1, 22)} == {"disk"}
    assert state.bad_lines <= 1  # what was written of the line at which the disk was full
    (trouble,) = sweep.events("trouble")
    assert "No space left" in trouble["message"]
    assert state.writers["w1"].sealed
