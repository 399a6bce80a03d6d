"""A script with all that a Hydra app may do in its main module; a task reports what it sees."""

from __future__ import annotations

import functools
import json
import logging
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import hydra
import neighbour
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.utils import get_original_cwd, instantiate
from omegaconf import DictConfig, OmegaConf

FACTOR = 3
log = logging.getLogger(__name__)


class Net:
    """What ``_target_`` names."""

    def __init__(self, width: int) -> None:
        self.width = width


@dataclass
class Model:
    _target_: str = "__main__.Net"
    width: int = 4


@dataclass
class Config:
    lr: float = 0.5
    text: str = "ünï ☂"
    thrice: int = "${times:${model.width}}"  # type: ignore[assignment]
    number: int = "${hydra:job.num}"  # type: ignore[assignment]
    model: Model = field(default_factory=Model)


class Noting(Callback):
    """Writes down where its methods were called."""

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        Path(config.hydra.runtime.output_dir, "job_start").write_text(kwargs["task_function"].__name__)

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        Path(config.hydra.runtime.output_dir, "job_end").write_text(
            f"{job_return.status} {job_return.cfg.lr}"
        )


class Raising(Callback):
    """Fails."""

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        raise RuntimeError("a callback that raises")


OmegaConf.register_new_resolver("times", lambda value: value * FACTOR)
ConfigStore.instance().store(name="config", node=Config)


def with_note(function: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    @functools.wraps(function)
    def noted(cfg: DictConfig) -> Any:
        log.info("decorated: lr=%s", cfg.lr)
        log.debug("verbose")
        return function(cfg)

    return noted


def make_task(kind: str) -> Callable[[DictConfig], Any]:
    def closure(cfg: DictConfig) -> Any:
        return report(cfg, kind)

    return with_note(closure) if kind == "decorated" else closure


def report(cfg: DictConfig, kind: str) -> float:
    """Write down what a task sees."""
    hydra_cfg = HydraConfig.get()
    net = instantiate(cfg.model)
    seen = {
        "kind": kind,
        "cfg": OmegaConf.to_container(cfg, resolve=True),
        "job": OmegaConf.to_container(hydra_cfg.job, resolve=True),
        "mode": str(hydra_cfg.mode),
        "output_dir": hydra_cfg.runtime.output_dir,
        "cwd": os.getcwd(),
        "original_cwd": get_original_cwd(),
        "argv": sys.argv[0],
        "main": os.path.abspath(str(sys.modules["__main__"].__file__)),
        "net": type(pickle.loads(pickle.dumps(net))) is Net,
        "fields": [one.name for one in fields(Config)],
        "neighbour": [os.path.abspath(str(neighbour.__file__)), neighbour.scaled(cfg.lr)],
        "env": {name: os.environ.get(name) for name in ("SET_BY_HYDRA", "COPIED")},
    }
    Path(hydra_cfg.runtime.output_dir, "seen.json").write_text(json.dumps(seen, indent=1))
    Path("in_cwd.txt").write_text(cfg.text)
    return float(cfg.lr)


BASE = {"version_base": json.loads(os.environ["VERSION_BASE"])} if "VERSION_BASE" in os.environ else {}

if __name__ == "__main__":
    main = make_task(os.environ.get("KIND", "decorated"))
    hydra.main(config_path=None, config_name="config", **BASE)(main)()
