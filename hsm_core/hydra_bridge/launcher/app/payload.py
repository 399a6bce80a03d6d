"""Writes down what the tasks of a launch share, so that a worker anywhere on this disk can run them."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from hydra.types import HydraContext
from omegaconf import DictConfig

from hsm_core.detect.launch_group import of_groups
from hsm_core.detect.origin import interpreter_flags
from hsm_core.errors import ConfigError, StoreError
from hsm_core.overrides import quoted
from hsm_core.sources.worker_command import ENTRY
from hsm_core.store.files import read_json, read_own_json, to_json, write_atomically
from hsm_core.store.layout import FORMAT, LaunchPaths, SweepPaths
from hsm_core.store.ownership.known_payloads import note_payload, require_known
from hsm_core.store.record import read_record
from hsm_core.text import own_logger

from ...fast.nan import renew_nans
from ...task.environ import digest
from ...task.main_module import NamedFunction
from ...task.pickling import UNPICKLABLE, can_be_pickled, dumps
from ...task.run import Payload
from ...task.snapshot_paths import FrozenApp
from ...task.values import versions
from .code import AppCode, app_modules, import_folders
from .main_origin import MainOrigin

log = own_logger(__name__)

_AT_START = Path("/proc/self/environ")
#: Variables of which a worker has its own.
_WORKERS = re.compile(r"HSM_.*|.*_(NUM|MAXIMUM)_THREADS")


def write_payload(
    launch: LaunchPaths, origin: MainOrigin, config: DictConfig, context: HydraContext, code: AppCode
) -> None:
    """Write down the app's function and Hydra's state, and what must be set before they can be loaded.

    Args:
        origin: where the app comes from.

    Raises:
        ConfigError: the task function, or something that it refers to, can't be pickled.
        OSError: the disk refuses.
    """
    payload = _payload(origin, config, context, code.frozen)
    if code.frozen is not None:
        payload = replace(payload, context=code.frozen.context(context))
    travels = bool(code.frozen or code.elsewhere)
    write_atomically(launch.config, dumps(config, origin.in_main), private=True)
    write_atomically(launch.payload, _pickled(payload, origin, travels=travels), private=True)
    write_atomically(launch.boot, to_json(_boot(origin, code)), private=True)
    note_payload(launch)


def check_payload(origin: MainOrigin, config: DictConfig, context: HydraContext, python: str) -> None:
    """Find out whether a worker can load an app, before anything is written.

    What is found by its name was imported here, too. What is only sent by value is loaded on trial.

    Args:
        python: the worker's interpreter.

    Raises:
        ConfigError: it can't; the message names the culprit.
    """
    payload = _payload(origin, config, context, None)
    data = _pickled(payload, origin)
    if isinstance(payload.task_function, NamedFunction) and all(payload.resolvers.values()):
        return
    with tempfile.TemporaryDirectory(prefix="hsm-trial-") as folder:
        launch = LaunchPaths(Path(folder))
        write_atomically(launch.payload, data)
        write_atomically(launch.boot, to_json(_boot(origin, AppCode())))
        _load_on_trial(launch, python, origin)


def _load_on_trial(launch: LaunchPaths, python: str, origin: MainOrigin) -> None:
    interpreter = python if shutil.which(python) else sys.executable  # it may be there on the nodes only
    command = [interpreter, *interpreter_flags(), str(ENTRY), "load", str(launch.boot)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(
            f"a worker can't load {origin.function_name}", evidence=done.stderr.strip()[-2000:],
            fix="define it by name in a file, outside functions",
        )  # fmt: skip


def _payload(origin: MainOrigin, config: DictConfig, context: HydraContext, frozen: FrozenApp | None) -> Payload:
    from hydra.core.plugins import Plugins
    from hydra.core.singleton import Singleton

    wanted = [str(name) for name in config.hydra.job.env_copy]
    state = Singleton.get_state()
    return Payload(
        task_function=origin.named_function() or origin.function, config=config, context=context,
        singletons={kind: one for kind, one in state["instances"].items() if kind is not Plugins},
        resolvers=_resolvers(state["omegaconf_resolvers"], origin),
        env_copy={name: os.environ[name] for name in wanted if name in os.environ},
        main=origin.state(), frozen=frozen,
    )  # fmt: skip


def _resolvers(found: dict[str, object], origin: MainOrigin) -> dict[str, bytes]:
    """Each by itself: one that can't be pickled is registered again where the app is imported."""
    sent = {}
    for name, resolver in found.items():
        try:
            sent[name] = dumps(resolver, origin.in_main)
        except (*UNPICKLABLE, RecursionError):
            sent[name] = b""
    return sent


def _pickled(payload: Payload, origin: MainOrigin, *, travels: bool = False) -> bytes:
    try:
        with _plugins_by_value() if travels else nullcontext():
            return dumps(payload, origin.in_main)
    except (*UNPICKLABLE, RecursionError) as error:
        raise _unpicklable(payload, origin, error) from error


@contextmanager
def _plugins_by_value() -> Iterator[None]:
    """Sends the config classes of other plugins along: a machine that gets a snapshot may not have them."""
    import cloudpickle

    found = [
        module for name, module in list(sys.modules.items())
        if name.count(".") == 1 and name.startswith("hydra_plugins.") and name != "hydra_plugins.hsm"
    ]  # fmt: skip
    for module in found:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in found:
            cloudpickle.unregister_pickle_by_value(module)


def read_config(launch: LaunchPaths, *, is_needed: bool) -> DictConfig | None:
    """The master config that an earlier launch was made with; None if other versions of Python or Hydra wrote it.

    Args:
        is_needed: False to be warned where it can't be read, and to get None.

    Raises:
        StoreError: it can't be read, belongs to another user, or this user neither made nor accepted it.
    """
    try:
        if read_own_json(launch.boot)["versions"] != versions():
            return None
        config: DictConfig = pickle.loads(require_known(launch))  # nosec B301  # this user made it, or accepted it
        return renew_nans(config)
    except (OSError, ImportError, AttributeError, ValueError, TypeError, pickle.UnpicklingError) as error:
        if is_needed:
            raise StoreError(
                "can't read the config that the sweep was started with", evidence=f"{type(error).__name__}: {error}",
                fix="hydra.launcher.allow_changed=true    # with the app's config as it is now",
            ) from error  # fmt: skip
        log.warning("can't read the config that the sweep was started with, using the app's as it is now: %s", error)
        return None


def is_frozen(launch: LaunchPaths) -> bool:
    """True if an earlier launch reads its code from a snapshot."""
    try:
        return bool(read_json(launch.boot)["frozen"])
    except FileNotFoundError:
        return False


def require_same(paths: SweepPaths) -> None:
    """Refuse to go on with a snapshot that this user neither made nor accepted, or that lies where it was not made.

    Raises:
        StoreError: it is another one, or was moved.
    """
    require_known(paths.launch(0))
    made = read_record(paths).dir
    if os.path.realpath(made) != os.path.realpath(paths.root):
        raise StoreError(
            f"the sweep was moved, and its tasks look for the code's snapshot in {made}",
            evidence=f"it is in {paths.root} now",
            fix=f"ln -s {quoted(str(paths.root))} {quoted(made)}    # or move it back",
        )


def _boot(origin: MainOrigin, code: AppCode) -> dict[str, object]:
    frozen = code.frozen
    root = frozen.root if frozen is not None else code.elsewhere
    modules = {name: file for name, file in app_modules(root).items() if frozen is None or frozen.has(file)}
    path, main = [os.path.abspath(entry) for entry in sys.path], origin.file()
    named = origin.named_function()
    module = named.module if named and named.module != "__main__" else ""
    if root:
        path += [folder for folder in import_folders(root, modules) if folder not in path]
    if frozen is not None:
        path = [frozen.path(entry) for entry in path]
        main = main and frozen.main(main)
    return {
        "format": FORMAT, "cwd": origin.cwd, "sys_path": path, "module": "hsm_core.hydra_bridge.task.run",
        "payload": "payload.pkl", "versions": versions(), "main": main and main.to_json(),
        "frozen": frozen is not None, "flags": interpreter_flags(), "module_of_function": module,
        "environ": changed_variables(os.environ) if main or module else {},
        "snapshot": os.path.basename(frozen.snapshot) if frozen is not None else "",
        "root": root, "code": code.mode, "modules": modules, "moved": [], "path_map": [],
        "own_path": False,
    }  # fmt: skip


def _unpicklable(payload: Payload, origin: MainOrigin, error: Exception) -> ConfigError:
    function = payload.task_function
    parts = {
        "its callbacks or its config loader": payload.context,
        "a config that it registered": payload.singletons,
        f"the task function {getattr(function, '__qualname__', function)}": function,
    }
    in_main = origin.in_main
    culprit = next((name for name, part in parts.items() if not can_be_pickled(part, in_main)), "the app")
    return ConfigError(
        f"{culprit} can't be sent to a worker", evidence=f"{type(error).__name__}: {error}",
        fix="create locks, files and connections inside functions",
    )  # fmt: skip


def changed_variables(environ: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """Each with its value at the start, None if there was none, and a digest of its value in ``environ``.

    Nothing where that can't be told. New values may be secret, read from a file of the app's, and are not told.
    What a worker has its own of is left out: ranks, and libraries' numbers of threads.
    """
    start = _variables_at_start()
    names = sorted({*start, *environ} - {*of_groups(start)}) if start else []
    return {
        name: (start.get(name), digest(environ.get(name)))
        for name in names
        if start.get(name) != environ.get(name) and not _WORKERS.fullmatch(name)
    }


def _variables_at_start() -> dict[str, str]:
    """Empty where the system doesn't tell, and where the process wrote over them to set its title."""
    try:
        entries = _AT_START.read_bytes().removesuffix(b"\0").split(b"\0")
    except OSError:
        return {}
    if not all(b"=" in entry for entry in entries):
        return {}
    return dict(os.fsdecode(entry).partition("=")[::2] for entry in entries)
