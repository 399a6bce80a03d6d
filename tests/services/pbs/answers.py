"""What the server does for qdel, qselect, qrls, qalter and pbsnodes; qstat has its own file."""

from __future__ import annotations

import pwd
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import status_pbspro, status_torque
from .jobs import Element, Job
from .knobs import node_names
from .lifecycle import close, deleted_while_queued, element_ended
from .naming import Malformed, Named, Unknown, find
from .qstat import qstat
from .text import as_json, as_xml, flat
from .wire import Message

if TYPE_CHECKING:
    from .server import Server

KILLED = 265
OK: Message = {"out": "", "err": "", "rc": 0}


def answer(server: Server, message: Message, uid: int) -> Message:
    command: str = message["do"]
    if command == "qstat":
        return qstat(server, message)
    if command == "qselect":
        return qselect(server, message["options"])
    if command == "pbsnodes":
        return pbsnodes(server, message)
    if command == "qdel" and blind(server, message["ids"]):
        return OK
    verb = {"qdel": qdel, "qrls": qrls, "qalter": qalter, "qsig": qsig}[command]
    return each(server, command, message, uid, verb)


def blind(server: Server, ids: list[str]) -> bool:
    """A later OpenPBS deletes nothing, and says nothing, if one of several ids is unknown."""
    return server.knobs.json == "master" and len(ids) > 1 and any(not known(server, text) for text in ids)


def known(server: Server, text: str) -> bool:
    try:
        find(server, text)
    except (Malformed, Unknown):
        return False
    return True


Verb = Callable[["Server", Named, Mapping[str, str], int], "tuple[str, int] | None"]


def each(server: Server, command: str, message: Message, uid: int, verb: Verb) -> Message:
    """Do it to one id after the other; the exit code is that of the last error."""
    torque = server.knobs.flavour == "torque"
    err, code = "", 0
    for text in message["ids"]:
        try:
            problem = verb(server, find(server, text), message["options"], uid)
        except Malformed:
            problem = f"illegally formed job identifier: {text}", 1
        except Unknown as unknown:
            problem = f"{'Unknown Job Id Error' if torque else 'Unknown Job Id'} {unknown}", 153
            if torque and command == "qdel":
                problem = f"nonexistent job id: {text}", 153
        if problem:
            err, code = err + f"{command}: {problem[0]}\n", problem[1]
    return {"out": "", "err": err, "rc": code}


def unauthorized(server: Server, named: Named, uid: int) -> tuple[str, int] | None:
    if uid in (0, named.job.uid):
        return None
    return f"Unauthorized Request {named.full_id}", 159


def qdel(server: Server, named: Named, options: Mapping[str, str], uid: int) -> tuple[str, int] | None:
    """Queued elements end at once, running ones when their node says so."""
    if problem := unauthorized(server, named, uid):
        return problem
    job = named.job
    server.changed.add(job.seq)
    if not any(not element.done for element in named.elements):
        if "x" in options and server.knobs.flavour == "pbspro":
            server.jobs.pop(job.seq)
            return None
        if server.knobs.flavour == "torque":
            words = "Request invalid for state of job MSG=invalid state for job - COMPLETE"
            return f"{words} {named.full_id}", 170
        return f"Job has finished {named.full_id}", 35
    who = f"{pwd.getpwuid(uid).pw_name}@{server.knobs.server}"
    for element in named.elements:
        if not element.done:
            delete(server, job, element, who, "force" in options.get("W", "") or "p" in options)
    close(job)
    return None


def delete(server: Server, job: Job, element: Element, who: str, at_once: bool) -> None:
    element.deleted_by = who
    if element.state not in "RE":
        deleted_while_queued(job, element)
        return
    server.order(element.node, job, element, {"do": "end", "at_once": at_once})
    if at_once:
        element_ended(job, element, KILLED, "qdel")


def qrls(server: Server, named: Named, options: Mapping[str, str], uid: int) -> tuple[str, int] | None:
    """Take a user's own hold away; the system's holds are not for users, and nobody is an operator here."""
    if "s" in named.job.hold or (uid and uid != named.job.uid):
        return f"Unauthorized Request {named.full_id}", 159
    server.changed.add(named.job.seq)
    named.job.hold = "n"
    return None


def qalter(server: Server, named: Named, options: Mapping[str, str], uid: int) -> tuple[str, int] | None:
    """Only the throttle of an array can be changed here."""
    pro = options.get("W", "").removeprefix("max_run_subjobs=")
    wanted = options.get("t", "").lstrip("%") if server.knobs.flavour == "torque" else pro
    if named.job.array and wanted.isdigit():
        server.changed.add(named.job.seq)
        named.job.throttle = int(wanted)
    return unauthorized(server, named, uid)


def qsig(server: Server, named: Named, options: Mapping[str, str], uid: int) -> tuple[str, int] | None:
    """All processes of a job's session get the signal, its login shell too."""
    number = signal.Signals[f"SIG{options.get('s', 'TERM')}"]
    for element in named.elements:
        if element.state != "R":
            return f"Request invalid for state of job {named.full_id}", 168
        server.order(element.node, named.job, element, {"do": "signal", "number": number})
    return unauthorized(server, named, uid)


def qselect(server: Server, options: Mapping[str, str]) -> Message:
    """Ids of jobs by name, user, state and queue. Torque knows elements only, each by its own name."""
    lines = []
    for job in server.jobs.values():
        elements = torque_units(job) if server.knobs.flavour == "torque" else pbspro_units(job, options)
        for element in elements:
            if selected(server, job, element, options):
                lines.append(job.native_id(server.knobs.server, element.index if element else None))
    return {"out": "".join(line + "\n" for line in lines), "err": "", "rc": 0}


def torque_units(job: Job) -> list[Element | None]:
    return list(job.elements.values())


def pbspro_units(job: Job, options: Mapping[str, str]) -> list[Element | None]:
    if job.finished and not {"x", "H"} & options.keys():
        return []
    if "J" in options and not job.array:
        return []
    if not job.array:
        return [job.elements[None]]
    return [None, *(list(job.elements.values()) if "T" in options else [])]


def selected(server: Server, job: Job, element: Element | None, options: Mapping[str, str]) -> bool:
    torque = server.knobs.flavour == "torque"
    status = status_torque if torque else status_pbspro
    name = f"{job.name}-{element.index}" if torque and element and element.index is not None else job.name
    return (
        options.get("N", name) == name
        and job.owner in options.get("u", job.owner).replace("@", ",").split(",")
        and options.get("q", job.queue).partition("@")[0] in ("", job.queue)
        and status.state(job, element) in options.get("s", status.state(job, element))
    )


def pbsnodes(server: Server, message: Message) -> Message:
    """All nodes with their states, or with ``-l`` those that are down."""
    knobs, options = server.knobs, message["options"]
    status = status_torque if knobs.flavour == "torque" else status_pbspro
    names = [name for name in node_names(knobs) if name in (message["ids"] or node_names(knobs))]
    nodes = {name: status.node_attributes(server, name) for name in names}
    if "l" in options:
        out = "".join(
            f"{name:<20} {node['state']}\n" for name, node in nodes.items() if node["state"] == "down"
        )
    elif "x" in options:
        out = as_xml("Node", [{"name": name} | node for name, node in nodes.items()])
    elif options.get("F") == "json":
        heading = {"timestamp": 0, "pbs_version": message["version"], "pbs_server": knobs.server}
        out = as_json(heading | {"nodes": nodes}, knobs.json)
    else:
        out = "".join(
            f"{name}\n" + "".join(f"     {key} = {value}\n" for key, value in flat(node)) + "\n"
            for name, node in nodes.items()
        )
    return {"out": out, "err": "", "rc": 0}
