"""What a job gets when it starts: nothing of the submitter's surroundings but what PBS itself adds."""

from __future__ import annotations

import os
import pwd
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .jobs import Element, Job, clock
from .knobs import Knobs
from .running import Order

DEFAULT_UMASK = 0o077


def home_of(base: Path, knobs: Knobs, uid: int) -> str:
    if knobs.home is None:
        return str(base / "home")
    return knobs.home or pwd.getpwuid(uid).pw_dir


def order(base: Path, knobs: Knobs, job: Job, element: Element) -> dict[str, Any]:
    """All that a node must know to run one element."""
    who = pwd.getpwuid(job.uid)
    native_id = job.native_id(knobs.server, element.index)
    home = home_of(base, knobs, job.uid)
    node = base / "nodes" / element.node
    nodefile = node / "aux" / native_id
    nodefile.write_text(f"{element.node}\n" * max(1, job.ncpus if knobs.flavour == "torque" else 1))
    return asdict(
        Order(
            id=native_id,
            run=element.run_count,
            uid=job.uid,
            gid=who.pw_gid,
            groups=os.getgrouplist(who.pw_name, who.pw_gid),
            script=job.script,
            shell=job.options.get("S", "/bin/bash").split(",")[0].split("@")[0],
            environ=environment(knobs, job, element, node, home),
            home=home,
            out=output(knobs, job, element, "o", home),
            err=output(knobs, job, element, "e", home),
            joined=job.options.get("j", "").replace("n", ""),
            live="d" in job.options.get("k", "") and knobs.flavour == "pbspro",
            umask=umask(job),
            walltime_s=job.walltime_s,
        )
    )


def umask(job: Job) -> int:
    said = job.options.get("umask", "")
    return int(said, 8) & 0o777 if said and all(digit in "01234567" for digit in said) else DEFAULT_UMASK


def environment(knobs: Knobs, job: Job, element: Element, node: Path, home: str) -> dict[str, str]:
    who = pwd.getpwuid(job.uid)
    native_id = job.native_id(knobs.server, element.index)
    said = {name: text for name, text in job.environ.items() if name not in ("PWD", "HOME")}
    basic = {
        "PATH": "/bin:/usr/bin",
        "HOME": home,
        "LOGNAME": who.pw_name,
        "USER": who.pw_name,
        "SHELL": "/bin/bash",
        "ENVIRONMENT": "BATCH",
        "TMPDIR": str(node / "tmp" / f"pbs.{native_id}"),
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBID": native_id,
        "PBS_JOBNAME": element_name(knobs, job, element),
        "PBS_QUEUE": job.queue,
        "PBS_NODEFILE": str(node / "aux" / native_id),
        "PBS_NODENUM": "0",
        "PBS_TASKNUM": "1",
        "PBS_MOMPORT": "15003",
        "PBS_JOBCOOKIE": f"{job.seq:032x}",
    }
    more = torque_environment if knobs.flavour == "torque" else pbspro_environment
    return basic | said | more(knobs, job, element, home)


def pbspro_environment(knobs: Knobs, job: Job, element: Element, home: str) -> dict[str, str]:
    ncpus = str(job.ncpus)
    found = {"NCPUS": ncpus, "OMP_NUM_THREADS": ncpus, "PBS_JOBDIR": home}
    if element.index is not None:
        found["PBS_ARRAY_INDEX"] = str(element.index)
        found["PBS_ARRAY_ID"] = job.native_id(knobs.server)
    return found


def torque_environment(knobs: Knobs, job: Job, element: Element, home: str) -> dict[str, str]:
    found = {
        "PBS_NP": str(job.ncpus),
        "PBS_NUM_NODES": "1",
        "PBS_NUM_PPN": str(job.ncpus),
        "PBS_WALLTIME": str(round(job.walltime_s or 3600)),
        "PBS_VNODENUM": "0",
    }
    if "PBS_O_LANG" in job.environ:
        found["LANG"] = job.environ["PBS_O_LANG"]
    if element.index is not None:
        found["PBS_ARRAYID"] = str(element.index)
    return found


def element_name(knobs: Knobs, job: Job, element: Element) -> str:
    """Torque appends the index to the name of an array's elements."""
    numbered = knobs.flavour == "torque" and element.index is not None
    return f"{job.name}-{element.index}" if numbered else job.name


def output(knobs: Knobs, job: Job, element: Element, stream: str, home: str) -> str:
    """Where a stream ends up, by the rules of the flavour."""
    submitted_in = job.environ.get("PBS_O_WORKDIR", home)
    if stream in job.options.get("R", "") and knobs.flavour == "pbspro":
        return os.devnull
    if stream in job.options.get("k", "") and "d" not in job.options.get("k", ""):
        return os.path.join(home, default_name(knobs, job, element, stream))
    asked = job.options.get(stream)
    if asked is None:
        return os.path.join(submitted_in, default_name(knobs, job, element, stream))
    native_id = job.native_id(knobs.server, element.index)
    path = os.path.join(submitted_in, asked)
    if os.path.isdir(path):
        return os.path.join(path, f"{native_id}.{'OU' if stream == 'o' else 'ER'}")
    if element.index is None or path == os.devnull:
        return path.replace("$PBS_JOBID", native_id) if knobs.flavour == "torque" else path
    if knobs.flavour == "torque":
        return path.replace("$PBS_JOBID", native_id) + f"-{element.index}"
    return path.replace("^array_index^", str(element.index))


def default_name(knobs: Knobs, job: Job, element: Element, stream: str) -> str:
    whole = f"{job.name}.{stream}{job.seq}"
    if knobs.flavour == "torque":
        return whole if element.index is None else f"{whole}-{element.index}"
    index = "^array_index^" if job.array and element.index is None else element.index
    return whole if index is None else f"{whole}.{index}"


def used(element: Element, now: float) -> str:
    return clock((element.ended or now) - element.began) if element.began else "00:00:00"
