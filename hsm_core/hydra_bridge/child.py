"""Runs a task of a Hydra app, in the process that the worker made for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.errors import StoreError, VersionMismatch

from .compose import task_config


@dataclass(frozen=True)
class Payload:
    """All that the tasks of a launch share, pickled once.

    Args:
        config: the sweep's master config.
        context: Hydra's context: config loader and callbacks.
        singletons: state of Hydra's singletons, its version base among them.
        env_copy: values of ``hydra.job.env_copy`` where the sweep was started.
    """

    task_function: Callable[[Any], Any]
    config: DictConfig
    context: Any
    singletons: Any
    env_copy: dict[str, str]


def versions() -> dict[str, str]:
    """The versions that must fit for a pickle to be read."""
    from importlib.metadata import version

    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}", "hydra": version("hydra-core"),
        "omegaconf": version("omegaconf"), "cloudpickle": version("cloudpickle").partition(".")[0],
    }  # fmt: skip


def prepare(payload: str) -> Payload:
    """Load a payload and give this process Hydra's state, once.

    Raises:
        StoreError: the payload is not the user's own.
        VersionMismatch: it was written by versions that do not fit; both are named.
    """
    _check(Path(payload))
    with open(payload, "rb") as stream:
        found: Payload = cloudpickle.load(stream)
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.singleton import Singleton
    from hydra.core.utils import setup_globals

    setup_globals()
    Singleton.set_state(found.singletons)
    os.environ.update(found.env_copy)
    OverridesParser.create().parse_override("a=1")  # loads the grammar here, not in every task
    return found


def run(prepared: Payload, order: Mapping[str, Any], enter: Callable[[str, Iterable[str]], None]) -> object:
    """Run one attempt of a task.

    Args:
        order: number, overrides, threads and so on, see ``hsm_core.worker.orders.Order``.
        enter: called with the task's directory and what an earlier attempt left there, before the task's function.

    Returns:
        what the task's function returned; what it raised, is raised.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import JobStatus, run_job

    _spread(order["threads"])
    _reseed_numpy()
    loader = prepared.context.config_loader
    config = task_config(loader, prepared.config, order["overrides"], order["task"], order["job_id"])
    HydraConfig.instance().set_config(config)
    directory = os.path.abspath(
        os.path.join(
            str(OmegaConf.select(config, "hydra.sweep.dir")),
            str(OmegaConf.select(config, "hydra.sweep.subdir")),
        )
    )
    with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
        config.hydra.runtime.output_dir = directory
    enter(directory, _leftovers(config, Path(directory)))
    ended = run_job(
        hydra_context=prepared.context, task_function=prepared.task_function, config=config,
        job_dir_key="hydra.sweep.dir", job_subdir_key="hydra.sweep.subdir",
    )  # fmt: skip
    if ended.status == JobStatus.FAILED:
        raise ended._return_value
    return ended._return_value


def dumps(value: object) -> bytes:
    """Pickle a value, and fail here rather than at the reader's if it can't be loaded again."""
    data: bytes = cloudpickle.dumps(value)
    cloudpickle.loads(data)
    return data


def _check(payload: Path) -> None:
    owner = payload.stat().st_uid
    if owner != os.geteuid():
        raise StoreError(f"{payload} belongs to user {owner}, not to you; it is not loaded")
    theirs, ours = json.loads(payload.with_name("boot.json").read_bytes())["versions"], versions()
    wrong = [
        f"{name} {theirs.get(name)} there, {ours[name]} here"
        for name in ours
        if theirs.get(name) != ours[name]
    ]
    if wrong:
        raise VersionMismatch(
            f"the sweep was started with other versions: {'; '.join(wrong)}", evidence=sys.executable,
            fix="hydra.launcher.python=<the interpreter that starts the sweep>",
        )  # fmt: skip


def _leftovers(config: DictConfig, directory: Path) -> Iterator[str]:
    """What Hydra writes into a task's directory."""
    subdir = config.hydra.output_subdir
    if subdir is not None:
        yield str(directory / subdir)
    handlers = OmegaConf.select(config, "hydra.job_logging.handlers") or {}
    for handler in handlers.values():
        if handler is not None and "filename" in handler:
            log = directory / str(handler["filename"])
            if log.parent == directory:
                yield str(log)


def _spread(threads: int) -> None:
    """Give the math libraries, told to use one thread while the app was imported, what the user set or the slot's share."""
    import threadpoolctl

    def allowed(*names: str) -> int:
        values = [os.environ[name] for name in names if os.environ.get(name, "").isdigit()]
        return int(values[0]) if values else threads

    threadpoolctl.threadpool_limits(allowed("OMP_NUM_THREADS"), user_api="openmp")
    threadpoolctl.threadpool_limits(
        allowed("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
        user_api="blas",
    )


def _reseed_numpy() -> None:
    """A forked process starts with its parent's random numbers: draw new ones, unless the app seeded them itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return
    generator = numpy_random.mtrand._rand._bit_generator
    if getattr(generator, "_seed_seq", None) is not None:  # numpy sets it to None when it is seeded
        numpy_random.seed()
