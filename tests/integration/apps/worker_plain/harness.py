"""Runs real workers on sweeps whose tasks are a few lines of Python each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hsm_core.model import Span
from hsm_core.processes.identity import start_of
from hsm_core.store.files import to_json, write_atomically
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.record import SourceRecord, SweepRecord, create_record
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import Submission, WorkerSpec, write_submission
from hsm_core.store.tasks import write_tasks
from hsm_core.worker.protocol import ENTRY
from tests.waiting import wait_until

APP = Path(__file__).parent
ROOT = Path(__file__).resolve().parents[4]
Event = dict[str, Any]


class PlainSweep:
    """A sweep of tasks that are Python code.

    Args:
        codes: one a task; ``(directory, code)`` chooses the directory.
        at_import: code that is run while the app is imported.
    """

    def __init__(self, root: Path, codes: Sequence[str | tuple[str, str]], at_import: str = "") -> None:
        self.paths = SweepPaths(root)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._locks = root.parent / "tmp"  # the workers' names are not unique on this machine
        self._locks.mkdir()
        record = SweepRecord(
            id=f"plain-{root.name}", name="plain", dir=str(root), created="", launcher="hsm_local",
            sweeper="basic", total=len(codes), sources=(SourceRecord("local", "pool"),),
        )  # fmt: skip
        create_record(self.paths, record)
        rows = [(str(number), code) if isinstance(code, str) else code for number, code in enumerate(codes)]
        write_tasks(self.paths, 0, rows)
        self.launch: LaunchPaths = self.paths.launch(0)
        self.launch.root.mkdir()
        (self.launch.root / "weird_import.py").write_text(at_import)
        path = [str(APP), str(self.launch.root), *sys.path]
        boot = {"cwd": str(root), "sys_path": path, "module": "plainapp", "payload": "payload.pkl"}
        write_atomically(self.launch.boot, to_json(boot))

    def submit(self, *spans: Span, **spec: Any) -> Submission:
        """Write a submission of one batch; all tasks if no spans are given."""
        assert self.state().record.total is not None
        found = spans or (Span(0, self.state().record.total or 0),)
        spec = {"slots": 2, "beat_s": 0.3, "grace_s": 1.0, **spec}
        return write_submission(self.launch, "plain", (found,), WorkerSpec(**spec), self.launch.root.name)

    def start(
        self, submission: Submission, name: str = "w1", *, env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (), inbox: bool = False, words: Sequence[str] = (), rank: int = 0,
    ) -> int:  # fmt: skip
        """Start a worker on a submission's batch or on its inbox; returns its process id.

        Args:
            words: further ones for its command line.
            rank: which one of the job, if there are several; ``w1-rank2`` among ``workers``.
        """
        batch = None if inbox else 0
        chosen = [] if batch is None else ["--batch", str(batch)]
        worker = [sys.executable, str(ENTRY), "supervise", str(self.paths.root), name, submission.name]
        argv = [*prefix, *worker, *chosen, *words]
        with open(self.paths.worker_log(name), "ab") as log:
            process = subprocess.Popen(
                argv, cwd=ROOT, env={**os.environ, "TMPDIR": str(self._locks), **(env or {})},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.workers[f"{name}-rank{rank}" if rank else name] = process
        return process.pid

    def start_ranks(
        self, submission: Submission, count: int, name: str = "w1", native_id: str = "7", *, restart: int = 0,
        env: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Start the ranks of a job as srun does: the same command, one variable apart."""
        words = [f"--ranks={count}", "--rank-from=MY_RANK", "--local-rank-from=MY_RANK", f"--native-id={native_id}"]
        for rank in range(count):
            own = {**(env or {}), "MY_RANK": str(rank)}
            self.start(submission, name, env=own, words=[*words, f"--restart={restart}"], rank=rank)

    def run(self, env: Mapping[str, str] | None = None, **spec: Any) -> SweepState:
        """Run all tasks in one worker to their end."""
        self.start(self.submit(**spec), env=env)
        self.wait()
        return self.state()

    def wait(self, name: str = "w1", timeout: float = 40.0) -> int:
        """Wait for the end of a worker; returns its exit code."""
        return self.workers[name].wait(timeout)

    def state(self) -> SweepState:
        state = SweepState(self.paths.root)
        state.refresh()
        return state

    def events(self, kind: str, name: str = "w1") -> list[Event]:
        """What a worker has said so far, of one kind."""
        journal = self.paths.journal(name)
        lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
        return [event for line in lines if (event := _event(line)) and event["e"] == kind]

    def ends(self, name: str = "w1") -> dict[int, Event]:
        return {line["t"]: line for line in self.events("end", name)}

    def wait_for(self, kind: str, count: int = 1, name: str = "w1") -> list[Event]:
        """Wait until a worker has said something so often."""
        wait_until(lambda: len(self.events(kind, name)) >= count, what=f"{count} × {kind}")
        return self.events(kind, name)

    def text(self, name: str) -> str:
        return (self.paths.root / name).read_text()

    def conductor(self) -> JournalWriter:
        """A journal in which the test speaks as a conductor."""
        return JournalWriter(self.paths.journal("conductor-test"))

    def close(self) -> None:
        for process in self.workers.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()


def _event(line: bytes) -> Event | None:
    """The event of a line; None of one that is torn."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def is_gone(pid: int) -> bool:
    """True if a process has ended; one that nobody has reaped yet has ended too."""
    return start_of(pid) is None


@pytest.fixture
def sweep(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PlainSweep]:
    """A sweep in a directory of its own; ``@tasks(…)`` says of what."""
    codes, at_import = request.param
    made = PlainSweep(tmp_path / "sweep", codes, at_import)
    yield made
    made.close()


def tasks(*codes: str | tuple[str, str], at_import: str = "") -> pytest.MarkDecorator:
    """The tasks of the test's ``sweep``."""
    return pytest.mark.parametrize("sweep", [(codes, at_import)], indirect=True, ids=["_"])
