"""From what a user types to the jobs it means: ``12``, ``12[]``, ``'12[3]'``, ``12[0-3].pbs``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .jobs import Element, Job

if TYPE_CHECKING:
    from .server import Server

FORM = re.compile(r"(\d+)(?:(\[)(?:(\d+)(?:-(\d+))?)?\])?(?:\.([\w.-]+))?")


class Malformed(Exception):
    """This is no job's id."""


class Unknown(Exception):
    """No such job; the words are its full id."""


class OutOfRange(Unknown):
    """The array is there, this index of it is not."""


@dataclass(frozen=True)
class Named:
    """A job, and which elements of it are meant; ``whole``: a plain job, or an array as one."""

    full_id: str
    job: Job
    elements: list[Element]
    whole: bool


def find(server: Server, text: str) -> Named:
    """The job that ``text`` names. Brackets are part of an array's name.

    Raises:
        Malformed, Unknown, OutOfRange: there is none.
    """
    form = FORM.fullmatch(text)
    torque = server.knobs.flavour == "torque"
    if form is None or (torque and form[4]):
        raise Malformed(text)
    full_id = text if form[5] else f"{text}.{server.knobs.server}"
    job = server.jobs.get(int(form[1]))
    if job is None or bool(job.array) != bool(form[2]):
        raise Unknown(full_id)
    if form[3] is None:
        return Named(full_id, job, list(job.elements.values()), True)
    wanted = range(int(form[3]), int(form[4] or form[3]) + 1)
    elements = [job.elements[index] for index in wanted if index in job.elements]
    if not elements:
        raise OutOfRange(full_id)
    return Named(full_id, job, elements, False)
