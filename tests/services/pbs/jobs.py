"""A job as the server knows it: a plain one has one element, an array one for each index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

#: substates, as qstat shows them
QUEUED, HELD, WAITING_FOR_ANOTHER, STARTING, RUNNING, EXITING = 10, 20, 22, 41, 42, 51
BEGUN, TERMINATED, FINISHED, FAILED = 70, 91, 92, 93


@dataclass
class Element:
    """A plain job, or one sub-job of an array (then ``index`` is its own).

    ``state`` is one of Q R E and D (done); what users see of a done one depends on flavour and history.
    """

    index: int | None
    state: str = "Q"
    substate: int = QUEUED
    node: str = ""
    run_count: int = 0
    exit_status: int | None = None
    stageout: int = 1
    comment: str = ""
    began: float = 0.0
    ended: float = 0.0
    failed_starts: int = 0
    deleted_by: str = ""

    @property
    def done(self) -> bool:
        return self.state == "D"


@dataclass
class Job:
    """What was submitted, with its elements by index."""

    seq: int
    owner: str
    uid: int
    name: str
    queue: str
    script: str
    options: dict[str, Any]
    resources: dict[str, str]
    environ: dict[str, str]
    host: str
    created: float
    array: str = ""
    throttle: int | None = None
    hold: str = "n"
    waits_for: int | None = None
    waits_how: str = ""
    comment: str = ""
    exit_status: int | None = None
    finished: float = 0.0
    elements: dict[int | None, Element] = field(default_factory=dict)

    @property
    def rerunnable(self) -> bool:
        return bool(self.array) or self.options.get("r", "y") != "n"

    @property
    def live(self) -> Iterator[Element]:
        return (element for element in self.elements.values() if not element.done)

    def count(self, *states: str) -> int:
        return sum(element.state in states for element in self.elements.values())

    def native_id(self, server: str, index: int | None = None) -> str:
        """``12.pbs``, ``12[].pbs`` or ``12[3].pbs``."""
        brackets = f"[{'' if index is None else index}]" if self.array else ""
        return f"{self.seq}{brackets}.{server}"

    @property
    def ncpus(self) -> int:
        return sum(count * int(chunk.get("ncpus") or 1) for count, chunk in chunks(self.resources))

    @property
    def exit_status_of_all(self) -> int | None:
        """An array's own status; of a plain job its element's."""
        return self.exit_status if self.array else self.elements[None].exit_status

    @property
    def walltime_s(self) -> float | None:
        said = self.resources.get("walltime")
        return seconds(said) if said else None


def chunks(resources: dict[str, str]) -> list[tuple[int, dict[str, str]]]:
    """``2:ncpus=4:mem=1gb+ncpus=1`` → (2, {ncpus: 4, mem: 1gb}), (1, {ncpus: 1}); Torque's nodes likewise."""
    text = resources.get("select") or resources.get("nodes") or "1:ncpus=" + resources.get("ncpus", "1")
    found = []
    for chunk in text.split("+"):
        first, *rest = chunk.split(":")
        count, parts = (int(first), rest) if first.isdigit() else (1, [first, *rest])
        words = dict(part.partition("=")[::2] for part in parts)
        found.append((count, {"ncpus" if name == "ppn" else name: value for name, value in words.items()}))
    return found


def seconds(walltime: str) -> float:
    """``1:30:00``, ``90`` → seconds.

    Raises:
        ValueError: it is no time.
    """
    parts = walltime.split(":")
    if len(parts) > 3 or any(not part.replace(".", "", 1).isdigit() for part in parts):
        raise ValueError(walltime)
    total = 0.0
    for part in parts:
        total = total * 60 + float(part)
    return float(-(-total // 1))


def clock(total: float) -> str:
    return f"{int(total) // 3600:02d}:{int(total) // 60 % 60:02d}:{int(total) % 60:02d}"


def ranges(indices: Iterable[int]) -> str:
    """``0-2,5``; ``-`` for none."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs) or "-"
