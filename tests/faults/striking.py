"""Kills one process of a sweep at one of its system calls, found by tracing a sweep that nobody disturbs.

The launcher runs under strace itself. A worker's processes are started by a script in the place of their
interpreter, which puts strace before the first of them that has the wanted role. The kernel kills the process
as it enters the call, so the call is not made. The code that is struck has no hooks for it.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .witnessed import WitnessedSweep

#: What leaves a trace on disk, starts a process, or tells another process something.
CALLS = (
    "write,pwrite64,rename,renameat,renameat2,link,linkat,mkdir,mkdirat,ftruncate,"
    "execve,fork,vfork,clone,clone3,sendto,sendmsg,dup2,recvfrom"
)
_OPTIONS = f"-q -y -e trace={CALLS} -e signal=none"
#: A child changes nothing by these, but others may tell by them how far it is.
_ONLY_OF_CHILDREN = ("dup2", "recvfrom")
_LINE = re.compile(r"^(\w+)\((.*)")
_NOTHING_SENT = re.compile(r'"", 0, 0, NULL, 0\)')
#: $1 is the worker's program, $2 which of its processes it shall be.
_INTERPRETER = """#!/bin/bash
if [[ " $TRACED " == *" $2 "* ]] && mkdir "$TRACES/$2" 2>/dev/null; then
  exec strace -D $STRACE_OPTIONS -o "$TRACES/$2/trace" bash -c 'exec -a "$0" {python} "$@"' "$0" "$@"
fi
exec -a "$0" {python} "$@"
"""
_PROCESS = {"supervisor": "supervise", "importer": "import", "child": "import"}


@dataclass(frozen=True)
class Point:
    """The n-th call of a kind that a process of this role makes; ``shown`` is how it looked when traced."""

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
        self._run(f"strace {_OPTIONS} -o {self._traces}/launcher", "supervise", f"-ff {_OPTIONS}")
        texts = self._texts()
        launcher = texts.pop(self._traces / "launcher")
        supervisor, importer, child, *_ = [texts[path] for path in sorted(texts, key=_pid)]
        found = {"launcher": launcher, "supervisor": supervisor, "importer": importer, "child": child}
        before = _calls_before_fork(importer)
        points = [point for role, text in found.items() for point in _points_of(role, text, self.folder)]
        return [point for point in points if point.role != "child" or point.when > before[point.call]]

    def strike(self, point: Point) -> bool:
        """Run it, and kill a process at this point; False if it never got there."""
        options = f"{_OPTIONS} -e inject={point.call}:signal=KILL:when={point.when}"
        if point.role == "launcher":
            self._run(f"strace {options} -o {self._traces}/launcher", "", "")
        else:
            forks = "-ff" if point.role == "child" else ""
            self._run("", _PROCESS[point.role], f"{forks} {options}")
        was_cut = re.compile(rf"^{point.call}\(.* = \?$")
        return any(was_cut.match(text.splitlines()[-1]) for text in self._texts().values() if text)

    def _run(self, tracer: str, traced: str, options: str) -> int:
        environ = {"TRACED": traced, "TRACES": str(self._traces), "STRACE_OPTIONS": options}
        return self.run(*tracer.split(), *self.command(), **environ).returncode

    def _texts(self) -> dict[Path, str]:
        return {path: path.read_text() for path in self._traces.rglob("*") if path.is_file()}


def _pid(path: Path) -> int:
    return int(path.suffix[1:])


def _calls_before_fork(importer: str) -> Counter[str]:
    """What strikes a child at the n-th call would strike an importer first that has made n of them."""
    made = importer[: importer.index("\nclone")].splitlines()
    return Counter(match[1] for line in made if (match := _LINE.match(line)))


def _points_of(role: str, text: str, folder: Path) -> Iterator[Point]:
    """The calls of a trace that leave a trace themselves; pipes and devices are none of a sweep."""
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        if match := _LINE.match(line):
            call, rest = match.groups()
            counts[call] += 1
            elsewhere = call == "write" and f"<{folder}/" not in rest
            silent = call == "execve" if role == "launcher" else call in _ONLY_OF_CHILDREN and role != "child"
            if not (elsewhere or silent or " = -1 " in rest or _NOTHING_SENT.search(rest)):
                yield Point(role, call, counts[call], rest[:100].replace(f"{folder}/", ""))


def _make_interpreter(home: Path) -> Path:
    """What Python takes for a virtual environment like ours, with a script as its interpreter."""
    (home / "bin").mkdir(parents=True)
    ours = Path(sys.prefix)
    if (ours / "pyvenv.cfg").exists():
        shutil.copy(ours / "pyvenv.cfg", home)
        (home / "lib").symlink_to(ours / "lib")
    script = home / "bin" / "python"
    script.write_text(_INTERPRETER.format(python=sys.executable))
    script.chmod(0o755)
    return script
