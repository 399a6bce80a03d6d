"""What Grid Engine's accounting says of jobs that have ended; a record an element and run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hsm_core.model import Reason, State
from hsm_core.schedulers.interface import JobStatus

#: the value of ``failed`` for a run after which the job waits again
RESCHEDULED = 25
#: for a job that h_rt, h_cpu or h_vmem ended, for a node that was lost, and those before the script began
LIMIT, NODE, NEVER_BEGAN = 37, 19, range(1, 19)
_BEFORE_SCRIPT = (26, 27, 28)  # its log, its shell, its directory


def read_accounting(text: str) -> dict[str, JobStatus]:
    """Returns ended elements by native id, of what ``qacct -j`` prints; of several runs the last counts."""
    return {_native_id(record): _status(record) for record in _records(text) if _failed(record) != RESCHEDULED}


def _records(text: str) -> Iterator[Mapping[str, str]]:
    for part in re.split(r"^=+$", text, flags=re.MULTILINE):
        pairs = (line.split(None, 1) for line in part.splitlines())
        record = {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}
        if record.get("jobnumber", "").isdigit():
            yield record


def _native_id(record: Mapping[str, str]) -> str:
    task = record.get("taskid", "")
    return f"{record['jobnumber']}.{task}" if task.isdigit() else record["jobnumber"]


def _failed(record: Mapping[str, str]) -> int:
    return _number(record.get("failed", ""))


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _status(record: Mapping[str, str]) -> JobStatus:
    failed, code, node = _failed(record), _number(record.get("exit_status", "")), record.get("hostname", "")
    state, reason = _meaning(record, failed)
    how = f"killed by signal {code - 128}" if code > 128 else f"exit code {code}"
    said = f", failed {record['failed']}" if failed else ""
    return JobStatus(
        _native_id(record), "ended", str(failed), record.get("jobname", ""), node=node, queue=record.get("qname", ""),
        state=state, reason=reason, evidence=f"Grid Engine says {how}{said}, on {node}",
    )  # fmt: skip


def _meaning(record: Mapping[str, str], failed: int) -> tuple[State, Reason]:
    """What the end means for a task that left no word; ``failed`` 100 is any signal, ``qdel`` too."""
    if failed == LIMIT:
        limit = re.search(r"h_rt=(\d+)", record.get("category", ""))
        ran_s = _number(record.get("ru_wallclock", ""))
        return "failed", "walltime" if limit is None or ran_s >= int(limit[1]) else "oom"
    if failed == NODE:
        return "lost", "node"
    if failed in NEVER_BEGAN or failed in _BEFORE_SCRIPT:
        return "lost", "launch"
    return "lost", "unknown"
