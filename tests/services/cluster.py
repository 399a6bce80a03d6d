"""A real Slurm cluster, or a Grid Engine, on loopback, for the length of a test session."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SLURM_SH = Path(__file__).with_name("slurm") / "cluster.sh"
GRIDENGINE_SH = Path(__file__).with_name("gridengine") / "cluster.sh"
PORTS_OF_A_CLUSTER = 400


@dataclass(frozen=True)
class Cluster:
    """``cluster("kill-node", 2)`` and the like; the verbs are in its ``cluster.sh``."""

    base: str
    env: dict[str, str]
    script: Path

    @property
    def conf(self) -> str:
        return f"{self.base}/etc/slurm.conf"

    @property
    def chosen_by(self) -> dict[str, str]:
        """The variables by which Grid Engine's commands find their cell."""
        port = int(self.env["HSM_PORT"])
        return {
            "SGE_ROOT": f"{self.base}/root", "SGE_CELL": "default", "SGE_QMASTER_PORT": str(port),
            "SGE_EXECD_PORT": str(port + 1), "PATH": f"{self.base}/bin:{os.environ['PATH']}",
        }  # fmt: skip

    def __call__(self, *verb: object) -> str:
        argv = [str(self.script), *map(str, verb)]
        log = Path(self.base, "verbs.log")
        with log.open("ab") as out:  # a pipe would stay open in the daemons
            done = subprocess.run(
                argv, env=self.env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, timeout=120, check=False
            )
        said = log.read_text(errors="replace") if log.exists() else ""
        if done.returncode:
            raise RuntimeError(f"{argv}: {said[-2000:]}")
        return said


def free_ports() -> int:
    """The first of a block of loopback ports of which none seems taken."""
    blocks = range(20000, 32000, PORTS_OF_A_CLUSTER)
    for first in random.sample(blocks, len(blocks)):
        if all(is_free(port) for port in range(first, first + 20)):
            return first
    raise RuntimeError("no free block of ports")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def running_cluster(accounting: bool = False, **knobs: object) -> Iterator[Cluster]:
    """Start a cluster of its own, and end it with all that it ran. Knobs: see ``slurm/cluster.sh``."""
    usual = {} if accounting else {"HSM_ACCT": "none", "HSM_AUTH": "none"}
    with _running(SLURM_SH, {**usual, **knobs}) as cluster:
        yield cluster


@contextmanager
def running_gridengine(conf: str = "") -> Iterator[Cluster]:
    """Start a Grid Engine of its own, and end it with all that it ran.

    Args:
        conf: lines of its configuration. Jobs get no login shell, as this user's profile may take long, or leave a
            lock when it is killed.
    """
    with _running(GRIDENGINE_SH, {"HSM_CONF": f"login_shells sh\n{conf}"}) as cell:
        os.chmod(cell.base, 0o755)
        yield cell


@contextmanager
def _running(script: Path, knobs: Mapping[str, object]) -> Iterator[Cluster]:
    base = tempfile.mkdtemp(prefix="sl", dir="/tmp")  # short: the path of a unix socket has 108 characters
    env = dict(os.environ, HSM_BASE=base, HSM_PORT=str(free_ports()))
    cluster = Cluster(base, env | {name: str(value) for name, value in knobs.items()}, script)
    try:
        cluster("start")
        yield cluster
    finally:
        subprocess.run([script, "destroy"], env=cluster.env, check=True, timeout=120, capture_output=True)
