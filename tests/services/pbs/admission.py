"""Whether the server accepts a job: resources, queues, limits, arrays, dependencies, by flavour."""

from __future__ import annotations

import pwd
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

from .jobs import Element, Job, chunks, seconds
from .knobs import Knobs
from .scheduling import never
from .wire import Told

SIZE = re.compile(r"\d+([kmgtp]?[bw]?)?", re.IGNORECASE)
IN_CHUNKS = {"ncpus", "mem", "vmem", "mpiprocs", "ompthreads", "arch", "host", "vnode"}
OF_JOBS = IN_CHUNKS | {
    "walltime", "select", "place", "nodes", "nodect", "cput", "pmem", "pvmem", "nice", "file", "software",
    "procs", "ppn", "naccesspolicy", "feature", "gpus", "min_walltime", "max_walltime",
}  # fmt: skip
ATTRIBUTES = {
    "depend", "umask", "sandbox", "block", "group_list", "stagein", "stageout", "run_count", "create_resv_from_job",
    "max_run_subjobs", "tolerate_node_failures", "release_nodes_on_stageout", "job_radix", "x",
}  # fmt: skip
QUEUES = {"pbspro": ("workq", "limits", "off"), "torque": ("batch", "limits", "off")}
ARRAY_OF_TORQUE = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*(%\d+)?")


@dataclass(frozen=True)
class Asked:
    """A submission on its way in."""

    knobs: Knobs
    message: Mapping[str, Any]
    uid: int
    jobs: Mapping[int, Job]

    @property
    def values(self) -> dict[str, str]:
        found: dict[str, str] = self.message["values"]
        return found

    @property
    def queue(self) -> str:
        named = self.values.get("q", "").partition("@")[0]
        return named or QUEUES[self.knobs.flavour][0]

    @property
    def owner(self) -> str:
        return pwd.getpwuid(self.uid).pw_name


def refused(knobs: Knobs, words: str, code: int) -> Told:
    """qsub's last word, as the flavour says it."""
    return Told(f"qsub: submit error ({words})\n" if knobs.flavour == "torque" else f"qsub: {words}\n", code)


def admit(asked: Asked, seq: int) -> Job:
    """The job that a submission becomes.

    Raises:
        Told: it is refused.
    """
    knobs = asked.knobs
    check: Callable[[Asked], None] = check_torque if knobs.flavour == "torque" else check_pbspro
    check(asked)
    check_queue(asked)
    job = made(asked, seq)
    check_limits(asked, job)
    if knobs.flavour == "torque" and never(knobs, job):
        nodes = "nodes file is empty, all systems are busy, or no nodes have the requested feature"
        words = f"Job exceeds queue resource limits MSG=cannot locate feasible nodes ({nodes})"
        raise refused(knobs, words, 190)
    return job


def made(asked: Asked, seq: int) -> Job:
    values, attributes = asked.values, asked.message["attributes"]
    indices, throttle = indexed(asked)
    array = values.get("J") or values.get("t") or ""
    job = Job(
        seq=seq,
        owner=asked.owner,
        uid=asked.uid,
        name=values["N"],
        queue=asked.queue,
        script=asked.message["script"],
        options=values | attributes | {"submit_arguments": " ".join(asked.message["argv"])},
        resources=resources(asked),
        environ=asked.message["environ"]
        | {"PBS_O_QUEUE": asked.queue, "PBS_O_HOST": socket.gethostname(), "PBS_O_LOGNAME": asked.owner},
        host=socket.gethostname(),
        created=time(),
        array=array.partition("%")[0],
        throttle=throttle,
        hold="u" if "h" in values else "n",
        elements={index: Element(index) for index in indices},
    )
    depend(asked, job, attributes.get("depend", ""))
    return job


def indexed(asked: Asked) -> tuple[list[int] | list[None], int | None]:
    """The indices of an array and how many may run at once."""
    knobs, values = asked.knobs, asked.values
    text = values.get("t" if knobs.flavour == "torque" else "J", "")
    ends, _, limit = text.partition("%")
    throttle = int(limit) if limit else None
    if asked.message["attributes"].get("max_run_subjobs"):
        throttle = int(asked.message["attributes"]["max_run_subjobs"])
    if not text:
        return [None], None
    if knobs.flavour == "torque":
        return sorted(i for part in ends.split(",") for i in span(part)), throttle
    first, last, step = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?", ends).groups()  # type: ignore[union-attr]
    return list(range(int(first), int(last) + 1, int(step or 1))), throttle


def span(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def resources(asked: Asked) -> dict[str, str]:
    """The job's Resource_List, as qstat shows it."""
    found = dict(asked.message["resources"])
    if asked.knobs.flavour == "torque":
        found.pop("select", None)
        return {"nodes": "1", "nodect": "1", "walltime": "01:00:00"} | found
    if "nodes" in found:
        found["select"] = re.sub(r"ppn=(\d+)", r"ncpus=\1:mpiprocs=\1", found.pop("nodes"))
    if "select" not in found:
        alone = {name: found[name] for name in ("ncpus", "mem", "mpiprocs") if name in found}
        found["select"] = "1:" + ":".join(f"{n}={v}" for n, v in ({"ncpus": "1"} | alone).items())
    found["ncpus"] = str(sum(count * int(chunk.get("ncpus") or 1) for count, chunk in chunks(found)))
    found["nodect"] = str(sum(count for count, _ in chunks(found)))
    return {"place": "free" if "select" in asked.message["resources"] else "pack"} | found


def check_pbspro(asked: Asked) -> None:
    knobs, values, wanted = asked.knobs, asked.values, asked.message["resources"]
    array = values.get("J", "")
    if "%" in array and not re.fullmatch(r"[^%]*%\d+", array):
        raise refused(knobs, "Error (15014) submitting job", 166)
    if set(asked.message["attributes"]) - ATTRIBUTES:
        raise refused(knobs, "Error (15002) submitting job", 154)
    if "/" in values.get("P", ""):
        raise refused(knobs, "Illegal attribute or resource value project", 166)
    check_chunks(asked)
    for name in wanted:
        if name not in OF_JOBS | set(knobs.custom_resources):
            raise refused(knobs, f"Unknown resource Resource_List.{name}", 187)
    check_values(asked, 166)


def check_chunks(asked: Asked) -> None:
    knobs = asked.knobs
    for name, value in (pair for _, chunk in chunks(asked.message["resources"]) for pair in chunk.items()):
        if name not in IN_CHUNKS | set(knobs.custom_resources) | {"ppn"}:
            raise refused(knobs, f"Unknown resource: {name}", 187)
        fits = (
            SIZE.fullmatch(value) if name == "mem" else value.isdigit() or name in ("arch", "host", "vnode")
        )
        if not fits:
            raise refused(knobs, f"Illegal attribute or resource value select.{name}", 166)


def check_values(asked: Asked, code: int) -> None:
    wanted = asked.message["resources"]
    if "mem" in wanted and not SIZE.fullmatch(wanted["mem"]):
        raise refused(asked.knobs, "Illegal attribute or resource value Resource_List.mem", code)
    try:
        seconds(wanted.get("walltime") or "0")
    except ValueError:
        words = "Illegal attribute or resource value Resource_List.walltime"
        if asked.knobs.flavour == "torque":
            words = words.replace("value ", "value for ")
        raise refused(asked.knobs, words, code) from None


def check_torque(asked: Asked) -> None:
    knobs, values = asked.knobs, asked.values
    if "P" in values:
        words = f"Bad UID for job execution MSG=User '{asked.owner}' is attempting to submit a proxy job"
        raise refused(knobs, words + f" for user '{values['P']}' but is not a manager", 177)
    if "t" in values and not ARRAY_OF_TORQUE.fullmatch(values["t"]):
        raise refused(knobs, "Bad Job Array Request", 235)
    if any(not span(part) for part in values.get("t", "0").partition("%")[0].split(",")):
        raise SystemExit("an array that ends before it begins brings this server down")
    for name in asked.message["resources"]:
        if name not in OF_JOBS | set(knobs.custom_resources):
            raise refused(knobs, f"Unknown resource type  Resource_List.{name}", 189)
    check_values(asked, 168)


def check_queue(asked: Asked) -> None:
    knobs = asked.knobs
    torque = knobs.flavour == "torque"
    if asked.queue not in QUEUES[knobs.flavour]:
        more = " MSG=requested queue not found" if torque else ""
        raise refused(knobs, "Unknown queue" + more, 172 if torque else 170)
    if asked.queue == "off":
        raise refused(knobs, "Queue is not enabled", 175 if torque else 173)


def check_limits(asked: Asked, job: Job) -> None:
    """Each element counts."""
    knobs = asked.knobs
    new = len(job.elements)
    mine = sum(sum(1 for _ in other.live) for other in asked.jobs.values() if other.owner == job.owner)
    everyone = sum(sum(1 for _ in other.live) for other in asked.jobs.values())
    cpus = sum(sum(other.ncpus for _ in other.live) for other in asked.jobs.values())
    queue_s = knobs.queue_max_walltime_s if job.queue == "limits" else None
    per_queue = knobs.queue_max_queued_user if job.queue == "limits" else None
    torque = knobs.flavour == "torque"
    if new > knobs.max_array_size and job.array and not torque:
        raise refused(knobs, "Array job exceeds server or queue size limit", 3)
    if queue_s is not None and (job.walltime_s or 0) > queue_s:
        pro = "Job violates queue and/or server resource limits"
        words = "Job exceeds queue resource limits" if torque else pro
        raise refused(knobs, words, 190 if torque else 188)
    if over(new + mine, knobs.max_queued_user) or over(new + mine, per_queue):
        raise too_many(knobs, job, "queue generic" if over(new + mine, per_queue) else "complex")
    if over(new + everyone, knobs.max_queued_all):
        words = "Maximum number of jobs already in " + ("queue" if torque else "complex")
        raise refused(knobs, words, 200 if torque else 38)
    if over(cpus + new * job.ncpus, knobs.max_queued_ncpus):
        raise refused(knobs, "would exceed per-user limit on resource ncpus in complex", 39)


def over(number: int, limit: int | None) -> bool:
    return limit is not None and number > limit


def too_many(knobs: Knobs, job: Job, where: str) -> Told:
    if knobs.flavour == "pbspro":
        return refused(knobs, f"would exceed {where}'s per-user limit", 38)
    more = "total number of current user's jobs exceeds the queue limit"
    words = "Maximum number of jobs already in queue for user"
    return refused(knobs, f"{words} MSG={more}: user {job.owner}@{job.host}, queue {job.queue}", 228)


def depend(asked: Asked, job: Job, said: str) -> None:
    """Make the job wait for another one; only the first that is named counts here."""
    if not said:
        return
    how, _, whom = said.partition(":")
    seq = int(re.match(r"\d*", whom)[0] or -1)  # type: ignore[index]
    if asked.knobs.flavour == "torque" and seq not in asked.jobs:
        raise refused(asked.knobs, "Invalid Job Dependency", 208)
    job.waits_for, job.waits_how = seq, how.removesuffix("array")
