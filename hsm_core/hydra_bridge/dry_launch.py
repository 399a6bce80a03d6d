"""A dry run under a sweeper that knows nothing of it: what it would launch, with no file left behind."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.model import counted

from .dry_run import dry_run_lines


def leave_no_trace(config: DictConfig) -> None:
    """Let what the sweeper writes before it launches, ``multirun.yaml``, go where it is removed again."""
    directory = tempfile.mkdtemp(prefix="hsm-dry-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = directory


def dry_launch_lines(
    config: DictConfig, job_overrides: Sequence[Sequence[str]], first: int, preview: Sequence[str]
) -> list[str]:
    """The text of a dry run of one call of ``launch``."""
    typed = OmegaConf.to_container(config.hydra.overrides.task)
    assert isinstance(typed, list)
    arguments = [str(text) for text in typed]
    title = f"{config.hydra.job.name}: {_product(job_overrides)}{counted(len(job_overrides), 'task')}"
    if first:
        title += f", from #{first} on"
    return list(dry_run_lines(title, job_overrides, (), arguments, preview))


def _product(job_overrides: Sequence[Sequence[str]]) -> str:
    """``2 model × 3 lr = ``, if that is what the tasks are; else nothing."""
    counts: dict[str, set[str]] = {}
    for row in job_overrides:
        for text in row:
            counts.setdefault(text.partition("=")[0], set()).add(text)
    varying = {key: len(values) for key, values in counts.items() if len(values) > 1}
    product = 1
    for count in varying.values():
        product *= count
    if not varying or product != len(job_overrides):
        return ""
    return " × ".join(f"{count} {key}" for key, count in varying.items()) + " = "
