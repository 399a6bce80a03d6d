"""Scans the commonest lines, starts and ends of tasks, without parsing all of their JSON.

Ten thousand finished tasks are three megabytes of JSON; making Python objects of all of it takes longer than
everything else that ``hsm-status`` does.
"""

from __future__ import annotations

import re

from ..event_codec import KIND, SEQUENCE, Event, from_line
from ..events import End, Start

#: A line: whole, end or not, task, attempt, state; the last four empty if it has to be parsed to be known.
Scanned = tuple[bytes, bytes, bytes, bytes, bytes]
#: States that an end may say.
END_STATES = ("completed", "failed", "cancelled")


def _pattern() -> re.Pattern[bytes]:
    """Matches a line, and of a start or an end that begins as our writers write it, what counts.

    The number of a line comes last, so that a line which was cut has no such tail.
    """
    task, attempt, state = (column.key for column in End.columns[:3])
    kinds = f'{{"{KIND}":"(?:{Start.tag}|({End.tag}))",'
    numbers = rf'"{task}":(\d{{1,6}}),"{attempt}":([1-9]\d{{0,5}}),'
    ended = f'(?:"{state}":"({"|".join(END_STATES)})",)?'
    known = rf'(\{kinds}{numbers}{ended}[^\n]*,"{SEQUENCE}":\d+\}}|[^\n]+)'
    return re.compile(f"^{known}$".encode(), re.MULTILINE)


_LINE = _pattern()
_HEAD = f'{{"{KIND}":"'.encode()


def scan(data: bytes) -> list[Scanned]:
    """Splits ``data`` into its lines.

    Two lines that ran into each other, or a hole of NUL bytes, make that all of ``data`` has to be parsed.
    """
    if data.count(_HEAD) == data.count(b"\n" + _HEAD) + data.startswith(_HEAD) and b"\0" not in data:
        return _LINE.findall(data)
    return [(line, b"", b"", b"", b"") for line in data.split(b"\n") if line]


def parsed(line: Event | bytes | None) -> Event | None:
    """Returns the event of a line that was scanned only; None if the rest of it is damaged."""
    if not isinstance(line, bytes):
        return line
    try:
        return from_line(line)
    except (KeyError, ValueError):
        return None
