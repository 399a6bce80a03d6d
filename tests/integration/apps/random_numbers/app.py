"""Draws from generators that an imported module made."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import generators
import hydra
from hydra.core.hydra_config import HydraConfig

if "python" in generators.LIBRARIES:
    HERE = {"seeded": random.Random(8), "unseeded": random.Random()}
    generators.SEEDED["of the script"] = generators.drawn(HERE["seeded"].random)
    generators.UNSEEDED["of the script, unseeded"] = generators.drawn(HERE["unseeded"].random)


@hydra.main(version_base=None)
def main(cfg: Any) -> None:
    found = {
        kind: {name: draw() for name, draw in made.items()}
        for kind, made in {"seeded": generators.SEEDED, "unseeded": generators.UNSEEDED}.items()
    }
    Path(HydraConfig.get().runtime.output_dir, "numbers.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
