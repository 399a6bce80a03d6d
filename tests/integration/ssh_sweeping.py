"""An app whose sweeps run on hosts behind SSH, and a witness there that its tasks write to without knowing of hsm."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from hsm_core.overrides import hydra_text
from hsm_core.store.state.sweep_state import SweepState
from tests.services.fleet import Fleet
from tests.waiting import wait_until

#: The interpreter of the hosts' tasks: Debian's, with Hydra.
PYTHON = "/home/sweeper/hydra-env/bin/python"
#: Nothing but these is on a host.
_PACKAGES = ("hydra-core", "omegaconf", "antlr4-python3-runtime", "PyYAML", "packaging", "typing_extensions")
_MAKE = (
    "python3 -m venv --without-pip ~/FOLDER && "
    'tar xf - -C "$(echo ~/FOLDER/lib/python3*/site-packages)" && mkdir -p /tmp/seen'
)
APP = '''
import logging, os, socket, subprocess, time
import hydra
import helper

log = logging.getLogger(__name__)

def note(word, cfg):
    with open(f"{cfg.witness}", "a") as stream:
        stream.write(f"{word} {cfg.x} {os.environ['HSM_ATTEMPT']}\\n")

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    note("begin", cfg)
    print("hello", cfg.x, flush=True)
    log.info("x is %s", cfg.x)
    if cfg.child:
        subprocess.Popen(["setsid", "sleep", "987654"])
    while cfg.gate and not os.path.exists(cfg.gate):
        time.sleep(0.02)
    with open("model.txt", "w") as stream:
        stream.write(helper.half(cfg.x) * 3)
    if cfg.x == cfg.bad:
        raise ValueError(f"bad x: {cfg.x}")
    note("end", cfg)
    return cfg.x / 2 if cfg.flat else {"score": cfg.x / 2}

if __name__ == "__main__":
    main()
'''
CONFIG = """
x: 0
bad: -1
gate: ""
child: false
flat: false
witness: /tmp/seen/witness
hydra: {job: {chdir: true}}
"""


@cache
def _packed(*more: str) -> bytes:
    """Returns Hydra and what it needs, and more packages of this environment, packed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in (*_PACKAGES, *more):
            try:
                found = distribution(name)
            except PackageNotFoundError:
                continue  # another line of Hydra needs it
            for file in found.files or ():
                path = Path(str(found.locate_file(file)))
                if ".." not in file.parts and path.is_file() and "__pycache__" not in file.parts:
                    archive.add(path, str(file))
    return packed.getvalue()


def with_hydra(fleet: Fleet, *more: str, folder: str = "hydra-env") -> None:
    """Gives each host of a fleet a virtual environment with Hydra and more packages, unless it has it."""
    for number in range(1, fleet.size + 1):
        if not fleet("exec", number, "ls", f"/home/sweeper/{folder}/bin/python", check=False).strip():
            login = ["ssh", "-F", str(fleet.ssh_config), f"h{number}", _MAKE.replace("FOLDER", folder)]
            subprocess.run(login, input=_packed(*more), check=True, capture_output=True, timeout=120)


class SshApp:
    """An app in a directory of its own; the calling thread is on the fleet's network.

    Args:
        hosts: ``hydra.launcher.hosts``, without what all of them need.
    """

    def __init__(self, folder: Path, fleet: Fleet, hosts: dict[str, int], *more: str) -> None:
        self.folder, self.fleet, self.sweep = folder, fleet, folder / "sweep"
        (folder / "conf").mkdir(parents=True)
        (folder / "train.py").write_text(APP)
        (folder / "helper.py").write_text("def half(x):\n    return f'{x / 2}\\n'\n")
        (folder / "conf" / "config.yaml").write_text(CONFIG)
        named = ",".join(f"{{name:{name},slots:{slots},python:{PYTHON}}}" for name, slots in hosts.items())
        self._launcher = [
            "hydra/launcher=hsm_ssh", f"hydra.launcher.hosts=[{named}]", *more,
            f"hydra.launcher.ssh_config={hydra_text(str(fleet.ssh_config))}",
        ]  # fmt: skip
        self._started: list[subprocess.Popen[str]] = []
        for number in range(1, fleet.size + 1):
            fleet("exec", number, "sh", "-c", "rm -rf /tmp/seen; mkdir -m 777 /tmp/seen")

    def command(self, *overrides: str) -> list[str]:
        start = [sys.executable, str(self.folder / "train.py"), "-m", *self._launcher]
        return [*start, f"hydra.sweep.dir={hydra_text(str(self.sweep))}", *overrides]

    def run(self, *overrides: str) -> subprocess.CompletedProcess[str]:
        return self._done(self.command(*overrides))

    def start(self, *overrides: str) -> subprocess.Popen[str]:
        return self._begun(self.command(*overrides))

    def start_hsm(self, *words: str) -> subprocess.Popen[str]:
        return self._begun([str(Path(sys.executable).with_name("hsm")), *words])

    def hsm(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._done([str(Path(sys.executable).with_name("hsm")), *words])

    def status(self) -> str:
        return self._done([str(Path(sys.executable).with_name("hsm-status")), str(self.sweep)]).stdout

    def state(self) -> SweepState:
        state = SweepState(self.sweep)
        state.refresh()
        return state

    def seen(self) -> Counter[str]:
        """Returns the lines of all hosts' witnesses."""
        found: Counter[str] = Counter()
        for number in range(1, self.fleet.size + 1):
            found.update(self.fleet("exec", number, "cat", "/tmp/seen/witness", check=False).splitlines())
        return found

    def open_gate(self) -> None:
        for number in range(1, self.fleet.size + 1):
            self.fleet("exec", number, "touch", "/tmp/seen/gate")

    def wait_for_seen(self, count: int, word: str = "begin") -> None:
        wait_until(lambda: sum(line.startswith(word) for line in self.seen()) >= count, 60.0, f"{count} {word}")

    def end(self) -> None:
        """Leaves nothing behind, also where a test failed."""
        for process in self._started:
            if process.poll() is None:
                self.kill(process)
        for number in range(1, self.fleet.size + 1):
            self.fleet("exec", number, "pkill", "-KILL", "-u", "sweeper", "-f", "hsm_core/worker", check=False)

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kills a client with all that it started here: ``hsm resume`` has another process do its work."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def _begun(self, command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self._started.append(process)
        return process

    def _done(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
