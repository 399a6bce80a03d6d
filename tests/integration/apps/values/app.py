"""Writes the value that a task got."""

import json
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf


@hydra.main(version_base="1.3", config_path=".", config_name="config")
def main(cfg: Any) -> None:
    value = OmegaConf.to_container(cfg)["value"]
    Path(HydraConfig.get().runtime.output_dir, "value").write_text(json.dumps(value))


if __name__ == "__main__":
    main()
