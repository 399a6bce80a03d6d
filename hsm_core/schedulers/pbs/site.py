"""Finds PBS on a host, and collects what ``hsm doctor`` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hsm_core.hosts.interface import Host

from ..batch_system import Absent, Finding, System, asked
from .flavour import Batch, find_pbs
from .parse import Attributes, Unreadable, read

_NOT_PBS: Mapping[Batch, str] = {
    "slurm": "is a wrapper of Slurm's",
    "sge": "belongs to Grid Engine, which needs an extra package (docs/extending.md)",
    "unknown": "does not belong to PBS",
}
_FLAVOURS: Mapping[Batch, str] = {"pbspro": "PBS Pro or OpenPBS", "torque": "Torque"}
#: Queues that are named one by one.
_NAMED = 12
_OF_QUEUE = ("max_array_size", "max_queued", "max_user_queuable", "max_run", "max_user_run")


def find_pbs_server(host: Host) -> System | Absent:
    """Returns PBS, if ``qsub`` and ``qstat`` are its own; else why it can't be used."""
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


def pbs_findings(system: System, host: Host) -> Iterator[Finding]:
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
    """Reports the project of a job without ``hydra.launcher.project``: the server's default, or PBS's own."""
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
    """Returns ``workq (walltime 24:00:00, max_run [u:PBS_GENERIC=4])``; a queue that takes no jobs says so."""
    words = [] if queue.get("enabled", "True") == "True" else ["takes no jobs"]
    words += [] if queue.get("started", "True") == "True" else ["starts no jobs"]
    words += [f"{key.partition('.')[2]} {queue[key]}" for key in sorted(queue) if key.startswith("resources_max.")]
    words += [f"{key} {queue[key]}" for key in _OF_QUEUE if key in queue]
    return f"{name} ({', '.join(words)})" if words else name


def _pbs_asked(host: Host, title: str, argv: list[str], trouble: list[Finding]) -> Iterator[tuple[str, Attributes]]:
    """Yields attributes by name; what went wrong is added to ``trouble``."""
    done = asked(host, argv)
    try:
        found = read(done.out) if done.code == 0 else {}
    except Unreadable:
        found = {}
    if not found:
        trouble.append(Finding(title, "note", f"unknown: {done.evidence}", " ".join(argv)))
    yield from found.items()
