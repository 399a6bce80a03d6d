"""An app whose tasks draw numbers, compute with threads, or hang with company."""

import ctypes
import os
import random
import subprocess
import time

import hydra
import numpy as np
import seeded
from omegaconf import DictConfig


def numbers() -> list[float]:
    return [random.random(), float(np.random.random())]


def threads() -> list[object]:
    assert seeded.library is not None
    return [seeded.library.team(0), os.environ["OMP_NUM_THREADS"], os.environ.get("MKL_NUM_THREADS")]


def hang() -> None:
    if os.path.exists("released"):
        return
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    forked = os.fork()
    if forked == 0:
        time.sleep(1000)
    with open(f"hanging-{os.getpid()}.tmp", "w") as stream:
        stream.write(f"{os.getpid()} {child.pid} {forked}")
    os.rename(stream.name, f"hanging-{os.getpid()}")
    time.sleep(1000)


@hydra.main(config_path=None, version_base="1.3")
def main(cfg: DictConfig) -> object:
    return {"numbers": numbers, "threads": threads, "hang": hang, "crash": lambda: ctypes.string_at(0)}[
        cfg.do
    ]()


if __name__ == "__main__":
    main()
