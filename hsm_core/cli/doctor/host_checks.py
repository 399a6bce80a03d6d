"""Asks a host that lets us in whether a sweep can run there: Python, Hydra, disk, GPUs, clock, what a logout ends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from hsm_core.detect.gpus_there import Gpu, gpus_of
from hsm_core.detect.logout import at_logout
from hsm_core.detect.python_there import find_python, own_interpreter
from hsm_core.errors import BackendError, HostTrouble
from hsm_core.hosts.agent.remote_host import RemoteHost
from hsm_core.hosts.interface import Done
from hsm_core.hosts.ssh.address import HostAddress
from hsm_core.model import counted
from hsm_core.schedulers.batch_system import Finding
from hsm_core.sources.remote.sweep_there import folder_there

from .host_login import bad

_TIMES = 7
_SLOW_MS, _SKEW_S, _FEW_GIB = 300.0, 2.0, 1.0
_ASK_S = 60.0
#: Writes something into a folder, or into what is there of its parents, and says how much room is left.
_ROOM = """
folder=$1
while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
file=$(mktemp "$folder/.hsm-doctor.XXXXXX") || exit 1
head -c 65536 /dev/zero > "$file"; code=$?
rm -f "$file"
[ "$code" = 0 ] && df -Pk "$folder"
"""


@dataclass(frozen=True)
class Asked:
    """A host that is asked, and what its user said of it.

    Args:
        address: as its user wrote it.
        login: the ssh command that goes there.
    """

    host: RemoteHost
    address: HostAddress
    login: str


def host_findings(asked_host: Asked) -> Iterator[Finding]:
    """Yields what a host says, as far as it answers."""
    checks: list[tuple[str, Callable[[Asked], Iterator[Finding]]]] = [
        ("agent", _agent), ("round trip", _latency), ("python", _python), ("disk", _disk), ("gpus", _gpus),
        ("cores", _cores), ("clock", _clock), ("logout", _logout),
    ]  # fmt: skip
    for name, check in checks:
        try:
            yield from check(asked_host)
        except HostTrouble as trouble:
            yield bad(name, trouble)
            return


def _agent(one: Asked) -> Iterator[Finding]:
    greeting = one.host.greeting
    version = ".".join(map(str, greeting.version))
    yield Finding("agent", "ok", f"answers as {greeting.user}, with {greeting.python} ({version})")
    shell = one.host.environment.get("SHELL", "the login shell")
    if greeting.noise:
        said = f"{shell} prints {greeting.noise} bytes of its own at each login: hsm skips them, scp and rsync fail"
        fix = f"{one.login} true    # prints nothing once its login files print on terminals only"
        yield Finding("login files", "note", said, fix)
    else:
        yield Finding("login files", "ok", f"{shell} prints nothing of its own")


def _latency(one: Asked) -> Iterator[Finding]:
    times = [_timed(lambda: one.host.which("sh")) for _ in range(_TIMES)]
    found = 1000 * median(times)
    slow = ": starting tasks and following logs is slow there" if found > _SLOW_MS else ""
    fix = f"{one.login} true    # as slow? then it is the network" if slow else ""
    yield Finding("round trip", "note" if slow else "ok", f"{found:.1f} ms (median of {_TIMES}){slow}", fix)


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _python(one: Asked) -> Iterator[Finding]:
    here = own_interpreter()
    try:
        found = find_python(one.host, named=one.address.python)
    except HostTrouble:
        raise
    except BackendError as error:
        yield bad("python", error)
        return
    yield Finding("python", "ok", f"{found.path}, {_beside(found.version, here.version)}")
    for name, version in found.packages.items():
        yield Finding(name, "ok", _beside(version, here.packages[name]))


def _beside(there: str, here: str) -> str:
    return f"{there}, as here" if there == here else f"{there}; here {here}, which is close enough"


def _disk(one: Asked) -> Iterator[Finding]:
    folder = folder_there(one.host, {"dir": one.address.dir} if one.address.dir else {})
    done = _ask(one, "sh", "-c", _ROOM, "sh", str(folder))
    if done.code != 0:
        said = " ".join((done.err or done.out or done.evidence).split())
        fix = f"{one.login} df -h    # or another dir: in {{name: …, dir: …}}"
        yield Finding("disk", "bad", f"{folder} can't be written: {said}", fix)
        return
    free = _free_gib(done.out)
    said = f"{folder} can be written, {'nobody knows how much is' if free is None else f'{free:.1f} GiB'} free"
    if free is None or free < _FEW_GIB:
        yield Finding("disk", "note", said, f"{one.login} df -h")
    else:
        yield Finding("disk", "ok", said)


def _free_gib(table: str) -> float | None:
    """Returns what ``df -Pk`` says in its last line; None if that says nothing."""
    row = re.search(r"\s\d{1,18}\s+\d{1,18}\s+(\d{1,18})\s+\S+\s+/[^\n]*\n?\Z", table, re.ASCII)
    return int(row[1]) / 2**20 if row else None


def _gpus(one: Asked) -> Iterator[Finding]:
    try:
        found = gpus_of(one.host)
    except ValueError as error:
        yield Finding("gpus", "note", f"nvidia-smi does not tell them: {error}", f"{one.login} nvidia-smi")
        return
    if not found:
        yield Finding("gpus", "ok", "none: there is no nvidia-smi, or it lists none")
    for name in dict.fromkeys(gpu.name for gpu in found):
        yield Finding("gpus", "ok", _gpu_words([gpu for gpu in found if gpu.name == name]))


def _gpu_words(found: list[Gpu]) -> str:
    free = [gpu.index for gpu in found if not gpu.is_busy]
    busy = [f"{gpu.index} ({gpu.memory})" for gpu in found if gpu.is_busy]
    parts = [f"free: {', '.join(free)}" if free else "none is free", f"busy: {', '.join(busy)}" if busy else ""]
    return f"{len(found)} × {found[0].name}; {'; '.join(filter(None, parts))}"


def _cores(one: Asked) -> Iterator[Finding]:
    done = _ask(one, "nproc")
    if done.code != 0 or not re.fullmatch(r"\d{1,6}\n", done.out, re.ASCII):
        return
    cores = int(done.out)
    if one.address.slots is not None and one.address.slots > cores:
        said = f"{cores} usable, and {one.address.slots} tasks are to run at once"
        yield Finding("cores", "note", said, f"{one.address.name}:{cores}    # in hydra.launcher.hosts")
    else:
        yield Finding("cores", "ok", f"{cores} usable")


def _clock(one: Asked) -> Iterator[Finding]:
    read = [found for _ in range(3) if (found := _offset(one)) is not None]
    if not read:
        yield Finding("clock", "note", "can't be read: date +%s fails", f"{one.login} date +%s")
        return
    doubt, offset = min(read)
    said = f"{abs(offset):.2f} s {'ahead of' if offset > 0 else 'behind'} ours, to within {doubt:.2f} s"
    if abs(offset) - doubt > _SKEW_S:
        said += ": times that it tells are off by that, nothing else is"
        yield Finding("clock", "note", said, "timedatectl set-ntp true    # there, as root")
    else:
        yield Finding("clock", "ok", said)


def _offset(one: Asked) -> tuple[float, float] | None:
    """Returns in seconds how far the host's clock may be from this, and is: it was read in the middle of a call."""
    began, wall = time.perf_counter(), time.time()
    done = _ask(one, "date", "+%s.%N")
    took = time.perf_counter() - began
    told = re.match(r"(\d{1,12})(\.\d{1,9})?", done.out, re.ASCII)
    if told is None:
        return None
    coarse = 0.0 if told[2] else 0.5  # a date that knows no %N
    return took / 2 + coarse, float(told[0]) + coarse - (wall + took / 2)


def _logout(one: Asked) -> Iterator[Finding]:
    found = at_logout(one.host)
    if found == "ended":
        said = "systemd ends your processes when you log out (KillUserProcesses): tasks end when the connection does"
        yield Finding("logout", "note", said, f"{one.login} loginctl enable-linger")
        return
    words = {"kept": "processes live on after a logout", "unknown": "no systemd-logind is known to end processes"}
    yield Finding("logout", "ok", words[found])


def _ask(one: Asked, *argv: str) -> Done:
    """Runs a command; one that is not there fails as in a shell.

    Raises:
        HostTrouble: the host can't be asked.
    """
    try:
        return one.host.run(argv, _ASK_S)
    except HostTrouble:
        raise
    except OSError as error:
        return Done(argv, 127, "", str(error))


def verdict(found: Sequence[Finding]) -> str:
    """Returns in a few words whether a sweep can run on a host."""
    wrong = dict.fromkeys(one.name for one in found if one.level == "bad")
    if wrong:
        return f"a sweep can't run there: {', '.join(wrong)}"
    notes = sum(one.level == "note" for one in found)
    return "a sweep can run there" + (f"; {counted(notes, 'note')}" if notes else "")
