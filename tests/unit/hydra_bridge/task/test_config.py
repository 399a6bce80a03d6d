"""A task's config names the folders of the machine that it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hsm_core.hydra_bridge.task.config import set_sweep_directory, with_paths
from hsm_core.hydra_bridge.task.hidden import hide_secrets

PAIRS = [["/data/big", "/big"], ["/data", "/scratch/d"]]


@dataclass
class Typed:
    path: Path = Path("/data/p")
    text: str = "/data"


def test_paths_in_these_folders_are_changed_and_nothing_else() -> None:
    config = OmegaConf.create(
        {
            "dir": "/data", "file": "${dir}/x", "made": "/data/${name}", "name": "n", "big": "/data/big/1",
            "other": ["/database", "data", {"a.b": "/data/y"}, 3, None], "typed": Typed(), "must": "???",
            "hydra": {"job": "/data"},
        }
    )  # fmt: skip
    OmegaConf.set_struct(config, True)
    OmegaConf.set_readonly(config, True)
    found = with_paths(config, PAIRS)
    assert isinstance(found, DictConfig)
    assert (found.dir, found.file, found.made, found.big) == ("/scratch/d", "/scratch/d/x", "/scratch/d/n", "/big/1")
    assert found.other == ["/database", "data", {"a.b": "/scratch/d/y"}, 3, None]
    assert (found.typed.path, found.typed.text) == (Path("/scratch/d/p"), "/scratch/d")
    assert found.hydra.job == "/data"
    assert OmegaConf.is_missing(found, "must")


def test_what_only_a_task_knows_stays_in_the_overrides() -> None:
    subdir = "hydra.sweep.subdir=run_${hydra.job.num}"
    secret = "hydra.launcher.env.KEY=secret"
    config = OmegaConf.create(
        {
            "hydra": {
                "overrides": {"hydra": ["hydra.sweep.dir=old", subdir, secret], "task": []},
                "sweep": {"dir": "old"}, "job": {"num": "???"}, "launcher": {"env": {"KEY": "secret"}},
            }
        }
    )  # fmt: skip
    set_sweep_directory(config, "/new")
    hide_secrets(config)
    config.hydra.job.num = 3
    found = OmegaConf.to_container(config.hydra.overrides.hydra, resolve=False)
    assert found == [subdir, "hydra.launcher.env.KEY=<hidden>", "hydra.sweep.dir='/new'"]
    assert config.hydra.overrides.hydra[0] == "hydra.sweep.subdir=run_3"
