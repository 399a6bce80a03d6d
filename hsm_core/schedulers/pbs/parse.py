"""Parses the output of ``qstat -f``, in whichever form it comes: JSON, XML or text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree  # nosec B405  # reads what qstat of this site prints

#: The attributes of a job, a queue or a server, as PBS names them; of ``resources_used.mem`` the dot is PBS's.
Attributes = Mapping[str, str]

_HEADING = re.compile(r"(?:Job Id|Queue|Server): (.+)")
_XML_JOB = re.compile(r"<Job>.*?</Job>", re.DOTALL)


class Unreadable(ValueError):
    """The output is in none of the forms; asking for another form may help."""


def read(text: str) -> dict[str, Attributes]:
    """Returns attributes by id or name; empty if nothing matched the question.

    Raises:
        Unreadable: older versions write JSON that is none, for variables such as ``X=005``.
    """
    start = text.lstrip()[:1]
    if start == "{":
        return dict(_from_json(text))
    if start == "<":
        return dict(_from_xml(text))
    return _from_text(text)


def _from_json(text: str) -> Iterator[tuple[str, Attributes]]:
    try:
        answer = json.loads(text, strict=False)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    jobs = answer.get("Jobs", {})
    if not isinstance(jobs, dict):
        raise Unreadable("its Jobs are no object")
    for native_id, attributes in jobs.items():
        yield native_id, dict(_flat(attributes))


def _flat(attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yields all values on one level, as text: a name such as ``123`` comes as a number."""
    for name, value in attributes.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", str(said)) for inner, said in value.items())
        else:
            yield name, str(value)


def _from_xml(text: str) -> Iterator[tuple[str, Attributes]]:
    """Yields job by job: several questions make several documents, one after the other."""
    for found in _XML_JOB.findall(text):
        try:
            job = ElementTree.fromstring(found)  # nosec B314  # as above
        except ElementTree.ParseError as error:
            raise Unreadable(str(error)) from error
        yield job.findtext("Job_Id", ""), dict(_elements(job))


def _elements(job: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for part in job:
        yield part.tag, part.text or ""
        yield from ((f"{part.tag}.{inner.tag}", inner.text or "") for inner in part)


def _from_text(text: str) -> dict[str, Attributes]:
    """Parses lines ``name = value``; a long one goes on after a newline and a tab.

    An empty line ends each block: the last one of an answer that was cut off has none, and may lack what matters.
    """
    text = text.replace("\r", "")
    text = text[: text.rfind("\n\n") + 1]
    found: dict[str, Attributes] = {}
    attributes: dict[str, str] = {}
    for line in text.replace("\n\t", "").splitlines():
        heading = _HEADING.fullmatch(line)
        name, equals, value = line.strip().partition(" = ")
        if heading:
            attributes = {}
            found[heading[1].strip()] = attributes
        elif equals:
            attributes[name] = value
    return found
