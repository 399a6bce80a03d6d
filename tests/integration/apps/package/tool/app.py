"""A task function in a module, with a lock beside it that can't be pickled."""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig

from .part import CALLS, noted

LOCK = threading.Lock() if __name__ == "tool.app" else None


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: Any) -> float:
    from . import part

    seen = {
        "calls": [noted(cfg.lr), list(CALLS), part.CALLS is CALLS],
        "locked": LOCK is not None and LOCK.acquire(blocking=False),
        "argv": sys.argv[0], "cwd": os.getcwd(), "size": cfg.db.size, "name": HydraConfig.get().job.name,
    }  # fmt: skip
    Path(HydraConfig.get().runtime.output_dir, "seen.json").write_text(json.dumps(seen))
    return float(cfg.lr)


if __name__ == "__main__":
    main()
