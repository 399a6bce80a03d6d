"""Counts the cores and GPUs that this process may use."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from pathlib import Path

from hsm_core.errors import ConfigError


def usable_cores() -> int:
    """Returns the number of cores that affinity and the control group's quota leave, at least 1.

    Source: sched_getaffinity(2), cgroup v2 ``cpu.max``, v1 ``cpu.cfs_quota_us``.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        cores = os.cpu_count() or 1
    quota = _quota()
    return max(1, min(cores, math.ceil(quota)) if quota else cores)


def _quota() -> float | None:
    found = [share for path in _quota_files() if (share := _share(path)) is not None]
    return min(found, default=None)


def _quota_files() -> list[Path]:
    """Yields the quota files of our control group and of those above it: the tightest one holds."""
    files = []
    for line in _words(Path("/proc/self/cgroup")).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = Path("/sys/fs/cgroup") if not controllers else Path("/sys/fs/cgroup/cpu")
        here = root / group.lstrip("/")
        for folder in (here, *here.parents):
            if folder.is_relative_to(root):
                files.append(folder / ("cpu.cfs_quota_us" if controllers else "cpu.max"))
    return files


def _share(path: Path) -> float | None:
    words = _words(path).split()
    if path.name == "cpu.cfs_quota_us":
        words += _words(path.with_name("cpu.cfs_period_us")).split()
    if len(words) != 2 or words[0] in ("max", "-1"):
        return None
    return int(words[0]) / int(words[1])


def _words(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def visible_gpus() -> tuple[str, ...]:
    """Returns the GPUs that a process of this user would see: CUDA_VISIBLE_DEVICES, else all of nvidia-smi."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip())
    if not shutil.which("nvidia-smi"):
        return ()
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return tuple(done.stdout.split()) if done.returncode == 0 else ()


def why_no_gpus() -> str:
    """Returns why ``visible_gpus`` found none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return f"CUDA_VISIBLE_DEVICES is '{chosen}'"
    return "nvidia-smi lists none" if shutil.which("nvidia-smi") else "nvidia-smi not found on PATH"


def chosen_gpus(wanted: object) -> tuple[str, ...] | None:
    """Returns the GPUs that ``hydra.launcher.gpus`` means; None leaves CUDA_VISIBLE_DEVICES as it is.

    Args:
        wanted: ``none``, ``auto`` or a list of GPU numbers.

    Raises:
        ConfigError: it is none of these.
    """
    if wanted is None or wanted == "none":
        return None
    if wanted == "auto":
        return visible_gpus() or None
    if isinstance(wanted, (list, tuple)) and wanted and len(set(wanted)) == len(wanted):
        return tuple(str(number) for number in wanted)
    raise ConfigError(
        f"hydra.launcher.gpus={wanted!r} is not valid", fix="hydra.launcher.gpus=auto    # or none, or [0,1]"
    )
