"""A task of several ranks: all run it, rank 0 speaks for it, and none of them waits for one that is gone."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from hsm_core.conductor.record_losses import end_on_disk
from hsm_core.model import Span
from hsm_core.store.files import read_json, write_atomically
from hsm_core.store.layout import TaskPaths
from hsm_core.store.requests import request_cancel
from hsm_core.views.task_log import log_of, stream_of
from tests.integration.apps.worker_plain.harness import Event, PlainSweep, is_gone, sweep, tasks
from tests.waiting import wait_until

__all__ = ["sweep"]  # a fixture

#: What torch.distributed does first: all meet rank 0 at its address, then sum a number over all ranks.
MEET = """
import socket, time
rank, size = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
where = os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT'])
print(rank, os.environ['HSM_RANK'], os.environ['LOCAL_RANK'], os.environ['HSM_TASK_DIR'], *where, flush=True)
if rank == 0:
    server = socket.create_server(where)
    peers = [server.accept()[0] for _ in range(size - 1)]
    total = sum(int(peer.recv(9)) for peer in peers)
    for peer in peers: peer.send(b'%d' % total)
    result = total
else:
    while True:
        try: peer = socket.create_connection(where); break
        except OSError: time.sleep(0.02)
    peer.send(b'%d' % rank)
    print('sum', int(peer.recv(9)))
"""
#: Rank 0, and ranks that have nothing to say, wait for ever.
STUCK = "import time; print(os.getpid(), flush=True)\nif os.environ['RANK'] == '2': {}\ntime.sleep(1000)"
RANKS = 3


def pids(sweep: PlainSweep, task: int = 0) -> list[int]:
    """The processes of a stuck task on all ranks."""
    names = ["stdout.log", *[f"stdout-rank{rank}.log" for rank in range(1, RANKS)]]
    files = [TaskPaths(sweep.paths.root / str(task)).hsm / name for name in names]
    return wait_until(
        lambda: (
            [int(text) for file in files if file.exists() and (text := file.read_text())]
            if all(file.exists() and file.read_text() for file in files)
            else []
        )
    )


def wait_for_all(sweep: PlainSweep) -> list[int]:
    """The exit codes of all ranks."""
    return [sweep.wait("w1"), *[sweep.wait(f"w1-rank{rank}") for rank in range(1, RANKS)]]


@tasks(MEET, MEET)
def test_all_ranks_meet_and_rank_0_returns(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    assert wait_for_all(sweep) == [0, 0, 0]
    ports = set()
    for task in range(2):
        assert sweep.ends()[task]["state"] == "completed"
        assert read_json(TaskPaths(sweep.paths.root / str(task)).outcome)["value"] == 3
        first = sweep.text(f"{task}/.hsm/stdout.log").split()
        assert first[:-1] == ["0", "0", "0", str(sweep.paths.root / str(task)), socket.gethostname()]
        ports.add(first[-1])
        for rank in (1, 2):
            words = [str(rank)] * 3 + first[3:] + ["sum", "3"]
            assert sweep.text(f"{task}/.hsm/stdout-rank{rank}.log").split() == words
        left = {path.name for path in TaskPaths(sweep.paths.root / str(task)).hsm.glob("*.log")}
        assert left == {"stdout.log", "stdout-rank1.log", "stdout-rank2.log"}
    assert len(ports) == 2
    assert sweep.state().counts() == {"completed": 2, "pending": 0}


#: What a task does on rank 2, and how it is told.
FAILURES = {
    "raise ValueError('too bad')": ("exception", "failed: ValueError: too bad"),
    "os.kill(os.getpid(), 9)": ("signal", "failed: killed by signal 9 (SIGKILL)"),
    "os._exit(3)": ("unknown", "failed: its process exited with code 3 and reported no result"),
    "raise MemoryError": ("oom", "failed: MemoryError"),
}


@tasks(*[STUCK.format(code) for code in FAILURES], MEET)
def test_a_rank_that_fails_ends_its_task_and_only_that(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    wait_for_all(sweep)
    for number, (reason, message) in enumerate(FAILURES.values()):
        end = sweep.ends()[number]
        assert (end["state"], end["reason"]) == ("failed", reason)
        assert end["message"] == f"rank 2 on {socket.gethostname()} {message}"
        assert end["rank"] == 2
    assert "ValueError: too bad" in sweep.ends()[0]["trace"]
    assert "ValueError: too bad" in sweep.text("0/.hsm/stderr-rank2.log")
    assert all(is_gone(pid) for number in range(2) for pid in pids(sweep, number))
    assert sweep.ends()[len(FAILURES)]["state"] == "completed"


@tasks(STUCK.format("print('so bad', file=sys.stderr, flush=True); raise ValueError('too bad')"))
def test_each_rank_may_have_one_log_for_both_streams(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1, stderr_to_stdout=True), RANKS)
    wait_for_all(sweep)
    assert {path.name for path in TaskPaths(sweep.paths.root / "0").hsm.glob("std*")} == {
        "stdout.log", "stdout-rank1.log", "stdout-rank2.log",
    }  # fmt: skip
    assert sweep.text("0/.hsm/stdout-rank2.log").splitlines()[1] == "so bad"
    assert sweep.text("0/.hsm/stdout-rank2.log").endswith("ValueError: too bad\n")
    for log in (log_of(sweep.state(), 0), stream_of(sweep.state(), 0, stderr=True)):
        assert log == sweep.paths.root / "0" / ".hsm/stdout-rank2.log"


#: Rank 2 fails, and only when that is known does rank 0 fail of it.
BOTH = """
import time
if os.environ['RANK'] == '0':
    told = here.parent / '.hsm' / 'ranks' / 'w1' / 'rank2.jsonl'
    while not told.exists() or 'failed' not in told.read_text(): time.sleep(0.01)
    raise ConnectionError('peer is gone')
if os.environ['RANK'] == '2': raise ValueError('too bad')
"""


@tasks(BOTH)
def test_rank_0_may_fail_of_another_ranks_failure_and_both_are_told(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1, beat_s=1000.0), RANKS)
    assert wait_for_all(sweep) == [1, 0, 0]
    end = sweep.ends()[0]
    assert end["kind"] == "ConnectionError"
    assert "rank" not in end  # its log is where the traceback of this kind lies
    rank_2 = f"rank 2 on {socket.gethostname()} failed: ValueError: too bad"
    assert end["message"] == f"ConnectionError: peer is gone; {rank_2}"


@tasks(STUCK.format("pass"), MEET)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_a_rank_that_is_gone_ends_the_job(sweep: PlainSweep, how: int) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    found = pids(sweep)
    os.kill(sweep.workers["w1-rank2"].pid, how)
    assert sweep.wait("w1") == 1
    assert sweep.wait("w1-rank1") == 0
    state = sweep.state()
    assert (state.state_of(0), state.state_of(1)) == ("lost", "pending")
    words: dict[int, str] = {
        signal.SIGKILL: "is gone",
        signal.SIGSTOP: "silent for",
        signal.SIGTERM: "received SIGTERM",
    }
    assert words[how] in state.evidence_of(0)
    assert state.evidence_of(0).startswith("rank 2 on ")
    wait_until(lambda: all(is_gone(pid) for pid in found[: 2 if how == signal.SIGSTOP else 3]))


@tasks(STUCK.format("pass"), MEET)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_rank_0_the_others_end(sweep: PlainSweep, how: int) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    found = pids(sweep)
    os.kill(sweep.workers["w1"].pid, how)
    assert [sweep.wait(f"w1-rank{rank}") for rank in (1, 2)] == [1, 1]
    assert [is_gone(pid) for pid in found[1:]] == [True, True]


#: Rank 0 returns; the others say that they run, and go on until they find a file with what they are to do.
ONE_ENDS = """
import time
if os.environ['RANK'] == '0':
    result = 5
else:
    print(os.getpid(), flush=True)
    while not (here.parent / 'go').exists(): time.sleep(0.02)
    exec((here.parent / 'go').read_text())
"""


def wait_until_rank_0_returned(sweep: PlainSweep) -> Event:
    """What it left, while the others run."""
    files = [sweep.paths.root / "0" / f".hsm/stdout-rank{rank}.log" for rank in range(1, RANKS)]
    wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    outcome = TaskPaths(sweep.paths.root / "0").outcome
    return wait_until(lambda: found if "value" in (found := read_json(outcome)) else {})


def let_others(sweep: PlainSweep, code: str) -> None:
    write_atomically(sweep.paths.root / "go", code.encode())


@tasks(ONE_ENDS, MEET)
def test_a_task_is_completed_when_all_its_ranks_are(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1, grace_s=0.1), RANKS)
    returned = wait_until_rank_0_returned(sweep)
    assert (returned["state"], returned["value"]) == ("running", 5)
    heard = len(sweep.events("beat"))
    sweep.wait_for("beat", heard + 4)  # far longer than the grace time
    assert sweep.state().counts() == {"running": 1, "pending": 1}
    let_others(sweep, "print('done')")
    assert wait_for_all(sweep) == [0, 0, 0]
    assert sweep.state().counts() == {"completed": 2, "pending": 0}
    outcome = read_json(TaskPaths(sweep.paths.root / "0").outcome)
    assert outcome == {**returned, "state": "completed"}
    assert [sweep.text(f"0/.hsm/stdout-rank{rank}.log").split()[1:] for rank in (1, 2)] == [["done"]] * 2
    assert read_json(TaskPaths(sweep.paths.root / "1").outcome)["value"] == 3


@tasks(ONE_ENDS)
def test_a_rank_that_fails_when_rank_0_has_returned_fails_the_task(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    wait_until_rank_0_returned(sweep)
    let_others(sweep, "if os.environ['RANK'] == '2': raise ValueError('too bad')")
    assert wait_for_all(sweep) == [1, 0, 0]
    end = sweep.ends()[0]
    assert (end["state"], end["reason"]) == ("failed", "exception")
    assert end["message"] == f"rank 2 on {socket.gethostname()} failed: ValueError: too bad"
    assert read_json(TaskPaths(sweep.paths.root / "0").outcome)["state"] == "running"


@tasks(ONE_ENDS)
def test_a_rank_that_is_gone_when_rank_0_has_returned_loses_the_task(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    wait_until_rank_0_returned(sweep)
    sweep.workers["w1-rank2"].kill()
    assert [sweep.wait("w1"), sweep.wait("w1-rank1")] == [1, 0]
    assert sweep.state().state_of(0) == "lost"
    assert sweep.state().evidence_of(0).startswith("rank 2 on ")


@tasks(ONE_ENDS)
@pytest.mark.parametrize("how", ["limit", "cancel", "TERM"])
def test_what_ends_a_task_ends_the_wait_for_other_ranks(sweep: PlainSweep, how: str) -> None:
    spec = {"task_timeout_s": 6.0} if how == "limit" else {}
    sweep.start_ranks(sweep.submit(slots=1, grace_s=0.2, **spec), RANKS)
    wait_until_rank_0_returned(sweep)
    if how == "cancel":
        request_cancel(sweep.paths, [Span(0, 1)])
    elif how == "TERM":
        sweep.workers["w1"].terminate()
    assert wait_for_all(sweep) == [1, 0, 0]
    assert sweep.state().state_of(0) == {"limit": "failed", "cancel": "cancelled", "TERM": "lost"}[how]
    assert all(is_gone(int(sweep.text(f"0/.hsm/stdout-rank{rank}.log"))) for rank in (1, 2))


@tasks(ONE_ENDS)
def test_what_rank_0_returned_is_not_taken_for_the_tasks_outcome_when_it_dies(sweep: PlainSweep) -> None:
    submission = sweep.submit(slots=1, beat_s=0.3, grace_s=0.2)
    sweep.start_ranks(submission, RANKS)
    wait_until_rank_0_returned(sweep)
    sweep.workers["w1"].kill()
    sweep.wait("w1")
    assert end_on_disk(sweep.state(), 0) is None
    let_others(sweep, "pass")
    sweep.start_ranks(submission, RANKS, name="w2", restart=1)  # the scheduler runs the job again
    assert [sweep.wait("w2"), sweep.wait("w2-rank1")] == [0, 0]
    last = sweep.ends("w2")[0]
    assert (last["a"], last["state"], last.get("adopted")) == (2, "completed", None)


@tasks("print(*[os.environ[name] for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR')])")
def test_ranks_of_the_submitting_host_do_not_win(sweep: PlainSweep) -> None:
    theirs = {"RANK": "9", "WORLD_SIZE": "99", "LOCAL_RANK": "8", "MASTER_ADDR": "login", "MASTER_PORT": "1"}
    sweep.start_ranks(sweep.submit(slots=1), RANKS, env=theirs)
    assert wait_for_all(sweep) == [0, 0, 0]
    assert sweep.text("0/.hsm/stdout.log").split() == ["0", "3", "0", socket.gethostname()]
    assert sweep.text("0/.hsm/stdout-rank2.log").split() == ["2", "3", "2", socket.gethostname()]


@tasks(STUCK.format("pass"), MEET)
def test_a_cancelled_task_ends_on_all_ranks(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    found = pids(sweep)
    request_cancel(sweep.paths, [Span(0, 1)])
    assert wait_for_all(sweep) == [1, 0, 0]
    assert [sweep.state().state_of(number) for number in (0, 1)] == ["cancelled", "completed"]
    assert all(is_gone(pid) for pid in found)


WARNED = """
import signal, time
signal.signal(signal.SIGUSR2, lambda *_: (print('warned', flush=True), seen.append(1)))
seen = []; print(os.getpid(), flush=True)
while not (seen and (here.parent / 'go').exists()): time.sleep(0.02)
"""


def below(pid: int) -> list[int]:
    """A process and all below it."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in found for one in below(int(child)))]


@tasks(WARNED)
@pytest.mark.parametrize("to_all", [True, False], ids=["to all processes", "to workers"])
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_warning_reaches_a_rank_once(sweep: PlainSweep, to_all: bool, isolation: str) -> None:
    sweep.start_ranks(sweep.submit(slots=1, isolation=isolation), RANKS)
    pids(sweep)
    logs = ["0/.hsm/stdout.log", "0/.hsm/stdout-rank1.log", "0/.hsm/stdout-rank2.log"]
    for rank, log in enumerate(logs):
        worker = sweep.workers[f"w1-rank{rank}" if rank else "w1"].pid
        for pid in below(worker) if to_all else [worker]:
            os.kill(pid, signal.SIGUSR2)
        wait_until(lambda log=log: "warned" in sweep.text(log))  # type: ignore[misc]
    sweep.wait_for("beat", len(sweep.events("beat")) + 4)
    let_others(sweep, "")
    assert wait_for_all(sweep) == [0, 0, 0]
    assert [sweep.text(log).split()[1:] for log in logs] == [["warned"]] * 3


@tasks(
    STUCK.format("pass"),
    at_import="import os\nif os.environ['MY_RANK'] == '2': raise ImportError('no such thing')",
)
def test_an_app_that_one_rank_cannot_import(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1), RANKS)
    wait_for_all(sweep)
    end = sweep.ends()[0]
    assert (end["state"], end["reason"]) == ("failed", "launch")
    assert end["message"].startswith("rank 2 on ")
    assert end["message"].endswith("no such thing")


@tasks("print(os.environ['HSM_ATTEMPT'])")
def test_logs_of_an_earlier_attempt_are_kept(sweep: PlainSweep) -> None:
    sweep.start_ranks(sweep.submit(slots=1, grace_s=5.0), RANKS)
    assert wait_for_all(sweep) == [0, 0, 0]
    sweep.start_ranks(sweep.submit(Span(0, 1, 2), slots=1, grace_s=5.0), RANKS, native_id="8", name="w2")
    assert [sweep.wait("w2"), sweep.wait("w2-rank2")] == [0, 0]
    now = TaskPaths(sweep.paths.root / "0")
    files = [files.of_rank(2).stdout for files in (now, now.of_attempt(1))]
    assert [file.read_text() for file in files] == ["2\n", "1\n"]


def test_a_rank_that_the_starter_does_not_number_says_so(tmp_path: object) -> None:
    from hsm_core.worker.main import main

    with pytest.raises(SystemExit, match="NO_SUCH_RANK is '': no rank"):
        main(["supervise", str(tmp_path), "w1", "launch-0/submit-0", "--ranks=2", "--rank-from=NO_SUCH_RANK"])
