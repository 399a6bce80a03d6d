"""Finds Slurm on a host, and collects what ``hsm doctor`` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done, Host
from hsm_core.model import counted

from .. import batch_system
from ..batch_system import Absent, Finding, System
from .commands import question_environment

_COMMANDS = ("sbatch", "squeue", "scancel")
_NO_CLUSTER = re.compile(r"configuration source|process configuration file|cannot stat file")
#: Partitions that are named one by one.
_NAMED = 12
_OF_ASSOCIATION = ("MaxSubmitJobs", "MaxJobs")


def find_slurm(host: Host) -> System | Absent:
    """Returns Slurm, if ``sbatch`` is Slurm's and knows a cluster; else why it can't be used."""
    path = host.which("sbatch")
    if path is None:
        return Absent("slurm", "sbatch not found on PATH")
    done = asked(host, [path, "--version"])
    match = re.match(r"slurm(?:-wlm)?\s+\S+", done.out)
    if match is None and _NO_CLUSTER.search(done.err):
        return Absent(
            "slurm", f"{path} finds no cluster: {_last_line(done)}", odd=True, fix="export SLURM_CONF=FILE"
        )
    if match is None:
        return Absent("slurm", f"{path} does not belong to Slurm: {done.evidence}", odd=True, fix=f"{path} --version")
    return System("slurm", match[0], path, trouble=_trouble_of_slurm(host), wrapped=_is_script(host, Path(path)))


def require_slurm(host: Host) -> None:
    """See ``BatchSystem.require``."""
    missing = [command for command in _COMMANDS if host.which(command) is None]
    if missing:
        raise BackendError(
            "Slurm is not installed on this machine", evidence=f"{', '.join(missing)} not found on PATH",
            fix="hsm doctor    # or hydra/launcher=hsm_local, to run the tasks here",
        )  # fmt: skip
    require_slurm_cluster(host)


def require_slurm_cluster(host: Host) -> None:
    """Refuses, before anything is written, a Slurm whose commands are here but know no cluster.

    Raises:
        BackendError: they would say so at each submission, and no waiting helps.
    """
    path = host.which("sbatch")
    done = asked(host, [path, "--version"]) if path else None
    if done is not None and done.code and _NO_CLUSTER.search(done.err):
        raise BackendError(
            "Slurm's commands are installed, but no cluster is configured", evidence=done.evidence,
            fix="hydra/launcher=hsm_local    # runs the tasks here; else start it on a login node",
        )  # fmt: skip


def asked(host: Host, argv: list[str]) -> Done:
    """Runs a command whatever the user's settings for Slurm's commands are, and returns what it says."""
    return batch_system.asked(host, argv, question_environment(host.environment))


def _trouble_of_slurm(host: Host) -> str:
    """Returns why Slurm does not answer this user, else nothing; ``squeue`` alone would wait long for a dead one."""
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


def slurm_findings(host: Host) -> Iterator[Finding]:
    yield from _slurm_partitions(host)
    yield from _slurm_accounting(host)


def _slurm_partitions(host: Host) -> Iterator[Finding]:
    done = asked(host, ["sinfo", "-h", "-o", "%P|%a|%l|%F"])
    rows = [row for line in done.out.splitlines() if len(row := line.strip().split("|")) == 4]
    if not rows:
        yield Finding("Slurm partitions", "note", f"unknown: {done.evidence}", "sinfo")
        return
    more = f", and {len(rows) - _NAMED} more (sinfo)" if len(rows) > _NAMED else ""
    yield Finding("Slurm partitions", "ok", ", ".join(map(_partition, rows[:_NAMED])) + more)


def _partition(row: list[str]) -> str:
    """Returns ``main* (no time limit, 3 of 4 nodes idle)`` for ``main*|up|infinite|1/3/0/4``; a star: default."""
    name, up, limit, nodes = row
    counts = nodes.split("/")
    idle = f"{counts[1]} of {counted(int(counts[3]), 'node')} idle" if len(counts) == 4 else f"nodes {nodes}"
    return f"{name} ({'' if up == 'up' else up + ', '}{'no time limit' if limit == 'infinite' else limit}, {idle})"


def _slurm_accounting(host: Host) -> Iterator[Finding]:
    done = asked(host, ["sacct", "-X", "-n", "-P", "-S", "now-1hour", "-o", "JobID"])
    if done.code != 0:
        is_none = "disabled" in done.err
        said = f"{'not set up' if is_none else 'does not answer'}; hsm works without it ({done.evidence})"
        yield Finding("Slurm accounting", "ok" if is_none else "note", said)
        return
    yield Finding("Slurm accounting", "ok", "sacct answers")
    yield from _slurm_accounts(host)


def _slurm_accounts(host: Host) -> Iterator[Finding]:
    form = f"format=Account,Partition,QOS,{','.join(_OF_ASSOCIATION)}"
    done = asked(host, ["sacctmgr", "-n", "-P", "show", "assoc", "where", f"user={host.user}", form])
    rows = [row for line in done.out.splitlines() if len(row := line.strip().split("|")) == 3 + len(_OF_ASSOCIATION)]
    if done.code != 0:
        yield Finding("Slurm accounts", "note", f"unknown: {done.evidence}")
    elif not rows:
        said = f"{host.user} has none; a cluster that requires one refuses jobs"
        yield Finding("Slurm accounts", "note", said, "sacctmgr show assoc user=$USER")
    else:
        yield Finding("Slurm accounts", "ok", "; ".join(map(_account, rows)))


def _account(row: list[str]) -> str:
    """Returns ``lab on gpu (QOS normal, MaxSubmitJobs 4)``."""
    account, partition, *named = row
    words = [f"{name} {value}" for name, value in zip(("QOS", *_OF_ASSOCIATION), named, strict=True) if value]
    return account + (f" on {partition}" if partition else "") + (f" ({', '.join(words)})" if words else "")
