"""An app that sweeps for real, and a witness that its tasks write to without knowing of hsm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core.store.state.sweep_state import SweepState
from tests.waiting import wait_until

APP = '''
import os, signal, sys, time
import hydra

def note(word, cfg):
    line = f"{word} {cfg.x} {os.environ.get('HSM_ATTEMPT')} {os.getpid()} {time.monotonic()}\\n"
    with open(cfg.witness, "a") as stream:
        stream.write(line)

@hydra.main(config_path=None, config_name="config", version_base=None)
def main(cfg):
    note("begin", cfg)
    if cfg.deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if cfg.warned:
        signal.signal(signal.SIGUSR2, lambda *_: open(f"{cfg.warned}-{cfg.x}", "w").close())
    while cfg.gate and not os.path.exists(cfg.gate):
        time.sleep(0.02)
    if cfg.x in cfg.bad:
        raise ValueError(f"bad x: {cfg.x}")
    note("end", cfg)
    return {"score": cfg.x / 2}

from dataclasses import dataclass, field
from hydra.core.config_store import ConfigStore

@dataclass
class Config:
    x: int = 0
    gate: str = ""
    witness: str = "???"
    deaf: bool = False
    warned: str = ""
    bad: list[int] = field(default_factory=list)

ConfigStore.instance().store(name="config", node=Config)
main()
'''


LOCAL = ("hydra/launcher=hsm_local", "hydra.launcher.slots=2")
SLURM = ("hydra/launcher=hsm_slurm",)
PBS = ("hydra/launcher=hsm_pbs",)


@dataclass(frozen=True)
class Interval:
    """What a task wrote: when it began and, if it got there, ended."""

    attempt: int
    begin: float
    end: float | None


class SweepingApp:
    """An app in a directory of its own, with a sweep directory beside it.

    Its tasks wait until ``open_gate`` is called, unless the sweep is started without a gate.

    Args:
        launcher: the overrides that choose the launcher of its sweeps.
    """

    def __init__(self, folder: Path, launcher: Sequence[str] = LOCAL) -> None:
        self.folder, self.sweep, self.launcher = folder, folder / "sweep", launcher
        self._gate, self._witness = folder / "gate", folder / "witness"
        (folder / "app.py").write_text(APP)
        self._witness.touch()

    def command(self, *overrides: str, gate: bool = False) -> list[str]:
        quoted = [f"witness={_quoted(self._witness)}", f"hydra.sweep.dir={_quoted(self.sweep)}"]
        gates = [f"gate={_quoted(self._gate)}"] if gate else []
        return [sys.executable, "app.py", "-m", *self.launcher, *quoted, *gates, *overrides]

    def start(self, *overrides: str, gate: bool = True) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*overrides, gate=gate), cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *overrides: str, gate: bool = False) -> subprocess.CompletedProcess[str]:
        return self._done(self.command(*overrides, gate=gate))

    def hsm(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._done([sys.executable, "-m", "hsm_core.cli.hsm", *words])

    def resume(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.hsm("resume", str(self.sweep), *words)

    def open_gate(self) -> None:
        self._gate.touch()

    def close_gate(self) -> None:
        self._gate.unlink()

    def state(self) -> SweepState:
        state = SweepState(self.sweep)
        state.refresh()
        return state

    def states(self) -> dict[str, int]:
        return {state: count for state, count in self.state().counts().items() if count}

    def worker_pid(self) -> int:
        return next(int(worker.head.process.pid) for worker in self.state().workers() if not worker.sealed)

    def wait_for_begun(self, count: int, timeout: float = 30.0) -> None:
        """Wait until so many attempts have begun, by their own word."""
        told = f"{count} begun tasks"
        wait_until(lambda: self._witness.read_text().count("begin ") >= count, timeout, told)

    def wait_for_seal(self) -> None:
        """Wait until no worker has anything more to say."""
        wait_until(lambda: all(worker.sealed for worker in self.state().workers()))

    def intervals(self) -> dict[int, list[Interval]]:
        """By task's ``x``, what its attempts wrote."""
        begun: dict[tuple[int, int], tuple[int, float]] = {}
        ended: dict[tuple[int, int], float] = {}
        for line in self._witness.read_text().splitlines():
            word, x, attempt, pid, at = line.split()
            if word == "begin":
                begun[int(x), int(pid)] = (int(attempt), float(at))
            else:
                ended[int(x), int(pid)] = float(at)
        found: dict[int, list[Interval]] = defaultdict(list)
        for key, (attempt, at) in begun.items():
            found[key[0]].append(Interval(attempt, at, ended.get(key)))
        return dict(found)

    def _done(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=120, check=False,
        )  # fmt: skip


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    os.kill(pid, number)


def _quoted(path: Path) -> str:
    from hsm_core.overrides import hydra_text

    return hydra_text(str(path))
