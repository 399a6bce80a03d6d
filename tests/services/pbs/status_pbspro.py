"""What PBS Pro's qstat says of jobs, queues, servers and nodes."""

from __future__ import annotations

from time import ctime, time
from typing import TYPE_CHECKING

from .jobs import BEGUN, HELD, QUEUED, WAITING_FOR_ANOTHER, Element, Job, clock, ranges
from .starting import output, umask, used
from .text import Attributes

if TYPE_CHECKING:
    from .server import Server

TABLE = (
    "Job id            Name             User              Time Use S Queue\n"
    "----------------  ---------------- ----------------  -------- - -----\n"
)
WIDE_TABLE = (
    "Job id                         Name            User             Time Use S Queue\n"
    "-----------------------------  --------------- ---------------  -------- - ---------------\n"
)


def state(job: Job, element: Element | None) -> str:
    """The letter: X for a sub-job that is over while its array lives, then F."""
    held = job.hold != "n" or job.waits_for is not None
    if element is None:
        began = any(e.run_count or e.done for e in job.elements.values())
        return "F" if job.finished else "H" if held else "B" if began else "Q"
    if element.done:
        return "F" if job.finished else "X"
    return "H" if held and element.state == "Q" and element.index is None else element.state


def substate(job: Job, element: Element) -> int:
    if element.state == "Q" and job.waits_for is not None:
        return WAITING_FOR_ANOTHER
    held = element.state == "Q" and job.hold != "n" and not job.array
    return HELD if held else element.substate


def row(server: Server, job: Job, element: Element | None, wide: bool) -> str:
    native_id = job.native_id(server.knobs.server, element.index if element else None)
    time_used = used(element, time()) if element and element.began else "0"
    what = (job.name, job.owner, time_used, state(job, element), job.queue)
    if wide:
        return "{:<30.30} {:<15.15} {:<15.15}  {:>8} {:>1} {:<15}\n".format(native_id, *what)
    return "{:<17.17} {:<16.16} {:<16.16}  {:>8} {:>1} {:<16.16}\n".format(native_id, *what)


def attributes(server: Server, job: Job, element: Element | None) -> Attributes:
    """All of a job, of an array as a whole (``element`` None), or of a sub-job."""
    if element is None:
        return array_attributes(server, job)
    known = element.run_count > 0 and (server.knobs.history or not element.done)
    if job.array and not known:
        return borrowed(server, job, element)
    found = common(server, job, element)
    if element.run_count:
        found |= {
            "exec_host": f"{element.node}/0",
            "exec_vnode": f"({element.node}:ncpus={job.ncpus})",
            "run_count": element.run_count,
        }
    if element.began:
        found |= {"stime": ctime(element.began), "jobdir": job.environ.get("PBS_O_HOME", "/")}
        found["resources_used"] = {
            "cput": "00:00:00",
            "ncpus": str(job.ncpus),
            "walltime": used(element, time()),
        }
    if element.done:
        found |= {"obittime": ctime(element.ended), "Stageout_status": element.stageout}
    if element.exit_status is not None:
        found["Exit_status"] = element.exit_status
    if element.index is not None:
        found |= {"array_id": job.native_id(server.knobs.server), "array_index": element.index}
    if job.finished:
        found["history_timestamp"] = int(job.finished)
    return found


def common(server: Server, job: Job, element: Element) -> Attributes:
    options = job.options
    found: Attributes = {
        "Job_Name": job.name,
        "Job_Owner": f"{job.owner}@{job.host}",
        "job_state": state(job, element),
        "queue": job.queue,
        "server": server.knobs.server,
        "Checkpoint": "u",
        "ctime": ctime(job.created),
        "Error_Path": f"{job.host}:{output(server.knobs, job, element, 'e', '/')}",
        "Hold_Types": "s" if job.waits_for is not None else job.hold,
        "Join_Path": options.get("j", "n"),
        "Keep_Files": options.get("k", "n"),
        "Mail_Points": options.get("m", "a"),
        "mtime": ctime(element.ended or element.began or job.created),
        "Output_Path": f"{job.host}:{output(server.knobs, job, element, 'o', '/')}",
        "Priority": int(options.get("p", 0)),
        "qtime": ctime(job.created),
        "Rerunable": str(job.rerunnable),
        "Resource_List": dict(sorted(job.resources.items())),
        "substate": substate(job, element),
        "Variable_List": dict(job.environ),
        "project": options.get("P", "_pbs_project_default"),
        "Submit_Host": job.host,
        "etime": ctime(job.created),
        "Submit_arguments": options.get("submit_arguments", ""),
    }
    found |= {"comment": element.comment} if element.comment else {}
    found |= {"umask": f"{umask(job):o}"} if "umask" in options else {}
    return found | ({"Account_Name": options["A"]} if "A" in options else {})


def array_attributes(server: Server, job: Job) -> Attributes:
    whole = Element(None, comment=job.comment, substate=BEGUN if state(job, None) == "B" else QUEUED)
    queued, running, exiting, expired = (job.count(s) for s in "QRED")
    if job.finished:
        expired = sum(not e.run_count for e in job.elements.values())
        whole.substate = max(e.substate for e in job.elements.values())
    found = common(server, job, whole)
    found["job_state"] = state(job, None)
    found["array"] = "True"
    if job.throttle is not None:
        found["max_run_subjobs"] = job.throttle
    counts = f"Queued:{queued} Running:{running} Exiting:{exiting} Expired:{expired}"
    waiting = [e.index for e in job.elements.values() if e.state == "Q" and e.index is not None]
    found |= {
        "array_state_count": counts,
        "array_indices_submitted": job.array,
        "array_indices_remaining": ranges(waiting),
    }
    if job.exit_status is not None:
        found["Exit_status"] = job.exit_status
    if job.finished:
        found["history_timestamp"] = int(job.finished)
    return found


def borrowed(server: Server, job: Job, element: Element) -> Attributes:
    """A sub-job without a record of its own shows its array's, the array's exit status included."""
    found = common(server, job, Element(None, comment=job.comment))
    found |= {"job_state": state(job, element), "substate": substate(job, element)}
    if element.done:
        found["comment"] = "Subjob finished"
    own_none = server.knobs.history and element.exit_status is None and server.knobs.json != "master"
    if job.exit_status is not None and not own_none:
        found["Exit_status"] = job.exit_status
    return found


def state_count(jobs: list[Job]) -> str:
    names = ("Transit", "Queued", "Held", "Waiting", "Running", "Exiting", "Begun")
    states = [state(job, None if job.array else job.elements[None]) for job in jobs]
    return " ".join(f"{name}:{states.count(name[0])}" for name in names) + " "


def server_attributes(server: Server, version: str) -> Attributes:
    knobs = server.knobs
    found: Attributes = {
        "server_state": "Active",
        "server_host": knobs.server,
        "scheduling": "True",
        "total_jobs": sum(not job.finished for job in server.jobs.values()),
        "state_count": state_count([job for job in server.jobs.values() if not job.finished]),
        "default_queue": "workq",
        "log_events": 511,
        "mail_from": "adm",
        "query_other_jobs": "True",
        "resources_default": {"ncpus": "1"},
        "default_chunk": {"ncpus": "1"},
        "scheduler_iteration": 600,
        "flatuid": "True",
        "resv_enable": "True",
        "node_fail_requeue": round(knobs.node_fail_requeue_s),
        "max_array_size": knobs.max_array_size,
        "pbs_version": version,
        "max_job_sequence_id": 9999999,
    }
    limits = {
        "max_queued": limit(u=knobs.max_queued_user, o=knobs.max_queued_all),
        "max_run": limit(u=knobs.max_run_user, o=None),
        "max_queued_res.ncpus": limit(u=knobs.max_queued_ncpus, o=None),
    }
    found |= {name: value for name, value in limits.items() if value}
    return found | ({"job_history_enable": "True"} if knobs.history else {})


def limit(u: int | None, o: int | None) -> str:
    parts = [f"[u:PBS_GENERIC={u}]"] if u is not None else []
    return ",".join(parts + ([f"[o:PBS_ALL={o}]"] if o is not None else []))


def queue_attributes(server: Server, queue: str) -> Attributes:
    knobs = server.knobs
    jobs = [job for job in server.jobs.values() if job.queue == queue and not job.finished]
    found: Attributes = {"queue_type": "Execution", "total_jobs": len(jobs), "state_count": state_count(jobs)}
    if queue == "limits" and knobs.queue_max_queued_user is not None:
        found["max_queued"] = limit(u=knobs.queue_max_queued_user, o=None)
    if queue == "limits" and knobs.queue_max_walltime_s is not None:
        found["resources_max"] = {"walltime": clock(knobs.queue_max_walltime_s)}
    return found | {"enabled": str(queue != "off"), "started": "True"}


def node_attributes(server: Server, node: str) -> Attributes:
    knobs = server.knobs
    busy = [job for job in server.jobs.values() for e in job.live if e.state in "RE" and e.node == node]
    cpus = sum(job.ncpus for job in busy)
    up = "job-busy" if cpus >= knobs.ncpus else "free"
    return {
        "Mom": node,
        "ntype": "PBS",
        "state": up if node in server.nodes else "down",
        "pcpus": knobs.ncpus,
        "resources_available": {
            "arch": "linux", "host": node, "mem": f"{knobs.mem_gb}gb", "ncpus": str(knobs.ncpus), "vnode": node,
        },
        "resources_assigned": {"mem": "0kb", "ncpus": str(cpus)},
        "resv_enable": "True",
        "sharing": "default_shared",
    }  # fmt: skip
