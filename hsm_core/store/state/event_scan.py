"""Reads what a sweep has most of, starts and ends of tasks, and leaves the rest of these lines unparsed.

Ten thousand finished tasks are three megabytes of JSON; making Python objects of all of it takes longer than
everything else that ``hsm-status`` does.
"""

from __future__ import annotations

import json
import re
from typing import Any

#: A line: whole, end or not, task, attempt, state; the last four empty if it has to be parsed to be known.
Glance = tuple[bytes, bytes, bytes, bytes, bytes]
Line = dict[str, Any]

#: The writer puts ``s`` last, so that a line which was cut has no such tail.
_LINE = re.compile(
    rb'^(\{"e":"(?:start|(end))","t":(\d+),"a":(\d+),(?:"state":"(completed|failed|cancelled)",)?'
    rb'[^\n]*,"s":\d+\}|[^\n]+)$',
    re.MULTILINE,
)
_HEAD = b'{"e":"'


def glance(data: bytes) -> list[Glance]:
    """The lines of ``data``.

    Two lines that ran into each other, or a hole of NUL bytes, make that all of ``data`` has to be parsed.
    """
    if data.count(_HEAD) == data.count(b"\n" + _HEAD) + data.startswith(_HEAD) and b"\0" not in data:
        return _LINE.findall(data)
    return [(line, b"", b"", b"", b"") for line in data.split(b"\n") if line]


def parse(line: Line | bytes) -> Line:
    """All of a line that was glanced at; of a damaged one nothing."""
    if not isinstance(line, bytes):
        return line
    try:
        found: Line = json.loads(line)
    except ValueError:
        return {}
    return found
