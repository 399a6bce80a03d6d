"""A PBS for the length of a test: a server and nodes that really run scripts, in either flavour."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import wait_until

from .client import COMMANDS
from .knobs import Flavour, Knobs, node_names, read_knobs, turned, write_knobs
from .processes import end_all_with
from .wire import ask, connect

ROOT = Path(__file__).parents[3]
COMMAND = """#!/bin/sh
python={python}  # which another user may not be allowed to run
[ -x "$python" ] || python=python3
exec "$python" -I -S -c 'import sys; sys.path.insert(0, sys.argv.pop(1)); base = sys.argv.pop(1)
from tests.services.pbs.client import main
sys.exit(main("{name}", base))' {root} {base} "$@"
"""


@dataclass
class Pbs:
    """The commands are in ``bin``; ``env`` is an environment with them on its PATH.

    ``turn(history=False)`` and the like change a knob while all goes on; the other verbs break things.
    """

    base: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        return self.base / "bin"

    @property
    def path(self) -> str:
        return f"{self.bin}{os.pathsep}{os.environ.get('PATH', '')}"

    @property
    def env(self) -> dict[str, str]:
        return dict(os.environ, PATH=self.path)

    @property
    def knobs(self) -> Knobs:
        return read_knobs(self.base)

    @property
    def home(self) -> Path:
        """The home directory of jobs."""
        return self.base / "home"

    @property
    def nodes(self) -> list[str]:
        return node_names(self.knobs)

    def turn(self, **knobs: object) -> None:
        """Set knobs, from the next command on."""
        write_knobs(self.base, turned(self.knobs, **knobs))

    def run(
        self,
        *argv: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the commands, with the server's environment and what ``env`` adds."""
        command, *rest = map(str, argv)
        return subprocess.run(
            [str(self.bin / command), *rest], env={**self.env, **(env or {})}, cwd=cwd, timeout=timeout,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    # verbs that break it, and mend it

    def kill_server(self) -> None:
        """SIGKILL; jobs go on, commands are refused."""
        self.kill("server")

    def start_server(self) -> None:
        """Jobs that have only just started are put back into the queue, and run twice."""
        self.spawn("server", "server")
        wait_until(self.answers, what="the PBS server")

    def restart_server(self) -> None:
        self.kill_server()
        self.start_server()

    def kill_mom(self, *nodes: str) -> None:
        """SIGKILL of these nodes' own processes; jobs live on, and go back to Q some time later."""
        for node in nodes:
            self.kill(node)

    def start_mom(self, *nodes: str) -> None:
        """These nodes come back, and kill what still runs there."""
        for node in nodes:
            self.spawn(node, "mom", node)

    def lose_answers(self, command: str, times: int = 1, how: str = "hang") -> None:
        """The server does what is asked, but the command never says so: ``hang``, or ``die``."""
        for number in range(times):
            (self.base / "lose" / f"{command}.{number}.{how}").touch()

    def spoil_answer(self, command: str, kept: int, err: str, rc: int) -> None:
        """The server does what is asked, but the command says something else, once; see ``Knobs.spoilt``."""
        (self.base / "lose" / f"{command}.0.say").write_text(json.dumps([kept, err, rc]))

    # its life

    def spawn(self, name: str, module: str, *argv: str) -> None:
        with (self.base / f"{module}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", STARTER, str(ROOT), module, str(self.base), *argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip

    def kill(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process:
            process.kill()
            process.wait()

    def answers(self) -> bool:
        with suppress(OSError), connect(self.base):
            return True
        if self.processes["server"].poll() is not None:
            raise RuntimeError((self.base / "server.log").read_text()[-2000:])
        return False

    def start(self) -> None:
        self.start_server()
        self.start_mom(*self.nodes)
        wait_until(self.all_up, what="the PBS nodes")

    def all_up(self) -> bool:
        return "down" not in self.ask("pbsnodes", a="")

    def ask(self, command: str, *ids: str, **options: str) -> str:
        """What the server tells a command, without the command."""
        out: str = ask(self.base, {"do": command, "options": options, "ids": ids, "version": ""})["out"]
        return out

    def heal(self, knobs: Knobs) -> None:
        """Undo what a test did: its knobs, its jobs, the processes that it killed."""
        write_knobs(self.base, turned(knobs, history=False, keep_completed_s=0.0))
        for ticket in (self.base / "lose").iterdir():
            ticket.unlink()
        if not self.lives("server"):
            self.start_server()
        self.start_mom(*(node for node in self.nodes if not self.lives(node)))
        wait_until(self.all_up, what="the PBS nodes")
        wait_until(self.emptied, what="no job of an earlier test")
        write_knobs(self.base, knobs)

    @contextmanager
    def healed(self) -> Iterator[None]:
        """What happens inside is undone at its end."""
        knobs = self.knobs
        try:
            yield
        finally:
            self.heal(knobs)

    def lives(self, name: str) -> bool:
        process = self.processes.get(name)
        return process is not None and process.poll() is None

    def emptied(self) -> bool:
        ids = self.ask("qselect", x="").split()
        for native_id in ids:
            self.ask("qdel", native_id, W="force")
        return not ids

    def stop(self) -> None:
        """End everything that this PBS ever started."""
        for name in list(self.processes):
            self.kill(name)
        end_all_with(f"PBS_NODEFILE={self.base}/")
        shutil.rmtree(self.base, ignore_errors=True)

    def log(self) -> str:
        """What its processes complained of."""
        return "".join(path.read_text() for path in self.base.glob("*.log"))


STARTER = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
module = sys.argv.pop(1)
runpy.run_module(f"tests.services.pbs.{module}", run_name="__main__", alter_sys=False)
"""


def install(base: Path, commands: Sequence[str] = COMMANDS) -> None:
    """Lay the directories and the commands that anyone may use."""
    base.chmod(0o755)
    for name, mode in {"bin": 0o755, "home": 0o1777, "lose": 0o777}.items():
        (base / name).mkdir()
        (base / name).chmod(mode)
    words = {
        "python": shlex.quote(sys.executable),
        "root": shlex.quote(str(ROOT)),
        "base": shlex.quote(str(base)),
    }
    for name in commands:
        (base / "bin" / name).write_text(COMMAND.format(name=name, **words))
        (base / "bin" / name).chmod(0o755)


@contextmanager
def running_pbs(flavour: Flavour = "pbspro", **knobs: object) -> Iterator[Pbs]:
    """Start a PBS of its own, and end it with all that it ran. Knobs: see ``Knobs``."""
    # short: the path of a unix socket has 108 characters
    base = Path(tempfile.mkdtemp(prefix="pb", dir="/tmp"))
    write_knobs(base, turned(Knobs(flavour=flavour), **knobs))
    install(base)
    pbs = Pbs(base)
    try:
        pbs.start()
        yield pbs
    finally:
        pbs.stop()
