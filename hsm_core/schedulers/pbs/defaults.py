"""Applies a site's default resources (``HSM_HPC_RESOURCES``) where the launcher's fields say nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .settings import PbsResources

_WALLTIME = re.compile(r"(?:(?<=^)|(?<=[,\s]))walltime=[^,\s]*[,\s]?")
#: ``select=1:ncpus=4:mem=16gb``, ``nodes=1:ppn=4:gpus=1,mem=16gb``
_CHUNK = re.compile(r"(?:select|nodes)=(?P<parts>[^,\s+]+)(?:,mem=(?P<mem>\w+))?(?=[,\s]|$)")
_FIELD = {
    "ncpus": "cpus_per_task", "ppn": "cpus_per_task", "mem": "mem_gb",
    "ngpus": "gpus_per_node", "gpus": "gpus_per_node",
}  # fmt: skip
_GIB = {"kb": 2.0**-20, "mb": 2.0**-10, "gb": 1.0, "tb": 1024.0}


def below_the_fields(asked: PbsResources, defaults: str) -> PbsResources:
    """Drops defaults that a field sets too; of a chunk, what no field sets stays.

    Args:
        asked: the resources, with the defaults as ``raw``.
    """
    left = defaults.strip()
    if left.startswith("-"):
        return asked
    if asked.walltime_min:
        left = _WALLTIME.sub("", left).strip(" ,")
    chunk = _CHUNK.search(left)
    if chunk and asked.select:
        left = _without(left, chunk)
    elif chunk and any(getattr(asked, name) is not None for name in _FIELD.values()):
        asked = _filled(asked, _fields(chunk))
        left = _without(left, chunk)
    return replace(asked, raw=left or None)


def _without(text: str, chunk: re.Match[str]) -> str:
    return f"{text[: chunk.start()].rstrip(' ,')} {text[chunk.end() :].lstrip(' ,')}".strip()


def _filled(asked: PbsResources, found: Mapping[str, float]) -> PbsResources:
    """Fills fields that are not set from a chunk."""
    if asked.cpus_per_task is None and "cpus_per_task" in found:
        asked = replace(asked, cpus_per_task=int(found["cpus_per_task"]))
    if asked.mem_gb is None and "mem_gb" in found:
        asked = replace(asked, mem_gb=found["mem_gb"])
    if asked.gpus_per_node is None and "gpus_per_node" in found:
        asked = replace(asked, gpus_per_node=int(found["gpus_per_node"]))
    return asked


def _fields(chunk: re.Match[str]) -> dict[str, float]:
    """Returns a chunk's resources as fields; those without a field are left out."""
    found: dict[str, float] = {}
    for part in [*chunk["parts"].split(":"), f"mem={chunk['mem'] or ''}"]:
        name, _, value = part.partition("=")
        size = re.fullmatch(r"(\d+)([kmgt]b)?", value, re.IGNORECASE)
        if name in _FIELD and size:
            number = int(size[1])
            found[_FIELD[name]] = number * _GIB[size[2].lower()] if size[2] else number
    return found
