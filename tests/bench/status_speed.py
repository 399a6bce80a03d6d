"""How long hsm-status takes over a finished sweep of 10,000 tasks: CPU and wall time of the whole process.

Run with the interpreter whose hsm is meant: ``python tests/bench/status_speed.py [tasks]``.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compiled import compile_hsm

from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SweepRecord, create_record
from hsm_core.store.sweeps import catalogue
from hsm_core.store.tasks import write_tasks


def make_sweep(root: Path, tasks: int) -> None:
    """A sweep as one worker leaves it: every task started and ended, one in a hundred failed."""
    root.mkdir()
    paths = SweepPaths(root)
    begun = "2026-01-01T00:00:00"
    record = SweepRecord("bench-0101-0000-aaaa", "bench", str(root), begun, "hsm_local", "hsm", tasks)
    create_record(paths, record)
    write_tasks(paths, 0, ([f"seed={number}", "optimizer.lr=0.001"] for number in range(tasks)))
    writer = JournalWriter(paths.journal("worker-a"))
    me = this_process()
    writer.append(events.WorkerHead("worker-a", me, source="local", native_id="1", lock="", slots=8))
    writer.append(events.Claimed("launch-0/submit-0/0", [Span(0, tasks)]))
    for number in range(tasks):
        host = "node001.cluster"
        place = {"directory": str(number), "suffix": "", "slot": number % 8}
        writer.append(events.Start(number, 1, **place, pid=4000, host=host))
        used = {"code": 0, "wall": 12.345, "cpu": 11.876, "mem": 812.4}
        if number % 100:
            writer.append(events.End(number, 1, "completed", **used))
        else:
            trace = "Traceback (most recent call last):\n" + "  File 'train.py', line 1, in main\n" * 12
            message = f"loss is nan at step {number}"
            writer.append(
                events.End(number, 1, "failed", "exception", message, kind="ValueError", trace=trace, **used)
            )
    writer.seal()
    catalogue.remember(record, root)


def measure(*arguments: str) -> tuple[float, float]:
    """Milliseconds of CPU and of wall time of one ``hsm-status``."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", "from hsm_core.cli.status import main; main()", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000, wall * 1000


def main() -> None:
    compile_hsm()
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_STATE_HOME"] = f"{directory}/state"
        make_sweep(Path(directory) / "sweep", tasks)
        looks = {"one sweep": ["latest"], "one, --json": ["latest", "--json"], "the list": []}
        for name, arguments in looks.items():
            first, *rest = [measure(*arguments) for _ in range(8)]
            best = min(rest)
            print(f"{name:12} {tasks} tasks: first {first[0]:.0f} ms CPU, {first[1]:.0f} ms wall;", end=" ")
            print(f"then at best {best[0]:.0f} ms CPU, {best[1]:.0f} ms wall")


if __name__ == "__main__":
    main()
