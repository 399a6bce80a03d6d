"""Grid Engine as it is on a host: whether it is there, and what ``hsm doctor`` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host
from hsm_core.schedulers.batch_system import Absent, Finding, System, asked

#: the first line of its commands' help; those of PBS and of Slurm's wrappers say other things
_VERSION = re.compile(r"(?:SGE|GE|UGE|AGE|OGS|OGS/GE|SoGE|OCS|GCS) \d\S*")


def find_grid_engine(host: Host) -> System | Absent:
    """Returns it, if ``qstat`` is its own and finds a cell."""
    path = host.which("qstat")
    if path is None or host.which("qsub") is None:
        return Absent("gridengine", "qsub and qstat not found on PATH")
    done = asked(host, [path, "-help"])
    version = _VERSION.search(done.out)
    if version is None and re.search("SGE_ROOT|qmaster", done.out + done.err):
        return Absent("gridengine", f"{path} finds no cell: {done.evidence}", odd=True, fix="export SGE_ROOT=<cell>")
    if version is None:
        return Absent("gridengine", f"{path} does not belong to Grid Engine")
    answer = asked(host, [path, "-u", host.user])
    return System("gridengine", version[0], path, trouble="" if answer.code == 0 else answer.evidence)


def require_grid_engine(host: Host) -> None:
    """See ``BatchSystem.require``."""
    found = find_grid_engine(host)
    if isinstance(found, Absent):
        fix = found.fix or "hsm doctor    # or hydra/launcher=hsm_local, to run the tasks here"
        raise BackendError("Grid Engine is not usable on this machine", evidence=found.why, fix=fix)


def queue_findings(host: Host) -> Iterator[Finding]:
    """Yields its queues and parallel environments."""
    for name, argv in (("queues", ["qconf", "-sql"]), ("parallel environments", ["qconf", "-spl"])):
        done = asked(host, argv)
        if done.code == 0:
            yield Finding(f"Grid Engine {name}", "ok", ", ".join(done.out.split()) or "none")
        else:
            yield Finding(f"Grid Engine {name}", "note", f"unknown: {done.evidence}", " ".join(argv))
