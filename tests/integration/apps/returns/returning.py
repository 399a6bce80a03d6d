"""A hydra-zen app whose tasks return, or raise, all kinds of things; prints what came back."""

import copy
import json
import os
import pickle
import sys
import traceback
from dataclasses import dataclass, fields
from typing import Any

import cloudpickle
import numpy
from hydra_zen import launch, make_config
from oddities import TwoArguments, Unloadable
from omegaconf import OmegaConf


@dataclass(frozen=True)
class Point:
    x: int
    y: tuple[float, ...] = (0.5, 1.5)


def task(cfg: Any) -> Any:
    values = {
        "none": None, "number": 0.1 + 0.2, "nested": {"a": [1, {"b": None}], "é": "☂"},
        "tuple": (1, (2, "three")), "keys": {1: "one", (2, 3): "pair"},
        "array": numpy.arange(6.0).reshape(2, 3), "scalar": numpy.float32(0.1),
        "point": Point(3), "not a number": float("nan"), "bytes": b"\x00\xff", "set": {1, 2}, "class": Point,
    }  # fmt: skip
    errors = {"two": TwoArguments(7, "sieben"), "odd": Unloadable(7, "acht"), "exit": SystemExit(3)}
    if cfg.kind == "chained":
        try:
            raise KeyError("the cause")
        except KeyError as cause:
            raise ValueError("the effect") from cause
    if cfg.kind == "killed":
        os._exit(9)
    if cfg.kind in errors:
        raise errors[cfg.kind]
    return values[cfg.kind]


def described(job: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": job.status.name, "overrides": list(job.overrides), "task_name": job.task_name,
        "working_dir": job.working_dir, "cfg": OmegaConf.to_yaml(job.cfg), "hydra_cfg": list(job.hydra_cfg),
        "num": job.hydra_cfg.hydra.job.num, "output_dir": job.hydra_cfg.hydra.runtime.output_dir,
    }  # fmt: skip
    try:
        value = job.return_value
    except Exception as error:  # noqa: BLE001
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        found["raised"] = [type(error).__module__, type(error).__qualname__, str(error)]
        found["known"] = isinstance(error, (TwoArguments, ValueError))
        found["trace"] = text
    else:
        found["value"] = [type(value).__name__, repr(value)]
        found["fields"] = [one.name for one in fields(value)] if isinstance(value, Point) else []
    return found


def main() -> None:
    kinds = sys.argv[2]
    jobs = launch(
        make_config(kind="none"), task, multirun=True, version_base="1.3",
        overrides=[
            *sys.argv[3:], f"hydra/launcher={sys.argv[1]}", "hydra/sweeper=collecting", f"kind={kinds}",
        ],
    )  # fmt: skip
    first = [described(job) for job in jobs]
    copies = [described(copy.deepcopy(pickle.loads(cloudpickle.dumps(job)))) for job in jobs]
    print(json.dumps({"jobs": first, "copies": copies, "is_point": Point.__module__}))


if __name__ == "__main__":
    main()
