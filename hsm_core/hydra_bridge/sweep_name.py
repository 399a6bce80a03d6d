"""Names a sweep: as its user says, else as the job, or as the script where a library's file named the job."""

from __future__ import annotations

import os
from pathlib import Path

from omegaconf import DictConfig

from hsm_core.detect.origin import main_file


def sweep_name(config: DictConfig, typed: str = "") -> str:
    """Returns the name of a sweep.

    Hydra names a job after the file that holds the task function. Where a library makes that function, the file is a
    private one of the library's: hydra-zen's ``zen(f).hydra_main`` calls every job ``_implementations``.

    Args:
        config: the master config.
        typed: the name that the user gave; empty: none.
    """
    job = str(config.hydra.job.name)
    script = main_file()
    is_librarys = job.startswith("_") and "site-packages" not in script.split(os.sep)
    return typed or (Path(script).stem if script and is_librarys else job)
