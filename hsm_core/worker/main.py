"""Parses the command line of a worker."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ranks.rank import Rank


def main(argv: list[str]) -> None:
    """Runs the supervisor, or the importer that a supervisor started; or only tests that an app can be loaded."""
    if argv[:1] == ["load"]:
        from .importer.server import load

        load(Path(argv[1]))
        return
    if argv[:1] == ["import"]:
        from .importer.server import serve

        serve(int(argv[1]), int(argv[2]), Path(argv[3]), forks=argv[4] == "forks")
    options = _parser().parse_args(argv[1:])
    from .job import JobFacts

    job = JobFacts(
        options.native_id, options.restart, options.log, tuple(shlex.split(options.requeue)), _rank(options),
        os.environ.get(options.node_from, ""),
    )
    if job.rank is not None and job.rank.number:
        from .ranks.follower import join

        sys.exit(join(Path(options.sweep), options.submission, options.batch, job, job.rank))
    from .supervisor.loop import supervise

    sys.exit(supervise(Path(options.sweep), options.worker, options.submission, options.batch, job))


def _rank(options: argparse.Namespace) -> Rank | None:
    """Returns the rank of this process, from the variables that the starter of ranks sets; None without ranks."""
    if options.ranks == 1:
        return None
    from .ranks.rank import Rank

    number, local = (os.environ.get(name, "") for name in (options.rank_from, options.local_rank_from))
    if not number.isdigit():
        sys.exit(f"hsm-worker: {options.rank_from} is '{number}': no rank")
    return Rank(int(number), options.ranks, int(local) if local.isdigit() else 0, os.uname().nodename)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hsm-worker")
    parser.add_argument("sweep", help="the sweep directory")
    parser.add_argument("worker", help="the worker's name, unique in the sweep")
    parser.add_argument("submission", help="launch-0/submit-0: says how to run tasks")
    parser.add_argument("--batch", type=int, help="run this batch and end; without it, read the inbox")
    parser.add_argument("--native-id", default="", help="what the scheduler calls this job")
    parser.add_argument("--restart", type=int, default=0, help="how often the scheduler has run it before")
    parser.add_argument("--log", default="", help="the job's own log, below the sweep's logs/")
    parser.add_argument("--requeue", default="", help="the command that asks the scheduler to run it again")
    parser.add_argument("--node-from", default="", help="the variable that says what the scheduler calls this node")
    parser.add_argument("--ranks", type=int, default=1, help="processes that run a task together, this one included")
    parser.add_argument("--rank-from", default="", help="the variable that says which rank this process is")
    parser.add_argument("--local-rank-from", default="", help="the variable that says which one on its node")
    return parser
