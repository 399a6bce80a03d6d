"""Writes files and logs from a config with everything that YAML can hold."""

import logging
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

log = logging.getLogger(__name__)


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: Any) -> None:
    log.info("ünï %s %s", cfg.note, cfg.long)
    where = Path(HydraConfig.get().runtime.output_dir)
    (where / "result ☂.txt").write_text(OmegaConf.to_yaml(cfg, resolve=True))


if __name__ == "__main__":
    main()
