"""Which services this machine lacks, and so which tests are skipped: ``python -m tests.services.absent``."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

GRIDENGINE = Path("/usr/lib/gridengine/sge_qmaster")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def missing_commands(*commands: str) -> str:
    missing = [name for name in commands if not shutil.which(name, path=PATH)]
    return f"no {', '.join(missing)}" if missing else ""


def slurm() -> str:
    return missing_commands("slurmctld", "slurmd", "sbatch", "munged", "slurmdbd", "mariadbd", "bc")


def gridengine() -> str:
    commands = missing_commands("qsub", "qstat", "qdel", "qacct", "qconf")
    return "not root" if os.geteuid() else commands or ("" if GRIDENGINE.exists() else f"no {GRIDENGINE}")


def sshd() -> str:
    return (
        "not root"
        if os.geteuid()
        else missing_commands("sshd", "ssh", "ip", "iptables", "unshare", "nsenter")
    )


def strace() -> str:
    return missing_commands("strace")


def mounts() -> str:
    return "not root" if os.geteuid() else missing_commands("unshare", "mount")


def browser() -> str:
    lacking = "" if importlib.util.find_spec("playwright") else "no playwright"
    return missing_commands("chromium") or lacking


#: marker of the tests → why they can't run here, empty when they can
SERVICES: dict[str, Callable[[], str]] = {
    "slurm": slurm, "gridengine": gridengine, "sshd": sshd, "strace": strace, "mounts": mounts,
    "browser": browser,
}  # fmt: skip


def main() -> None:
    lacking = {name: reason for name, absent in SERVICES.items() if (reason := absent())}
    for name, reason in lacking.items():
        print(f"skipped: the tests marked {name}, whose service is absent here ({reason})")
    if lacking:
        print("`make services` (Debian, as root) brings what they need.")


if __name__ == "__main__":
    main()
