"""Runs hsm's commands on a sweep in a forked child, and says what was wrong with how they ended."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from tests.security.corpus import Sweep

#: Of one command: seconds of CPU, seconds in all (it waits for nothing, but the machine may be busy), MiB.
CPU_S, WALL_S, MOST_MIB = 5.0, 20.0, 100.0
#: Exit codes that have a meaning.
MEANT = frozenset((0, 1, 2, 3, 4))
_MIB = 1024 * 1024


class Ran(NamedTuple):
    """How a command ended."""

    words: str
    code: int
    out: str
    err: str
    cpu_s: float
    mib: float
    fault: str

    def faults(self) -> Iterator[str]:
        """Yield what no command may do, whatever it reads."""
        if self.fault:
            yield f"{self.words}: {self.fault}"
            return
        if self.code not in MEANT:
            yield f"{self.words}: exit code {self.code}"
        if self.code != 0 and not self.err.strip() and not self.out.strip():
            yield f"{self.words}: exit code {self.code} without a word"
        if "Traceback (most recent call last)" in self.err:
            yield f"{self.words}: a traceback: {self.err[-300:]}"
        if self.cpu_s > CPU_S:
            yield f"{self.words}: {self.cpu_s:.1f} s"
        if self.mib > MOST_MIB:
            yield f"{self.words}: {self.mib:.0f} MiB"


class _Hangs(BaseException):
    pass


def commands(sweep: Sweep) -> list[list[str]]:
    """Every command that reads a sweep, in each of its forms that reads other files."""
    at, name = str(sweep.root), sweep.id
    return [
        ["hsm-status"], ["hsm-status", "--json"], ["hsm-status", at], ["hsm-status", at, "--json"],
        ["hsm-status", name], ["hsm", "list", "--all"], ["hsm", "tasks", at], ["hsm", "tasks", at, "--json"],
        ["hsm", "tasks", at, "--format", "wide"], ["hsm", "errors", at], ["hsm", "errors", at, "--json"],
        ["hsm", "logs", at], ["hsm", "logs", at, "--json"], ["hsm", "logs", at, "0"],
        ["hsm", "logs", at, "0", "--json"],
        ["hsm", "logs", at, "3", "--stderr"], ["hsm", "logs", at, "5"], ["hsm", "results", at],
        ["hsm", "results", at, "--json"], ["hsm", "results", at, "--best", "loss"],
        ["hsm", "export", at, "-o", "table.csv"], ["hsm", "command", at, "0"], ["hsm", "reproduce", at, "0"],
        ["hsm", "wait", at, "--timeout", "0"], ["hsm", "cancel", at, "--dry-run"],
        ["hsm", "forget", name, "--dry-run"], ["hsm", "pull", at], ["hsm", "resume", at, "--dry-run"],
        ["hsm", "plot", at], ["hsm", "plot", at, "--curves"], ["hsm", "compare", at, at],
        ["hsm", "report", at, "-o", "page.html"],
        ["find_tokens"],
    ]  # fmt: skip


def run_all(lines: Sequence[Sequence[str]], cwd: Path) -> list[Ran]:
    """Run command lines one after another in one child, each in this process's modules as they are loaded."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(read_end)
            _in_child(lines, cwd, write_end)
        finally:
            os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as stream:
        found = [Ran(*json.loads(line)) for line in stream]
    _, status = os.waitpid(child, 0)
    if len(found) < len(lines) and (status or not list(found[-1].faults())):
        words = " ".join(lines[len(found)])
        found.append(Ran(words, -1, "", "", 0.0, 0.0, f"killed or dead, status {status}"))
    return found


def _in_child(lines: Sequence[Sequence[str]], cwd: Path, pipe: int) -> None:
    os.chdir(cwd)
    os.environ["PATH"] = str(cwd)  # no scheduler's commands
    used = _memory("VmSize")
    resource.setrlimit(resource.RLIMIT_AS, (int((used + 2000) * _MIB),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, _hang)
    for words in lines:
        ran = _run(words)
        os.write(pipe, json.dumps(ran).encode() + b"\n")
        if ran.cpu_s > CPU_S or "_Hangs" in ran.fault:
            return  # the others would, too


def _hang(number: int, frame: object) -> None:
    where = "".join(traceback.format_stack(frame)[-6:])  # type: ignore[arg-type]
    raise _Hangs(f"{'hangs' if number == signal.SIGALRM else 'takes too long'} in\n{where}")


def _run(words: Sequence[str]) -> Ran:
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _memory("VmRSS"), time.process_time()
    out, err = (tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(2))  # noqa: SIM115  the child ends soon
    code, fault = 0, ""
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    signal.setitimer(signal.ITIMER_PROF, 2 * CPU_S)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _command(words)
    except (_Hangs, SystemExit) as error:
        fault = f"{type(error).__name__} {error}"
    except BaseException:  # noqa: BLE001  whatever it is, it is what is looked for
        fault = traceback.format_exc()[-1500:]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
    peak, took = _memory("VmHWM"), time.process_time() - began
    texts = [_end(stream) for stream in (out, err)]
    return Ran(" ".join(words), code, *texts, took, peak - before, fault)


def _end(stream: TextIO) -> str:
    """What was printed: the first and the last 100 kB of it."""
    with contextlib.suppress(ValueError):
        stream.flush()
    size = os.fstat(stream.fileno()).st_size
    first = os.pread(stream.fileno(), 100_000, 0)
    return (first + os.pread(stream.fileno(), 100_000, max(len(first), size - 100_000))).decode("utf-8", "replace")


def _command(words: Sequence[str]) -> int:
    sys.argv = list(words)
    main: Callable[[], int]
    if words[0] == "find_tokens":
        from hsm_core.store.job_names import find_tokens

        return len(find_tokens({"nobody-aaaaaaaa"}))
    if words[0] == "hsm-status":
        from hsm_core.cli.status import main
    else:
        from hsm_core.cli.hsm import main
    return main()


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024
