"""An app that Optuna optimises."""

from dataclasses import dataclass

import heavy
import hydra
from hydra.core.config_store import ConfigStore


@dataclass
class Config:
    x: float = 0.0
    fails_above: float = 100.0


ConfigStore.instance().store(name="config", node=Config)


@hydra.main(version_base="1.3", config_path=None, config_name="config")
def main(cfg: Config) -> float:
    if cfg.x > cfg.fails_above:
        raise ValueError(f"x={cfg.x} is too much")
    return heavy.parabola(cfg.x)


if __name__ == "__main__":
    main()
