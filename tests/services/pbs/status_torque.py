"""What Torque's qstat says of jobs, queues, servers and nodes."""

from __future__ import annotations

from time import localtime, strftime, time
from typing import TYPE_CHECKING

from .jobs import Element, Job, clock
from .starting import element_name, output, used
from .text import Attributes, Moment

if TYPE_CHECKING:
    from .server import Server

TABLE = (
    "Job ID                    Name             User            Time Use S Queue\n"
    "------------------------- ---------------- --------------- -------- - -----\n"
)


def state(job: Job, element: Element | None) -> str:
    """The letter: C for what is over."""
    if element is None:
        return "C" if job.finished else "R" if job.count("R", "E") else held(job)
    return "C" if element.done else held(job) if element.state == "Q" else element.state


def held(job: Job) -> str:
    return "H" if job.hold != "n" or job.waits_for is not None else "Q"


def row(server: Server, job: Job, element: Element | None, wide: bool) -> str:
    native_id = job.native_id(server.knobs.server, element.index if element else None)
    time_used = used(element, time()) if element and element.began else "0"
    name = element_name(server.knobs, job, element) if element else job.name
    what = (name, job.owner, time_used, state(job, element), job.queue)
    return "{:<26.26} {:<16.16} {:<15.15} {:>8} {:>1} {:<15}\n".format(native_id, *what)


def attributes(server: Server, job: Job, element: Element | None) -> Attributes:
    """All of a job, of an array as a whole (``element`` None), or of one of its elements."""
    one = element or Element(None, comment=job.comment)
    options = job.options
    found: Attributes = {
        "Job_Id": job.native_id(server.knobs.server, one.index),
        "Job_Name": element_name(server.knobs, job, one),
        "Job_Owner": f"{job.owner}@{job.host}",
        "job_state": state(job, element),
        "queue": job.queue,
        "server": server.knobs.server,
        "Checkpoint": "u",
        "ctime": Moment(job.created),
        "Error_Path": f"{job.host}:{output(server.knobs, job, one, 'e', '/')}",
        "Hold_Types": "s" if job.waits_for is not None else job.hold,
        "Join_Path": options.get("j", "n"),
        "Keep_Files": options.get("k", "n"),
        "Mail_Points": options.get("m", "a"),
        "mtime": Moment(one.ended or one.began or job.created),
        "Output_Path": f"{job.host}:{output(server.knobs, job, one, 'o', '/')}",
        "Priority": int(options.get("p", 0)),
        "qtime": Moment(job.created),
        "etime": Moment(job.created),
        "Rerunable": str(job.rerunnable),
        "Resource_List": dict(job.resources),
        "Variable_List": variables(server, job, one),
        "euser": job.owner,
        "queue_type": "E",
        "submit_args": options.get("submit_arguments", ""),
        "submit_host": job.host,
    }
    if element is None:
        return found | {"job_array_request": job.array}
    return found | of_run(job, element)


def variables(server: Server, job: Job, element: Element) -> dict[str, str]:
    index = {} if element.index is None else {"PBS_ARRAYID": str(element.index)}
    return index | job.environ | {"PBS_O_SERVER": server.knobs.server}


def of_run(job: Job, element: Element) -> Attributes:
    found: Attributes = {"comment": element.comment} if element.comment else {}
    if element.began:
        found["comment"] = strftime("Job started on %a %b %d at %H:%M", localtime(element.began))
    if element.run_count:
        found |= {"exec_host": f"{element.node}/0", "start_time": Moment(element.began)}
        found["start_count"] = element.run_count
    if element.began:
        found["resources_used"] = {"cput": "00:00:00", "mem": "0kb", "walltime": used(element, time())}
    if element.exit_status is not None:
        found["exit_status"] = element.exit_status
    if element.done:
        found["comp_time"] = Moment(element.ended)
    if element.index is not None:
        found |= {"job_array_id": element.index, "job_array_request": job.array}
    return found


def state_count(jobs: list[Job]) -> str:
    names = ("Transit", "Queued", "Held", "Waiting", "Running", "Exiting", "Complete")
    states = [state(job, element) for job in jobs for element in job.elements.values()]
    return " ".join(f"{name}:{states.count(name[0])}" for name in names) + " "


def server_attributes(server: Server, version: str) -> Attributes:
    knobs = server.knobs
    found: Attributes = {
        "server_state": "Active",
        "scheduling": "True",
        "total_jobs": sum(len(job.elements) for job in server.jobs.values()),
        "state_count": state_count(list(server.jobs.values())),
        "acl_hosts": knobs.server,
        "default_queue": "batch",
        "log_events": 2047,
        "mail_from": "adm",
        "scheduler_iteration": 600,
        "node_check_rate": 150,
        "tcp_timeout": 300,
        "keep_completed": round(knobs.keep_completed_s),
        "pbs_version": version,
    }
    return found


def queue_attributes(server: Server, queue: str) -> Attributes:
    knobs = server.knobs
    jobs = [job for job in server.jobs.values() if job.queue == queue]
    found: Attributes = {"queue_type": "Execution", "total_jobs": sum(len(job.elements) for job in jobs)}
    found["state_count"] = state_count(jobs)
    most = knobs.queue_max_queued_user if queue == "limits" else knobs.max_queued_user
    if most is not None:
        found["max_user_queuable"] = most
    if knobs.max_run_user is not None:
        found["max_user_run"] = knobs.max_run_user
    if queue == "limits" and knobs.queue_max_walltime_s is not None:
        found["resources_max"] = {"walltime": clock(knobs.queue_max_walltime_s)}
    return found | {"enabled": str(queue != "off"), "started": "True"}


def node_attributes(server: Server, node: str) -> Attributes:
    knobs = server.knobs
    busy = [job for job in server.jobs.values() for e in job.live if e.state in "RE" and e.node == node]
    cpus = sum(job.ncpus for job in busy)
    up = "job-exclusive" if cpus >= knobs.ncpus else "free"
    return {
        "state": up if node in server.nodes else "down",
        "power_state": "Running",
        "np": knobs.ncpus,
        "ntype": "cluster",
        "mom_service_port": 15002,
        "mom_manager_port": 15003,
    }
