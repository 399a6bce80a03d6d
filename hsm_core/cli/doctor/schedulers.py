"""What hsm doctor asks batch systems: who they are, where jobs may go, and what limits there are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hsm_core.detect.scheduler import TITLES, Absent, System, asked, find_systems
from hsm_core.errors import HsmError
from hsm_core.hosts.interface import Host
from hsm_core.model import counted
from hsm_core.schedulers.interface import Allowed
from hsm_core.schedulers.pbs.parse import Attributes, Unreadable, read
from hsm_core.sources.registry import make_scheduler

from .finding import Finding

#: partitions or queues that are named one by one
_NAMED = 12
_OF_ASSOCIATION = ("MaxSubmitJobs", "MaxJobs")
_OF_QUEUE = ("max_array_size", "max_queued", "max_user_queuable", "max_run", "max_user_run")


def scheduler_findings(host: Host) -> Iterator[Finding]:
    """Each batch system that hsm speaks."""
    for system in find_systems(host):
        yield from _of(system, host)


def _of(system: System | Absent, host: Host) -> Iterator[Finding]:
    title = TITLES[system.name]
    if isinstance(system, Absent):
        said = system.why if system.odd else f"not here: {system.why}"
        yield Finding(title, "note" if system.odd else "ok", said, system.fix)
        return
    yield _identity(title, system)
    if system.trouble:
        fix = "scontrol ping" if system.name == "slurm" else "qstat -B"
        yield Finding(title, "bad", f"does not answer: {system.trouble}", fix)
        return
    yield from _slurm(host) if system.name == "slurm" else _pbs(system, host)
    yield _limits(title, system, host)


def _identity(title: str, system: System) -> Finding:
    if system.wrapped:
        said = f"{system.path}: {system.version}, wrapped by a script of this site"
        return Finding(title, "note", said, f"head {system.path}    # if submissions fail, read it first")
    return Finding(title, "ok", f"{system.path}: {system.version}")


def _limits(title: str, system: System, host: Host) -> Finding:
    name = f"{title} limits"
    try:
        allowed = make_scheduler(system.name, host).allowed(None, None, None)
    except HsmError as error:
        return Finding(name, "note", f"unknown: {error.evidence or error.problem}", error.fix)
    where = f" ({allowed.evidence})" if allowed.evidence else ""
    return Finding(name, "ok", _allowed_words(allowed) + where)


def _allowed_words(allowed: Allowed) -> str:
    """Limits as a user meets them: larger sweeps are divided, or wait for room."""
    sizes = [size for size in (allowed.array_index, allowed.array_size) if size is not None]
    if not sizes and allowed.lowest is None:
        return "none"
    array = f"arrays of at most {min(sizes)}" if sizes else "arrays of any size"
    room = "any number of jobs" if allowed.lowest is None else f"at most {counted(allowed.lowest.most, 'job')}"
    return f"{array}, {room} in the queue; larger sweeps are split"


# Slurm


def _slurm(host: Host) -> Iterator[Finding]:
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
    """``main* (no time limit, 3 of 4 nodes idle)`` of ``main*|up|infinite|1/3/0/4``; the star: the default."""
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
    """``lab on gpu (QOS normal, MaxSubmitJobs 4)``."""
    account, partition, *named = row
    words = [f"{name} {value}" for name, value in zip(("QOS", *_OF_ASSOCIATION), named, strict=True) if value]
    return account + (f" on {partition}" if partition else "") + (f" ({', '.join(words)})" if words else "")


# PBS


def _pbs(system: System, host: Host) -> Iterator[Finding]:
    trouble: list[Finding] = []
    for name, server in _pbs_asked(host, "PBS server", ["qstat", "-B", "-f"], trouble):
        default = server.get("default_queue", "")
        words = [server.get("server_state", ""), f"default queue {default}" if default else "no default queue"]
        yield Finding("PBS server", "ok", f"{name}: {', '.join(filter(None, words))}")
        if system.flavour == "pbspro":
            yield _default_project(server)
    yield from trouble
    yield from _pbs_queues(host)


def _default_project(server: Attributes) -> Finding:
    """What a job without ``hydra.launcher.project`` is of: the server may say, else PBS names one itself."""
    asked_for = re.search(r"-P\s*(\S+)", server.get("default_qsub_arguments", ""))
    project = asked_for[1] if asked_for else "_pbs_project_default"
    return Finding("PBS project", "ok", f"{project}, or what hydra.launcher.project says")


def _pbs_queues(host: Host) -> Iterator[Finding]:
    trouble: list[Finding] = []
    queues = list(_pbs_asked(host, "PBS queues", ["qstat", "-Q", "-f"], trouble))
    if queues:
        more = f", and {len(queues) - _NAMED} more (qstat -Q)" if len(queues) > _NAMED else ""
        yield Finding("PBS queues", "ok", ", ".join(_queue(*one) for one in queues[:_NAMED]) + more)
    yield from trouble


def _queue(name: str, queue: Attributes) -> str:
    """``workq (walltime 24:00:00, max_run [u:PBS_GENERIC=4])``; one that takes no jobs says so."""
    words = [] if queue.get("enabled", "True") == "True" else ["takes no jobs"]
    words += [] if queue.get("started", "True") == "True" else ["starts no jobs"]
    words += [f"{key.partition('.')[2]} {queue[key]}" for key in sorted(queue) if key.startswith("resources_max.")]
    words += [f"{key} {queue[key]}" for key in _OF_QUEUE if key in queue]
    return f"{name} ({', '.join(words)})" if words else name


def _pbs_asked(host: Host, title: str, argv: list[str], trouble: list[Finding]) -> Iterator[tuple[str, Attributes]]:
    """Attributes by name; what went wrong is added to ``trouble``."""
    done = asked(host, argv)
    try:
        found = read(done.out) if done.code == 0 else {}
    except Unreadable:
        found = {}
    if not found:
        trouble.append(Finding(title, "note", f"unknown: {done.evidence}", " ".join(argv)))
    yield from found.items()

