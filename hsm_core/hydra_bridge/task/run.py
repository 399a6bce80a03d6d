"""Runs a task of a Hydra app, in the process that the worker made for it."""

from __future__ import annotations

import importlib
import os
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.errors import ConfigError
from hsm_core.safe_open import MOST_PICKLED, open_own

from ..fast.group_cache import Skeletons
from ..fast.nan import renew_nans
from ..hydra_private.config_copy import is_exact, quick, quick_start
from ..hydra_private.task import resolvers, returned
from ..random_numbers.renew import RandomNumbers
from . import values
from .boot import Moved, read_boot
from .checkpoint import offer_checkpoint, resumed
from .config import numbered, with_paths
from .environ import as_at_start
from .hidden import close_to_others, hide_secrets
from .log import HydraLog
from .main_module import MainFile, MainState, NamedFunction
from .math_threads import math_libraries, spread
from .open_files import OpenFiles
from .snapshot_paths import FrozenApp, require_own_modules

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction

#: A resolver's name in an interpolation, and those that say the same again for the same task.
_RESOLVERS = re.compile(r"\$\{([^{}:$]+):")
_PURE = {"now", "hydra", "oc.env", "oc.select"}

dumps = values.dumps


@dataclass(frozen=True)
class Payload:
    """Everything that the tasks of a launch share, pickled once.

    Args:
        task_function: itself, or where a module holds it.
        config: the sweep's master config.
        context: Hydra's context: config loader and callbacks.
        singletons: Hydra's singletons, its version base among them.
        resolvers: of OmegaConf, each pickled; b"" for one that can't be.
        env_copy: values of ``hydra.job.env_copy`` where the sweep was started.
        main: the main module of the process that started the sweep.
        frozen: the app's snapshot; None where it runs from its own directory.
    """

    task_function: TaskFunction | NamedFunction
    config: DictConfig
    context: HydraContext
    singletons: dict[object, object]
    resolvers: dict[str, bytes]
    env_copy: dict[str, str]
    main: MainState
    frozen: FrozenApp | None

    def function(self) -> TaskFunction:
        """Returns the task function; its module is imported at the first call."""
        found = self.task_function
        return found.load() if isinstance(found, NamedFunction) else found


class TaskOrder(TypedDict):
    """The words of ``hsm_core.worker.protocol.Order`` to the application's side."""

    task: int
    attempt: int
    overrides: list[str]
    job_id: str
    threads: int
    can_be_warned: bool
    #: Overrides of it are secrets.
    hides: bool


@dataclass(frozen=True)
class LoadedApp:
    """An app in the process that runs its tasks, or that forks those that do.

    Args:
        skeletons: what configs of several tasks have in common.
        hydra_log: what each task's logging is built on.
        numbers: the app's random generators.
        left_open: files that its import left open.
        path_map: see ``Boot``.
    """

    payload: Payload
    skeletons: Skeletons
    hydra_log: HydraLog
    numbers: RandomNumbers
    left_open: list[str]
    path_map: list[list[str]]

    def config(self, overrides: Sequence[str], number: int, job_id: str) -> DictConfig:
        """Returns the config of a task."""
        return with_paths(numbered(self.skeletons.compose(overrides), number, job_id), self.path_map)


def prepare(payload: str) -> LoadedApp:
    """Loads a payload and gives this process Hydra's state, once.

    Raises:
        StoreError: the payload is not the user's own.
        VersionMismatch: it was written by versions that do not fit; both are named.
    """
    from hydra.core.plugins import Plugins

    boot = read_boot(Path(payload))
    numbers, files = RandomNumbers(), OpenFiles()
    numbers.about_to_import()
    plugins = Plugins.instance()  # Hydra 1.3 makes their modules' classes anew: before the payload names them
    with as_at_start(boot["environ"]):
        if boot["main"] is not None:
            MainFile(**boot["main"]).run()
        elif boot["module_of_function"]:
            importlib.import_module(boot["module_of_function"])
    with open_own(Path(payload), most=MOST_PICKLED) as stream:
        found: Payload = pickle.load(stream)  # nosec B301  # open_own checked its owner
    moved = Moved(boot["moved"], str(Path(payload).parents[2]), boot["cwd"]) if boot["moved"] else None
    if moved is not None:
        found = replace(found, main=moved.main(found.main))
    found.singletons[Plugins] = plugins  # else set_state would look for them again
    os.environ.update(found.env_copy)
    found.main.restore()
    found.function()
    if moved is not None and boot["code"] != "live":  # there, whatever lies there runs
        sent = {name: os.path.join(boot["root"], file) for name, file in boot["modules"].items()}
        require_own_modules({name: moved.path(file) for name, file in sent.items()})
    os.chdir(found.main.cwd)
    numbers.imported()
    left_open = files.of_app()
    _take_state(found)
    if moved is not None:  # a config loader keeps the state that there is when it is made
        found = _here(found, moved)
    renew_nans(found.config)
    hydra_log = HydraLog(found.config, found.context)
    hydra_log.set_up()
    skeletons = Skeletons(found.context.config_loader, found.config)
    return LoadedApp(found, skeletons, hydra_log, numbers, left_open, boot["path_map"])


def _here(found: Payload, moved: Moved) -> Payload:
    config, context = moved.config(found.config), moved.context(found.context)
    return replace(found, config=config, context=context, frozen=moved.frozen(found.frozen))


def _take_state(found: Payload) -> None:
    """Gives this process Hydra's state; keeps a resolver that the app registered when it was imported.

    Raises:
        ConfigError: one was registered elsewhere, and can't be sent.
    """
    from hydra.core.singleton import Singleton
    from hydra.core.utils import setup_globals

    setup_globals()
    own = resolvers()
    unsent = [name for name, data in found.resolvers.items() if not data and name not in own]
    if unsent:
        raise ConfigError(
            f"the resolver {unsent[0]} can't be sent to a worker",
            fix='register it where the app is imported: not under if __name__ == "__main__", not in a function',
        )
    pickled = (item for item in found.resolvers.items() if item[0] not in own)
    sent = {name: pickle.loads(data) for name, data in pickled}  # nosec B301  # of the payload, read as its user's own
    Singleton.set_state({"instances": found.singletons, "omegaconf_resolvers": {**sent, **own}})


def warm_up(prepared: LoadedApp) -> None:
    """Loads what any task needs, so that none pays for it."""
    prepared.skeletons.warm_up()
    is_exact()
    math_libraries()
    prepared.numbers.find()


def against_forks(prepared: LoadedApp) -> list[str]:
    """Returns why a process forked from here would not be as good as a fresh one; empty if it would."""
    unknown = prepared.numbers.unknown()
    unsure = [f"hsm can't tell whether the app seeded {name}" for name in unknown]
    return [*unsure, *(f"the app left {name} open, and tasks would share it" for name in prepared.left_open)]


def expect(prepared: LoadedApp, overrides: Sequence[str]) -> None:
    """Prepares, before a process is forked for a task, the part of its config that it shares with others."""
    prepared.hydra_log.set_up()
    prepared.skeletons.expect(overrides)


def notes(prepared: LoadedApp) -> list[str]:
    """Returns what to record about the code that was imported."""
    frozen = prepared.payload.frozen
    return [] if frozen is None else frozen.notes()


def run(prepared: LoadedApp, order: TaskOrder, enter: Callable[[str, Iterable[str]], str]) -> object:
    """Runs one attempt of a task.

    Args:
        order: number, overrides, threads and so on, see ``hsm_core.worker.protocol.Order``.
        enter: called before the function with the task's directory and what Hydra leaves there; returns where
            an earlier attempt left its checkpoint.

    Returns:
        what the task's function returned; what it raised, is raised.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import run_job

    spread(order["threads"])
    prepared.numbers.renew()
    config = prepared.config(order["overrides"], order["task"], order["job_id"])
    # what run_job does properly, in 10 ms: here it serves to resolve some paths
    vars(HydraConfig.instance())["cfg"] = config
    with quick():
        written = _directory(config)
        directory = Path(os.path.abspath(written))
        _set_output_dir(config, str(directory))
    checkpoint = Path(enter(str(directory), _leftovers(config, directory)))
    function = resumed(prepared.payload.function(), checkpoint, order["attempt"])
    if order["can_be_warned"]:
        offer_checkpoint(function, config)
    prepared.hydra_log.hand_over()
    hide_secrets(config)
    if order["hides"]:
        close_to_others(config, directory)
    _set_output_dir(config, written)  # as callbacks are told it; Hydra makes it absolute
    with quick_start(prepared.payload.context) as context:
        ended = run_job(
            hydra_context=context, task_function=function, config=config,
            job_dir_key="hydra.runtime.output_dir", job_subdir_key=None,  # resolved already, and only once
        )  # fmt: skip
    return returned(ended)


def _directory(config: DictConfig) -> str:
    return os.path.join(*(str(OmegaConf.select(config, f"hydra.sweep.{key}")) for key in ("dir", "subdir")))


def _set_output_dir(config: DictConfig, directory: str) -> None:
    with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
        config.hydra.runtime.output_dir = directory


def _leftovers(config: DictConfig, directory: Path) -> Iterator[str]:
    """Yields the files that Hydra writes into a task's directory; misses names that differ each time."""
    subdir = config.hydra.output_subdir
    if subdir is not None:
        yield str(directory / subdir)
    handlers = OmegaConf.select(config, "hydra.job_logging.handlers") or OmegaConf.create({})
    named = OmegaConf.to_container(handlers, resolve=False)
    assert isinstance(named, dict)
    for name, handler in named.items():
        if "filename" in (handler or {}) and not set(_RESOLVERS.findall(str(handler["filename"]))) - _PURE:
            log = directory / str(handlers[name].filename)
            if log.parent == directory:
                yield str(log)
