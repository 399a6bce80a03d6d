"""Reads the GPUs of a host, and whether somebody uses them."""

from __future__ import annotations

from dataclasses import dataclass

from hsm_core.hosts.interface import Host
from hsm_core.schedulers.batch_system import asked


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Args:
        index: by which ``CUDA_VISIBLE_DEVICES`` means it.
        memory: in use and in all, in MiB, as ``nvidia-smi`` says it.
        is_busy: a process computes on it.
    """

    index: str
    name: str
    memory: str
    is_busy: bool


def gpus_of(host: Host) -> tuple[Gpu, ...]:
    """Returns the GPUs that ``nvidia-smi`` lists on a host; none where there is no such command.

    Raises:
        ValueError: it fails, or answers in words that nobody knows.
        HostTrouble: the host can't be asked.
    """
    if host.which("nvidia-smi") is None:
        return ()
    listed = _rows(host, "--query-gpu=index,name,uuid,memory.used,memory.total", 5)
    used = {row[0] for row in _rows(host, "--query-compute-apps=gpu_uuid", 1)} if listed else set()
    return tuple(
        Gpu(index, name, f"{now} of {in_all} MiB", uuid in used) for index, name, uuid, now, in_all in listed
    )


def _rows(host: Host, query: str, columns: int) -> list[list[str]]:
    done = asked(host, ["nvidia-smi", query, "--format=csv,noheader,nounits"])
    if done.code != 0:
        if "No devices were found" in done.out:
            return []
        raise ValueError(done.evidence)
    rows = [[word.strip() for word in line.split(",")] for line in done.out.splitlines() if line.strip()]
    if any(len(row) != columns for row in rows):
        raise ValueError(f"nvidia-smi {query}: {done.out[:200]!r}")
    return rows
