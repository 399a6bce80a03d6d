"""Kills one process of a sweep at one of its system calls, found by tracing a sweep that nobody disturbs.

The launcher runs under strace itself. A worker's processes are started by a script in the place of their
interpreter, which puts strace before the first of them that has the wanted role. The kernel kills the process
as it enters the call, so the call is not made. The code that is struck has no hooks for it.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import wait_until

from .witnessed import WitnessedSweep

#: What leaves a trace on disk, starts a process, or tells another process something.
CALLS = (
    "write,pwrite64,rename,renameat,renameat2,link,linkat,mkdir,mkdirat,ftruncate,"
    "execve,fork,vfork,clone,clone3,sendto,sendmsg,dup2,recvfrom"
)
_OPTIONS = f"-q -y -e trace={CALLS} -e signal=none"
#: A child changes nothing by these, but others may tell by them how far it is.
_ONLY_OF_CHILDREN = ("dup2", "recvfrom")
_TASK_ENDED = r'\"said\": \"exit\"'
_LINE = re.compile(r"^(\w+)\((.*)")
_NOTHING_SENT = re.compile(r'"", 0, 0, NULL, 0\)')
#: $1 is the worker's program, $2 which of its processes it shall be.
_INTERPRETER = """#!/bin/bash
export REAL_PYTHON={python}
if [[ " $TRACED " == *" $2 "* ]] && mkdir "$TRACES/$2" 2>/dev/null; then
  exec strace -D $STRACE_OPTIONS -o "$TRACES/$2/trace" bash -c 'exec -a "$0" "$REAL_PYTHON" "$@"' "$0" "$@"
fi
exec -a "$0" "$REAL_PYTHON" "$@"
"""
_PROCESS = {"supervisor": "supervise", "detached": "supervise", "importer": "import", "child": "import"}


@dataclass(frozen=True)
class Point:
    """The n-th call of a kind that a process makes.

    Args:
        role: ``launcher``; ``supervisor`` while the launcher watches it, ``detached`` when nobody does;
            ``importer``; ``child``; ``resumer``, the launcher that goes on with a sweep whose worker is dead.
        shown: how it looked when traced.
    """

    role: str
    call: str
    when: int
    shown: str = ""

    def __str__(self) -> str:
        return f"{self.role} {self.call} #{self.when} {self.shown}"


class TracedSweep(WitnessedSweep):
    """A sweep whose processes can be traced, and killed at a system call."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, python=str(_make_interpreter(folder / "python")))
        self._traces = folder / "traces"
        self._traces.mkdir()

    def find_points(self) -> list[Point]:
        """Trace every process of an undisturbed run; of the children, the first."""
        tracer = ["strace", *_OPTIONS.split(), "-o", str(self._traces / "launcher")]
        self._watch([*tracer, *self.command()], "supervise", f"-ff {_OPTIONS}")
        texts = self._texts()
        launcher = texts.pop(self._traces / "launcher")
        supervisor, importer, child, *_ = [texts[path] for path in sorted(texts, key=_pid)]
        found = {
            "launcher": launcher, "supervisor": supervisor, "detached": supervisor, "importer": importer,
            "child": child,
        }  # fmt: skip
        before = _calls_before_fork(importer)
        points = [point for role, text in found.items() for point in _points_of(role, text, self.folder)]
        return [point for point in points if point.role != "child" or point.when > before[point.call]]

    def find_points_of_resume(self, first: Point) -> list[Point]:
        """Trace the launcher that goes on after a strike."""
        self.strike(first)
        trace = self._traces / "resumer"
        self._watch(["strace", *_OPTIONS.split(), "-o", str(trace), *self._resuming()])
        return list(_points_of("resumer", trace.read_text(), self.folder))

    def strike(self, point: Point) -> bool:
        """Run it, and kill a process at this point; False if it never got there."""
        options = f"{_OPTIONS} -e inject={point.call}:signal=KILL:when={point.when}"
        tracer = ["strace", *options.split(), "-o", str(self._traces / point.role)]
        if point.role == "launcher":
            self._watch([*tracer, *self.command()])
        elif point.role == "resumer":
            self._watch([*tracer, *self._resuming()])
        else:
            detach = ["hydra.launcher.detach=true"] if point.role == "detached" else []
            forks = "-ff" if point.role == "child" else ""
            self._watch(self.command(*detach), _PROCESS[point.role], f"{forks} {options}")
            wait_until(lambda: not detach or self.status()["phase"] != "running", every=0.2)
        was_cut = re.compile(rf"^{point.call}\(.* = \?$")
        return any(was_cut.match(text.splitlines()[-1]) for text in self._texts().values() if text)

    def _resuming(self) -> list[str]:
        """The command that ``hsm resume`` would run."""
        shown = self.resume("--retry-failed", "--dry-run").stdout
        return shlex.split(shown.partition(" && ")[2])

    def _watch(self, command: list[str], traced: str = "", options: str = "") -> None:
        environ = {"TRACED": traced, "TRACES": str(self._traces), "STRACE_OPTIONS": options}
        self.watch(*command, **environ)

    def _texts(self) -> dict[Path, str]:
        return {path: path.read_text() for path in self._traces.rglob("*") if path.is_file()}


def _pid(path: Path) -> int:
    return int(path.suffix[1:])


def _calls_before_fork(importer: str) -> Counter[str]:
    """What strikes a child at the n-th call would strike an importer first that has made n of them."""
    made = importer[: importer.index("\nclone")].splitlines()
    return Counter(match[1] for line in made if (match := _LINE.match(line)))


def _points_of(role: str, text: str, folder: Path) -> Iterator[Point]:
    """The calls of a trace that leave a trace themselves; pipes and devices are none of a sweep.

    The first program in a trace is what strace, or our script, was started as: no strike comes before it.
    """
    calls = [match.groups() for line in text.splitlines() if (match := _LINE.match(line))]
    counts = Counter({"execve": -1} if any(call == "execve" for call, _ in calls) else {})
    for call, rest in calls:
        counts[call] += 1
        elsewhere = call == "write" and (f"<{folder}/" not in rest or f"<{folder}/printed>" in rest)
        silent = call in _ONLY_OF_CHILDREN and role != "child"
        without_effect = " = -1 " in rest or _NOTHING_SENT.search(rest)
        if counts[call] and not (elsewhere or silent or without_effect):
            yield Point(role, call, counts[call], rest.replace(f"{folder}/", "")[:100])
        if role == "importer" and _TASK_ENDED in rest:
            return  # with its first task the supervisor ends all that it does not know, a tracer too


def _make_interpreter(home: Path) -> Path:
    """What Python takes for a virtual environment like ours, with a script as its interpreter."""
    (home / "bin").mkdir(parents=True)
    ours = Path(sys.prefix)
    if (ours / "pyvenv.cfg").exists():
        shutil.copy(ours / "pyvenv.cfg", home)
        (home / "lib").symlink_to(ours / "lib")
    script = home / "bin" / "python"
    script.write_text(_INTERPRETER.format(python=shlex.quote(sys.executable)))
    script.chmod(0o755)
    return script
