"""Writes down what the tasks of a launch share, so that a worker anywhere on this disk can run them."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hsm_core.detect.origin import interpreter_flags
from hsm_core.errors import ConfigError, StoreError
from hsm_core.overrides import quoted
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.layout import FORMAT, LaunchPaths, SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.submission import require_owner

from .child import Payload, versions
from .child_frozen import FrozenApp
from .child_main import UNPICKLABLE, MainModule, can_be_pickled, imported_function
from .child_pickle import dumps
from .compose_nans import renew_nans

log = logging.getLogger(__name__)


def write_payload(
    launch: LaunchPaths,
    task_function: Callable[[Any], Any],
    config: Any,
    context: Any,
    frozen: FrozenApp | None = None,
) -> None:
    """Pickle the app's function and Hydra's state, and what must be set before they can be loaded.

    Args:
        frozen: the app's snapshot, which its tasks read their code and config from.

    Raises:
        ConfigError: the task function, or something that it refers to, can't be pickled.
        OSError: the disk refuses.
    """
    payload = _payload(task_function, config, context, frozen)
    if frozen is not None:
        payload = replace(payload, context=frozen.context(context), main=frozen.main(payload.main))
    data = _pickled(payload)
    write_atomically(launch.config, dumps(config))
    write_atomically(launch.payload, data)
    write_atomically(launch.boot, to_json(_boot(frozen)))


def check_payload(task_function: Callable[[Any], Any], config: Any, context: Any) -> None:
    """Find out whether an app can be sent to a worker, before anything is written.

    Raises:
        ConfigError: it can't; the message names the culprit.
    """
    _pickled(_payload(task_function, config, context, None))


def _payload(
    task_function: Callable[[Any], Any], config: Any, context: Any, frozen: FrozenApp | None
) -> Payload:
    from hydra.core.singleton import Singleton

    wanted = [str(name) for name in config.hydra.job.env_copy]
    return Payload(
        task_function=imported_function(task_function) or task_function, config=config, context=context,
        singletons=Singleton.get_state(), main=MainModule.of_this_process(), frozen=frozen,
        env_copy={name: os.environ[name] for name in wanted if name in os.environ},
    )  # fmt: skip


def _pickled(payload: Payload) -> bytes:
    try:
        return dumps(payload)
    except (*UNPICKLABLE, RecursionError) as error:
        raise _unpicklable(payload, error) from error


def read_config(launch: LaunchPaths) -> Any:
    """The master config that an earlier launch was made with; None if it can't be read here.

    Raises:
        StoreError: it belongs to another user.
    """
    import cloudpickle

    try:
        require_owner(launch.config)
        if read_json(launch.boot)["versions"] != versions():
            return None
        return renew_nans(cloudpickle.loads(launch.config.read_bytes()))
    except (OSError, ImportError, AttributeError, ValueError, TypeError, pickle.UnpicklingError) as error:
        log.warning("the sweep's first config can't be read, today's is used: %s", error)
        return None


def is_frozen(launch: LaunchPaths) -> bool:
    """True if an earlier launch reads its code from a snapshot."""
    try:
        return bool(read_json(launch.boot)["frozen"])
    except FileNotFoundError:
        return False


def require_unmoved(paths: SweepPaths) -> None:
    """Refuse to go on with a sweep whose tasks look for their snapshot where it no longer is.

    Raises:
        StoreError: it was moved.
    """
    made = read_record(paths).dir
    if os.path.realpath(made) != os.path.realpath(paths.root):
        raise StoreError(
            f"this sweep froze its app and was moved: its tasks look for the snapshot in {made}",
            evidence=f"it lies in {paths.root} now",
            fix=f"ln -s {quoted(str(paths.root))} {quoted(made)}    (or move it back)",
        )


def _boot(frozen: FrozenApp | None) -> dict[str, Any]:
    path = [os.path.abspath(entry) for entry in sys.path]
    if frozen is not None:
        path = [frozen.path(entry) for entry in path]
    return {
        "format": FORMAT, "cwd": os.getcwd(), "sys_path": path, "module": "hsm_core.hydra_bridge.child",
        "payload": "payload.pkl", "versions": versions(),
        "frozen": frozen is not None, "flags": interpreter_flags(),
        "snapshot": os.path.basename(frozen.snapshot) if frozen is not None else "",
    }  # fmt: skip


def _unpicklable(payload: Payload, error: Exception) -> ConfigError:
    function = payload.task_function
    parts = {
        "its callbacks or its config loader": payload.context,
        "a resolver or a config that it registered": payload.singletons,
        f"the task function {getattr(function, '__qualname__', function)}": function,
    }
    culprit = next((name for name, part in parts.items() if not can_be_pickled(part)), "the app")
    return ConfigError(
        f"{culprit} can't be sent to a worker", evidence=f"{type(error).__name__}: {error}",
        fix="create locks, files, connections and the like inside functions, not at a module's top level",
    )  # fmt: skip
