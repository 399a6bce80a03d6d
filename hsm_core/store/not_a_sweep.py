"""Says what a directory is that was taken for a sweep and is none."""

from __future__ import annotations

from pathlib import Path

from hsm_core.errors import SweepNotFound
from hsm_core.overrides import quoted

from .layout import SweepPaths

_LIST = "hsm-status    # lists your sweeps"


def no_sweep(path: Path) -> SweepNotFound:
    """The error for a path that exists: there are sweeps in it, or it is Hydra's own, or something else.

    Args:
        path: neither a sweep nor a place in one.
    """
    below = _sweeps_below(path)
    if below:
        lines = "".join(f"\n    {root}" for root in below[:10])
        return SweepNotFound(
            f"{path} is not a sweep, but contains {len(below)}:{lines}", fix=f"hsm-status {quoted(str(below[0]))}",
            instead=(str(path), str(below[0])),
        )  # fmt: skip
    what = _of_hydra(path)
    if what:
        return SweepNotFound(
            f"{path} is {what}, run without an hsm launcher, so hsm knows nothing of its tasks",
            evidence=f"there is no {SweepPaths(path).record}",
            fix="add hydra/launcher=hsm_local to its command line and run it again",
        )
    return SweepNotFound(
        f"{path} is not a sweep", evidence=f"there is no {SweepPaths(path).record}", fix=_LIST
    )


def _sweeps_below(path: Path) -> list[Path]:
    """Such as those in ``multirun/`` or ``multirun/2026-11-28``, the newest first."""
    places = [place for depth in ("*", "*/*") for place in path.glob(depth)]
    return sorted((place for place in places if SweepPaths(place).record.is_file()), reverse=True)


def _of_hydra(path: Path) -> str:
    """What of Hydra's own a directory is; empty: nothing."""
    if (path / "multirun.yaml").is_file():
        return "a plain Hydra multirun"
    if (path / ".hydra").is_dir():
        is_job = (path.parent / "multirun.yaml").is_file()
        return "a job of a plain Hydra multirun" if is_job else "a plain Hydra run"
    is_above = any(next(path.glob(f"{depth}/multirun.yaml"), None) for depth in ("*", "*/*"))
    return "a directory of plain Hydra multiruns" if is_above else ""
