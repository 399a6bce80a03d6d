"""Detects which batch system jobs go to from here, by what its commands answer, not by their names."""

from __future__ import annotations

from hsm_core.errors import ConfigError
from hsm_core.hosts.interface import Host
from hsm_core.schedulers.batch_system import Absent, System
from hsm_core.schedulers.registry import all_systems, title_of

#: the user's own word on it
VARIABLE = "HSM_HPC_SYSTEM"


def find_systems(host: Host) -> list[System | Absent]:
    """Returns all that are registered, each as it is on a host."""
    return [one if isinstance(one, Absent) else one.find(host) for one in all_systems()]


def chosen_system(host: Host) -> str:
    """Returns the one that jobs shall go to.

    Raises:
        ConfigError: none is here, or it isn't clear which is meant.
    """
    here = systems_here(host)
    if len(here) > 1:
        both = "both " if len(here) == 2 else ""
        told = f"{both}{' and '.join(map(title_of, here))} are here, so hsm_hpc needs to know which to use"
        raise ConfigError(told, fix=f"export {VARIABLE}={here[0]}    # or {' or '.join(here[1:])}")
    return here[0]


def systems_here(host: Host, otherwise: str = "") -> list[str]:
    """Returns what ``HSM_HPC_SYSTEM`` says, else those that answer; those that are here, if none answers now.

    Args:
        otherwise: what to type where there is none, unless that is to set one up.

    Raises:
        ConfigError: none is here, or the variable names none.
    """
    wanted = host.environment.get(VARIABLE, "").strip().lower()
    if wanted:
        names = [one.name for one in all_systems()]
        if wanted not in names:
            told = f"{VARIABLE}={wanted} is neither {' nor '.join(names)}"
            raise ConfigError(told, fix=f"export {VARIABLE}={names[0]}")
        return [wanted]
    found = find_systems(host)
    here = [one for one in found if isinstance(one, System)]
    if not here:
        raise _nothing([one for one in found if isinstance(one, Absent)], otherwise)
    return [one.name for one in here if not one.trouble] or [one.name for one in here]


def _nothing(absent: list[Absent], otherwise: str) -> ConfigError:
    names = " or ".join(one.name for one in absent)
    usual = (
        "hydra/launcher=hsm_local    # runs the tasks here; else start it on a login node; "
        f"a dry run needs only {VARIABLE}={names}"
    )
    return ConfigError(
        f"no batch system found here, neither {' nor '.join(title_of(one.name) for one in absent)}",
        evidence="; ".join(one.why for one in absent),
        fix=otherwise or usual,
    )
