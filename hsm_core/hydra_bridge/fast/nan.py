"""Makes the NaNs of a pickled config equal to those that this process reads from YAML."""

from __future__ import annotations

import math
from typing import Any

from omegaconf import DictConfig, OmegaConf, read_write


def renew_nans(master: DictConfig) -> DictConfig:
    """A master config, as ``load_sweep_config`` of Hydra 1.4 takes it.

    That compares the launcher's and the sweeper's node of each task with the master's. A NaN equals only itself,
    which for all that is read from YAML is one constant of the process.
    """
    for node in (master.hydra.launcher, master.hydra.sweeper):
        _renew(node)
    return master


def _renew(node: Any) -> None:
    if node is None or not OmegaConf.is_config(node):
        return
    for key in node if OmegaConf.is_dict(node) else range(len(node)):
        if OmegaConf.is_interpolation(node, key) or OmegaConf.is_missing(node, key):
            continue
        if isinstance(node[key], float) and math.isnan(node[key]):
            with read_write(node):
                node[key] = OmegaConf.create("[.nan]")[0]
        else:
            _renew(node[key])
