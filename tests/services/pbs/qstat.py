"""qstat: which jobs are shown, in which form, and what is said of those that are not there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import status_pbspro, status_torque
from .admission import QUEUES
from .jobs import Element, Job
from .naming import Malformed, Named, OutOfRange, Unknown, find
from .text import Attributes, as_json, as_xml, delimited, full
from .wire import Message

if TYPE_CHECKING:
    from .server import Server

Shown = list[tuple[Job, "Element | None"]]


@dataclass
class Found:
    """What is to be shown, and what went wrong meanwhile; the last error gives the exit code."""

    shown: Shown = field(default_factory=list)
    err: str = ""
    code: int = 0

    def problem(self, words: str, code: int) -> None:
        self.err += f"qstat: {words}\n"
        self.code = code


def qstat(server: Server, message: Message) -> Message:
    options: dict[str, str] = message["options"]
    if "B" in options:
        return of_server(server, message)
    if {"Q", "q"} & options.keys():
        return of_queues(server, message)
    found = Found()
    (look_torque if server.knobs.flavour == "torque" else look_pbspro)(server, message, found)
    return {"out": written(server, found.shown, message), "err": found.err, "rc": found.code}


def look_pbspro(server: Server, message: Message, found: Found) -> None:
    options, ids = message["options"], message["ids"]
    past = bool({"x", "H"} & options.keys())
    one_only = server.knobs.json == "master" and options.get("F") == "json" and "E" not in options
    if past and not server.knobs.history:
        for text in ids or [""]:
            name = f" {text}" if "." in text or not text else f" {text}.{server.knobs.server}"
            found.problem(f"PBS is not configured to maintain job history{name.rstrip()}", 0)
        return
    for text in ids:
        named = named_pbspro(server, text, past, found)
        if named and not (one_only and found.shown):
            found.shown += parts(named, "t" in options)
    if not ids:
        for job in server.jobs.values():
            if (past or not job.finished) and options.get("u", job.owner) == job.owner:
                found.shown += whole(job, "t" in options)


def named_pbspro(server: Server, text: str, past: bool, found: Found) -> Named | None:
    finished = "{} Job has finished, use -x or -H to obtain historical job information"
    try:
        named = find(server, text)
    except Malformed:
        if text in QUEUES["pbspro"]:
            found.shown += [p for job in server.jobs.values() if job.queue == text for p in whole(job, False)]
        else:
            found.problem(f"Unknown queue destination {text}", 170)
        return None
    except Unknown as error:
        if isinstance(error, OutOfRange) and not past:
            found.problem(finished.format(error), 35)
        else:
            found.problem(f"Unknown Job Id {error}", 153)
        return None
    if named.job.finished and not past:
        found.problem(finished.format(named.full_id), 35)
        return None
    return named


def parts(named: Named, with_elements: bool) -> Shown:
    if named.whole:
        return whole(named.job, with_elements)
    return [(named.job, element) for element in named.elements]


def whole(job: Job, with_elements: bool) -> Shown:
    """A plain job; or an array, and its elements after it."""
    if not job.array:
        return [(job, job.elements[None])]
    return [(job, None), *((job, element) for element in job.elements.values() if with_elements)]


#: What each unknown id above nine costs: the real one keeps a connection for each.
_NO_CONNECTION = (
    3 * "Unable to communicate with torque(127.0.0.1)\nToo many open connections.\n"
    + "qstat: cannot connect to server torque (errno=15035) No free connections\n"
)


def look_torque(server: Server, message: Message, found: Found) -> None:
    options, ids = message["options"], message["ids"]
    unknowns = 0
    for text in ids:
        try:
            named = find(server, text)
        except Malformed:
            malformed_torque(text, found)
        except Unknown as unknown:
            unknowns += 1
            found.err += _NO_CONNECTION if unknowns > 9 else ""
            found.problem(f"Unknown Job Id Error {unknown}", 153)
        else:
            found.shown += parts_torque(server, named, "t" in options)
    if not ids:
        for job in server.jobs.values():
            if options.get("u", job.owner) == job.owner:
                found.shown += whole(job, "t" in options)[1 if job.array and "t" in options else 0 :]


def malformed_torque(text: str, found: Found) -> None:
    if "[" in text or text[:1].isdigit():
        found.problem(f"illegally formed job identifier: {text}", 1)
        found.problem("Error (1 - Operation not permitted) ", 1)
    elif text not in QUEUES["torque"]:
        found.problem(f"Unknown queue destination {text}", 172)


def parts_torque(server: Server, named: Named, with_elements: bool) -> Shown:
    """Of an array its elements; without ``-t`` all arrays there are, whichever was asked for."""
    if not named.whole or not named.job.array or with_elements:
        return [(named.job, element) for element in named.elements]
    return [(job, None) for job in server.jobs.values() if job.array]


def dialect(server: Server) -> ModuleType:
    return status_torque if server.knobs.flavour == "torque" else status_pbspro


def heading(server: Server, message: Message) -> dict[str, Any]:
    return {
        "timestamp": int(time.time()),
        "pbs_version": message["version"],
        "pbs_server": server.knobs.server,
    }


def written(server: Server, shown: Shown, message: Message) -> str:
    """The jobs in the form that the options ask for."""
    options, said = message["options"], dialect(server)
    if server.knobs.flavour == "torque" and "x" in options:
        return as_xml("Job", [said.attributes(server, *pair) for pair in shown]) if shown else ""
    if "f" in options:
        items = {id_of(server, *pair): said.attributes(server, *pair) for pair in shown}
        return blocks("Job Id", "Jobs", items, server, message)
    if not shown:
        return ""
    wide = "w" in options and server.knobs.flavour == "pbspro"
    table = said.WIDE_TABLE if wide else said.TABLE
    return str(table) + "".join(said.row(server, *pair, wide) for pair in shown)


def id_of(server: Server, job: Job, element: Element | None) -> str:
    return job.native_id(server.knobs.server, element.index if element else None)


def blocks(kind: str, group: str, items: dict[str, Attributes], server: Server, message: Message) -> str:
    """Full descriptions, as text, delimited or as JSON; JSON without the group if there is nothing in it."""
    options = message["options"]
    form = options.get("F", "")
    if form == "json":
        document = heading(server, message) | ({group: items} if items else {})
        return as_json(document, server.knobs.json)
    if form == "dsv":
        return "".join(delimited(f"{kind}: {n}", a, options.get("D", "|")) for n, a in items.items())
    wide = "w" in options
    return "".join(full(f"{kind}: {n}", without_id(a), wide) for n, a in items.items())


def without_id(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if name != "Job_Id"}


def of_server(server: Server, message: Message) -> Message:
    name = server.knobs.server
    attributes = dialect(server).server_attributes(server, message["version"])
    if "f" in message["options"]:
        out = blocks("Server", "Server", {name: attributes}, server, message)
    else:
        out = (
            "Server             Max   Tot   Que   Run   Hld   Wat   Trn   Ext Status\n"
            "---------------- ----- ----- ----- ----- ----- ----- ----- ----- -----------\n"
            f"{name:<16} {0:>5} {attributes['total_jobs']:>5}" + f" {0:>5}" * 6 + f" {'Active':<11}\n"
        )
    return {"out": out, "err": "", "rc": 0}


def of_queues(server: Server, message: Message) -> Message:
    existing = QUEUES[server.knobs.flavour]
    found = Found()
    for name in message["ids"]:
        if name not in existing:
            found.problem(f"Unknown queue {name}", 172 if server.knobs.flavour == "torque" else 170)
    names = [name for name in message["ids"] or existing if name in existing]
    queues = {name: dialect(server).queue_attributes(server, name) for name in names}
    if "f" in message["options"]:
        out = blocks("Queue", "Queue", queues, server, message)
    else:
        out = (
            "Queue              Max   Tot Ena Str   Que   Run   Hld   Wat   Trn   Ext Type\n"
            "---------------- ----- ----- --- --- ----- ----- ----- ----- ----- ----- ----\n"
        ) + "".join(queue_row(name, queue) for name, queue in queues.items())
    return {"out": out, "err": found.err, "rc": found.code}


def queue_row(name: str, queue: Attributes) -> str:
    enabled = "yes" if queue["enabled"] == "True" else "no"
    return f"{name:<16} {0:>5} {queue['total_jobs']:>5} {enabled:>3} yes" + f" {0:>5}" * 6 + " Exe*\n"
