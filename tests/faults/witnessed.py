"""A small sweep with an independent witness, and what must hold of it whatever was killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_core.store.state.sweep_state import SweepState
from tests.waiting import wait_until

#: Each task holds a lock of its own while it runs: whoever finds it held overlaps with another attempt.
APP = '''
import fcntl, os, time
from dataclasses import dataclass
import hydra
from hydra.core.config_store import ConfigStore

@dataclass
class Config:
    x: int = 0
    witness: str = "???"

def note(word, cfg):
    with open(cfg.witness, "a") as stream:
        stream.write(f"{word} {cfg.x} {os.environ['HSM_ATTEMPT']} {os.getpid()}\\n")

@hydra.main(config_path=None, config_name="config", version_base=None)
def main(cfg):
    lock = open(f"{cfg.witness}.{cfg.x}", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        note("overlap", cfg)
    note("begin", cfg)
    time.sleep(0.05)
    note("end", cfg)
    return {"score": cfg.x / 2, "of": {1, cfg.x}}

ConfigStore.instance().store(name="config", node=Config)
main()
'''
TASKS = 3
_COMPLETED = re.compile(rb'^\{"e":"end","t":(\d+),"a":(\d+),"state":"completed".*\}\n', re.MULTILINE)


@dataclass(frozen=True)
class JobStatus:
    """What the commands said at one moment, with what was true after they had said it.

    Args:
        said: numbers of the tasks that were called completed.
        ended: numbers of those whose function had ended, by the witness.
    """

    said: frozenset[int]
    ended: frozenset[int]


class WitnessedSweep:
    """A sweep of three tasks in a folder of its own, with a list of sweeps of its own."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder, self.sweep, self._witness = folder, folder / "sweep", folder / "witness"
        self._python = python
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app.py").write_text(APP)
        self._witness.touch()
        self.statuses: list[JobStatus] = []

    @property
    def environ(self) -> dict[str, str]:
        """Ours without a coverage tool's: it would write files of its own between ours."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
        return {**kept, "XDG_STATE_HOME": str(self.folder / "state"), "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, *overrides: str) -> list[str]:
        launcher = ["hydra/launcher=hsm_local", "hydra.launcher.slots=2"]
        python = f"hydra.launcher.python={self._python}"
        asked = [f"x=range({TASKS})", f"witness={self._witness}", f"hydra.sweep.dir={self.sweep}"]
        return [sys.executable, "app.py", "-m", "hydra/sweeper=hsm", *launcher, python, *asked, *overrides]

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env={**self.environ, **environ}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def watch(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command, and look at the sweep all the while."""
        with open(self.folder / "printed", "w+") as printed:
            process = subprocess.Popen(
                command, cwd=self.folder, env={**self.environ, **environ}, stdin=subprocess.DEVNULL,
                stdout=printed, stderr=printed,
            )  # fmt: skip
            wait_until(lambda: self._has_ended(process), timeout=100, every=0.05)
            printed.seek(0)
            return subprocess.CompletedProcess(command, process.returncode, "", printed.read())

    def _has_ended(self, process: subprocess.Popen[bytes]) -> bool:
        ended = process.poll() is not None
        if self.exists():
            state = SweepState(self.sweep)
            state.refresh()
            self._note(frozenset(state.numbers_in("completed")))
        return ended

    def _note(self, said: frozenset[int]) -> None:
        """Only now ask the witness."""
        self.statuses.append(JobStatus(said, frozenset(self.attempts("end"))))

    def hsm(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "hsm_core.cli.hsm", *words)

    def resume(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.hsm("resume", str(self.sweep), *words)

    def exists(self) -> bool:
        """True as soon as it is a sweep."""
        return (self.sweep / ".hsm" / "sweep.json").exists()

    def status(self) -> dict[str, Any]:
        """What ``hsm-status --json`` says."""
        said = self.run(sys.executable, "-m", "hsm_core.cli.status", str(self.sweep), "--json")
        assert said.returncode == 0, said.stderr
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    def tasks(self) -> dict[int, str]:
        """What ``hsm tasks --json`` says."""
        said = self.hsm("tasks", str(self.sweep), "--json")
        assert said.returncode == 0, said.stderr
        return {task["task"]: task["state"] for task in json.loads(said.stdout)["tasks"]}

    def completed(self) -> frozenset[int]:
        """The tasks that the commands call completed."""
        said = frozenset(number for number, state in self.tasks().items() if state == "completed")
        count = self.status()["counts"]["completed"]
        self._note(said)
        assert count >= len(said)
        return said

    def attempts(self, word: str) -> dict[int, list[int]]:
        """By task, the attempts that wrote ``word``."""
        found: dict[int, list[int]] = defaultdict(list)
        for line in self._witness.read_text().splitlines():
            said, number, attempt, _ = line.split()
            if said == word:
                found[int(number)].append(int(attempt))
        return found

    def outcomes(self) -> dict[int, int]:
        """The tasks with a completed outcome on disk, and of which attempt it is."""
        found = {}
        for path in self.sweep.glob("*/.hsm/outcome.json"):
            text = path.read_text()
            outcome = json.loads(text) if text else {}
            if outcome.get("state") == "completed":
                found[int(outcome["task"])] = int(outcome["attempt"])
        return found

    def accepted(self) -> Counter[tuple[int, int]]:
        """How often each (task, attempt) was reported as completed."""
        found: Counter[tuple[int, int]] = Counter()
        for path in (self.sweep / ".hsm" / "events").glob("*.jsonl"):
            for task, attempt in _COMPLETED.findall(path.read_bytes()):
                found[int(task), int(attempt)] += 1
        return found


def complete(sweep: WitnessedSweep, tries: int = 3) -> None:
    """Do what a user does after a fault, until all is completed."""
    for _ in range(tries):
        if not sweep.exists():
            sweep.watch(*sweep.command())
        elif len(sweep.completed()) < TASKS:
            resume_what_is_left(sweep)
    assert len(sweep.completed()) == TASKS, sweep.status()


def resume_what_is_left(sweep: WitnessedSweep) -> None:
    """Resume; what was on disk before is not run again."""
    before = sweep.outcomes()
    done = sweep.watch(sys.executable, "-m", "hsm_core.cli.hsm", "resume", str(sweep.sweep), "--retry-failed")
    assert "Traceback" not in done.stderr, done.stderr
    for number, attempt in before.items():
        later = [found for found in sweep.attempts("begin")[number] if found > attempt]
        assert not later, f"task {number} had the outcome of attempt {attempt} and ran again: {later}"


def check(sweep: WitnessedSweep) -> None:
    """What must hold in the end."""
    ends, accepted = sweep.attempts("end"), sweep.accepted()
    assert not sweep.attempts("overlap"), "two attempts of a task ran at once"
    assert sorted(ends) == list(range(TASKS)), f"by the witness, these tasks ended: {sorted(ends)}"
    assert sorted(task for task, _ in accepted) == list(range(TASKS)), f"accepted outcomes: {accepted}"
    assert max(accepted.values()) == 1, f"reported more than once: {accepted}"
    assert sweep.outcomes() == dict(accepted.keys()), "the events and the outcomes on disk differ"
    assert len(sweep.statuses[-1].said) == TASKS
    for status in sweep.statuses:
        assert status.said <= status.ended, f"called completed: {set(status.said)}, ended: {set(status.ended)}"
