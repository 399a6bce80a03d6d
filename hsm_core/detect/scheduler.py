"""Which batch system jobs go to from here: by what its commands answer, not by what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.interface import Done, Host
from hsm_core.schedulers.pbs.flavour import Batch, find_pbs
from hsm_core.schedulers.slurm.commands import question_environment

SystemName = Literal["slurm", "pbs"]
#: the user's own word on it
VARIABLE = "HSM_HPC_SYSTEM"
TITLES: Mapping[SystemName, str] = {"slurm": "Slurm", "pbs": "PBS"}

#: a command that finds no slurm.conf looks for it for a minute
ASK_S = 15.0
_NO_CLUSTER = re.compile(r"configuration source|process configuration file|cannot stat file")
_NOT_PBS: Mapping[Batch, str] = {
    "slurm": "is a wrapper of Slurm's",
    "sge": "belongs to Grid Engine, which hsm does not support",
    "unknown": "does not belong to PBS",
}
_FLAVOURS: Mapping[Batch, str] = {"pbspro": "PBS Pro or OpenPBS", "torque": "Torque"}


@dataclass(frozen=True)
class System:
    """A batch system that this machine submits to.

    Args:
        name: as launchers and submissions name it.
        version: in its own words.
        path: of the command that was asked.
        flavour: of PBS: ``pbspro`` or ``torque``.
        trouble: why it does not answer now; empty if it does.
        wrapped: its submit command is a script that somebody put before the real one.
    """

    name: SystemName
    version: str
    path: str
    flavour: Batch = "unknown"
    trouble: str = ""
    wrapped: bool = False


@dataclass(frozen=True)
class Absent:
    """Why a batch system is not to be used from here.

    Args:
        odd: something of its name is here all the same.
    """

    name: SystemName
    why: str
    odd: bool = False
    fix: str = ""


def find_systems(host: Host) -> list[System | Absent]:
    """Both, each as it is here."""
    return [find_slurm(host), find_pbs_server(host)]


def chosen_system(host: Host) -> SystemName:
    """The one that jobs shall go to.

    Raises:
        ConfigError: none is here, or it isn't clear which is meant.
    """
    here = systems_here(host)
    if len(here) > 1:
        told = "both Slurm and PBS are here, so hsm_hpc needs to know which to use"
        raise ConfigError(told, fix=f"export {VARIABLE}={here[0]}    # or {here[1]}")
    return here[0]


def systems_here(host: Host, otherwise: str = "") -> list[SystemName]:
    """What ``HSM_HPC_SYSTEM`` says, else those that answer; those that are here, if none answers now.

    Args:
        otherwise: what to type where there is none, unless that is to set one up.

    Raises:
        ConfigError: none is here, or the variable names none.
    """
    wanted = host.environment.get(VARIABLE, "").strip().lower()
    if wanted and wanted not in TITLES:
        raise ConfigError(f"{VARIABLE}={wanted} is neither slurm nor pbs", fix=f"export {VARIABLE}=slurm")
    if wanted:
        return [name for name in TITLES if name == wanted]
    found = find_systems(host)
    here = [one for one in found if isinstance(one, System)]
    if not here:
        raise _nothing([one for one in found if isinstance(one, Absent)], otherwise)
    return [one.name for one in here if not one.trouble] or [one.name for one in here]


def _nothing(absent: list[Absent], otherwise: str) -> ConfigError:
    usual = "start it on a login node, or add hydra/launcher=hsm_local to run here"
    return ConfigError(
        "no batch system found here, neither Slurm nor PBS",
        evidence="; ".join(one.why for one in absent),
        fix=otherwise or next((one.fix for one in absent if one.fix), usual),
    )


def find_slurm(host: Host) -> System | Absent:
    """Slurm, if ``sbatch`` is Slurm's and knows a cluster."""
    path = host.which("sbatch")
    if path is None:
        return Absent("slurm", "sbatch not found on PATH")
    done = asked(host, [path, "--version"])
    match = re.match(r"slurm(?:-wlm)?\s+\S+", done.out)
    if match is None and _NO_CLUSTER.search(done.err):
        return Absent(
            "slurm", f"{path} finds no cluster: {_last_line(done)}", odd=True, fix="export SLURM_CONF=<slurm.conf>"
        )
    if match is None:
        return Absent("slurm", f"{path} does not belong to Slurm: {done.evidence}", odd=True, fix=f"{path} --version")
    return System("slurm", match[0], path, trouble=_trouble_of_slurm(host), wrapped=_is_script(host, Path(path)))


def require_slurm_cluster(host: Host) -> None:
    """Refuse, before anything is written, a Slurm whose commands are here and know no cluster.

    Raises:
        BackendError: they would say so at each submission, and no waiting helps.
    """
    path = host.which("sbatch")
    done = asked(host, [path, "--version"]) if path else None
    if done is not None and done.code and _NO_CLUSTER.search(done.err):
        raise BackendError(
            "Slurm's commands are installed, but no cluster is configured", evidence=done.evidence,
            fix="start it on a login node, or add hydra/launcher=hsm_local to run here",
        )  # fmt: skip


def find_pbs_server(host: Host) -> System | Absent:
    """PBS, if ``qsub`` and ``qstat`` are its own."""
    found = find_pbs(host)
    if found is None:
        alone = [path for name in ("qstat", "qsub") if (path := host.which(name))]
        why = f"{alone[0]} is here without the other PBS commands" if alone else "qsub and qstat not found on PATH"
        return Absent("pbs", why, odd=bool(alone))
    if found.batch in _NOT_PBS:
        return Absent("pbs", f"{found.path} {_NOT_PBS[found.batch]}", odd=True)
    done = asked(host, [found.path, "-B"])
    trouble = "" if done.code == 0 else done.evidence
    version = f"{_FLAVOURS[found.batch]} {found.version}"
    return System("pbs", version, found.path, found.batch, trouble)


def asked(host: Host, argv: list[str]) -> Done:
    """What a command says within a quarter of a minute; one that can't be started says why."""
    try:
        return host.run(argv, ASK_S, env=question_environment(host.environment))
    except OSError as error:
        return Done(tuple(argv), 127, "", str(error))


def _trouble_of_slurm(host: Host) -> str:
    """The controller lives, and talks to this user; ``squeue`` alone would wait long for a dead one."""
    ping = asked(host, ["scontrol", "ping"])
    if " UP" not in ping.out:
        return (ping.out.splitlines() or [ping.evidence])[0]  # a banner follows
    queue = asked(host, ["squeue", "-h", "-u", host.user, "-o", "%i"])
    return "" if queue.code == 0 else queue.evidence


def _is_script(host: Host, path: Path) -> bool:
    try:
        return host.read(path, size=2) == b"#!"
    except OSError:
        return False


def _last_line(done: Done) -> str:
    return (done.err.strip().splitlines() or ["it says nothing"])[-1].strip()
