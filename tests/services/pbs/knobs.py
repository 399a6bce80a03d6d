"""What a test may set on the PBS of the tests: its flavour, its limits, and what goes wrong with it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

Flavour = Literal["pbspro", "torque"]


@dataclass(frozen=True)
class Knobs:
    """How the server and its nodes are, and misbehave. Times are short here; real ones are in brackets.

    Args:
        history: finished jobs are kept and shown by ``qstat -x``; Torque: for ``keep_completed_s``.
        nodes, ncpus, mem_gb: how many nodes, and what each has.
        custom_resources: a chunk may ask for these without being refused, such as ``ngpus``.
        throttled_arrays: ``-J X-Y%N`` is known, as from PBS Pro 22.05 on.
        max_array_size: elements of one array; Torque has no such limit here.
        max_queued_user, max_queued_all, max_run_user: jobs of one user, or of all, on the server.
        queue_max_queued_user, queue_max_walltime_s: limits of the queue ``limits``.
        node_fail_requeue_s: [310] from a node's death to its jobs' return to Q.
        established_s: [2-4] a job's first time, in which a restart of the server runs it again.
        kill_delay_s: [10] from TERM to KILL.
        walltime_check_s: [10] how often a node looks at the walltime of its jobs.
        missing_directory_s: [32] a job whose output can't be delivered stays in E.
        delivery_s: every job stays in E for so long before its output is there.
        json: what kind of JSON qstat writes: ``release`` (23.06), ``master`` (only the first of several
            ids; other numbers), ``invalid`` (numbers with leading zeros, as in v18-v22).
        environment_passed: ``qsub -V`` works; it passes nothing on 23.06.
        failing_starts: no job can start (a prologue that fails): held after 21 attempts.
        slow: seconds by which a command is late, by its name. hanging: commands that never return.
        spoilt: of a command, what it says instead of the server's answer: how many characters of its output it
            keeps, its words, its exit code.
        home: the jobs' home directory; None is one of the server's own, ``""`` the user's real one.
    """

    flavour: Flavour = "pbspro"
    server: str = "pbs"
    history: bool = True
    keep_completed_s: float = 300.0
    nodes: int = 2
    ncpus: int = 8
    mem_gb: int = 64
    custom_resources: tuple[str, ...] = ()
    throttled_arrays: bool = True
    max_array_size: int = 10000
    max_queued_user: int | None = None
    max_queued_all: int | None = None
    max_queued_ncpus: int | None = None
    max_run_user: int | None = None
    queue_max_queued_user: int | None = None
    queue_max_walltime_s: int | None = None
    node_fail_requeue_s: float = 2.0
    established_s: float = 1.0
    kill_delay_s: float = 1.0
    walltime_check_s: float = 0.25
    missing_directory_s: float = 1.0
    delivery_s: float = 0.0
    json: Literal["release", "master", "invalid"] = "release"
    environment_passed: bool = False
    failing_starts: bool = False
    slow: dict[str, float] = field(default_factory=dict)
    hanging: tuple[str, ...] = ()
    spoilt: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    home: str | None = None


def knobs_file(base: Path) -> Path:
    return base / "knobs.json"


def read_knobs(base: Path) -> Knobs:
    """The knobs as they are now."""
    found: dict[str, Any] = json.loads(knobs_file(base).read_text())
    return Knobs(**found)


def write_knobs(base: Path, knobs: Knobs) -> None:
    new = knobs_file(base).with_suffix(".new")
    new.write_text(json.dumps(asdict(knobs)))
    new.chmod(0o644)
    os.replace(new, knobs_file(base))


def turned(knobs: Knobs, **changes: object) -> Knobs:
    return replace(knobs, **changes)  # type: ignore[arg-type]


def node_names(knobs: Knobs) -> list[str]:
    return [f"node{number}" for number in range(1, knobs.nodes + 1)]
