"""A script whose task starts processes that import the script again."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import hydra


@dataclass
class Number:
    x: int


def square(number: Number) -> Number:
    return Number(number.x**2)


@hydra.main(version_base="1.3", config_path=None)
def main(cfg: Any) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        spawned = pool.submit(square, Number(cfg.x)).result()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        forked = pool.submit(square, Number(cfg.x)).result()
    return {"spawned": asdict(spawned), "forked": asdict(forked)}


if __name__ == "__main__":
    main()
