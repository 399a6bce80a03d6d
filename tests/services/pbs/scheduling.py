"""Which element runs next, where, and why the others wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import strftime

from .jobs import STARTING, Element, Job, chunks
from .knobs import Knobs

WAITS = {
    "subjobs": "Not Running: Number of concurrent running subjobs limit reached",
    "user": "Not Running: User has reached server running job limit.",
    "nodes": "Not Running: Not enough free nodes available",
}


@dataclass
class Room:
    """Free processors by node that is up, and running jobs by user."""

    free: dict[str, int]
    users: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, knobs: Knobs, nodes: Iterable[str], jobs: Mapping[int, Job]) -> Room:
        room = cls(dict.fromkeys(nodes, knobs.ncpus))
        for job in jobs.values():
            for element in job.live:
                if element.state in "RE":
                    room.take(element.node, job)
        return room

    def take(self, node: str, job: Job) -> None:
        if node in self.free:
            self.free[node] -= job.ncpus
        self.users[job.owner] = self.users.get(job.owner, 0) + 1

    def node_for(self, job: Job) -> str:
        """The emptiest node that has room; chunks are not spread over several."""
        name = max(self.free, key=lambda n: self.free[n], default="")
        return name if name and self.free[name] >= job.ncpus else ""


def never(knobs: Knobs, job: Job) -> str:
    """Why this job can't ever run here, as its comment says; empty if it can."""
    total = knobs.ncpus * knobs.nodes
    if job.ncpus <= total and all(int(c.get("ncpus") or 1) <= knobs.ncpus for _, c in chunks(job.resources)):
        return ""
    return f"Can Never Run: Insufficient amount of resource: ncpus (R: {job.ncpus} A: {total} T: {total})"


def choose(knobs: Knobs, room: Room, job: Job) -> tuple[Element, str] | str:
    """The job's next element and its node, or why it waits; empty: there is nothing to start."""
    held = "u" in job.hold or (job.hold == "s" and not job.array)  # of an array other elements are tried
    if held or job.waits_for is not None:
        return ""
    element = next((e for e in job.elements.values() if e.state == "Q"), None)
    if element is None:
        return ""
    if words := never(knobs, job):
        return words
    if job.throttle is not None and job.count("R", "E") >= job.throttle:
        return WAITS["subjobs"]
    if knobs.max_run_user is not None and room.users.get(job.owner, 0) >= knobs.max_run_user:
        return WAITS["user"]
    node = room.node_for(job)
    return (element, node) if node else WAITS["nodes"]


def starts(job: Job, element: Element, node: str, now: float) -> None:
    """Put into the records that an element starts."""
    when = strftime("%a %b %d at %H:%M")
    element.state, element.substate, element.node = "R", STARTING, node
    element.run_count += 1
    element.began, element.ended = now, 0.0
    element.exit_status = None
    element.comment = f"Job run at {when} on ({node}:ncpus={job.ncpus})"
    if job.array and not job.comment.startswith("Job Array Began"):
        job.comment = f"Job Array Began at {when}"
