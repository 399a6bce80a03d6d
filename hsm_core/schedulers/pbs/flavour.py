"""Finds out which of five batch systems the ``qsub`` and ``qstat`` on PATH belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.interface import Host

Batch = Literal["pbspro", "torque", "slurm", "sge", "unknown"]

_ASK_S = 20.0
#: as far as a wrapper's ``use Slurm`` is from its start
_HEAD_BYTES = 8192


@dataclass(frozen=True)
class Found:
    """The batch system behind ``qsub`` and ``qstat``.

    Args:
        batch: ``pbspro`` is OpenPBS too; ``slurm``: wrappers that call Slurm.
        path: of ``qstat``.
        version: as it says itself; empty if it says none.
    """

    batch: Batch
    path: str
    version: str = ""


#: Of commands that are not PBS's: whose they are, and what to do to use hsm here.
_OF_OTHERS = {
    "slurm": ("it is a wrapper of Slurm's", "hydra/launcher=hsm_slurm"),
    "sge": ("it belongs to Grid Engine", "PATH=DIRECTORY:$PATH    # where PBS's own commands are"),
    "unknown": ("it does not say whose it is", "hydra.launcher.flavour=pbspro    # or torque, if it is one of these"),
}


def find_pbs(host: Host) -> Found | None:
    """Returns the system that the commands on a host's PATH belong to; None if there are none."""
    qstat, qsub = host.which("qstat"), host.which("qsub")
    if qstat is None or qsub is None:
        return None
    if _calls_slurm(host, Path(qstat)):
        return Found("slurm", qstat)
    said = _said(host, [qstat, "--version"])
    if match := re.search(r"pbs_version\s*=\s*(\S+)", said):
        return Found("pbspro", qstat, match[1])
    if match := re.search(r"^Version:\s*(\S+)", said, re.MULTILINE):
        return Found("torque", qstat, match[1])
    return _grid_engine(host, qstat, said) or Found("unknown", qstat)


def chosen_flavour(wanted: str, host: Host) -> Literal["pbspro", "torque"]:
    """Returns the flavour of PBS to speak.

    Args:
        wanted: ``pbspro``, ``torque``, or ``auto``: what the commands on PATH belong to.

    Raises:
        ConfigError: there is no such flavour.
        BackendError: the commands are of no PBS that we speak.
    """
    if wanted not in ("auto", "pbspro", "torque"):
        told = f"hydra.launcher.flavour={wanted} must be one of auto, pbspro, torque"
        raise ConfigError(told, fix="hydra.launcher.flavour=auto")
    if wanted == "pbspro" or wanted == "torque":
        return "pbspro" if wanted == "pbspro" else "torque"
    found = find_pbs(host)
    if found is None:
        missing = "qsub and qstat not found on PATH"
        raise BackendError("PBS is not installed on this machine", evidence=missing, fix="hsm doctor")
    if found.batch == "pbspro" or found.batch == "torque":
        return "pbspro" if found.batch == "pbspro" else "torque"
    belongs_to, fix = _OF_OTHERS[found.batch]
    raise BackendError(f"{found.path} does not belong to PBS", evidence=belongs_to, fix=fix)


def _calls_slurm(host: Host, qstat: Path) -> bool:
    """Recognises Slurm's wrappers: Perl scripts that load its library, and print usage when asked for a version."""
    try:
        head = host.read(qstat, size=_HEAD_BYTES)
    except OSError:
        return False
    return head.startswith(b"#!") and re.search(rb"^\s*use Slurm\b", head, re.MULTILINE) is not None


def _grid_engine(host: Host, qstat: str, said: str) -> Found | None:
    """Recognises Grid Engine: it names itself in the first line of its help, or misses its root or master."""
    helped = _said(host, [qstat, "-help"])
    match = re.match(r"\s*(?:SGE|GE|UGE|AGE|OGS|OGS/GE|SoGE)\s+(\d\S*)", helped)
    if match or re.search(r"SGE_ROOT|qmaster", helped + said):
        return Found("sge", qstat, match[1] if match else "")
    return None


def _said(host: Host, argv: list[str]) -> str:
    try:
        done = host.run(argv, _ASK_S)
    except OSError:
        return ""
    return done.out + done.err
