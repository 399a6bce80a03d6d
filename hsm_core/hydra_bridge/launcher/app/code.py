"""Records which code a sweep runs, and lets a sweep continue with other code only if its user agrees."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from omegaconf import DictConfig

from hsm_core.detect.code import (
    code_files,
    code_root,
    is_repository,
    mode_of_uncommitted,
    uncommitted,
    untracked,
)
from hsm_core.detect.not_fetched import not_fetched
from hsm_core.detect.origin import changes_since, first_changes, git_state, requirements
from hsm_core.detect.snapshot import files_of, freeze
from hsm_core.errors import ConfigError
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.layout import CodePaths, LaunchPaths, SweepPaths
from hsm_core.text import own_logger, tell

from ...task.snapshot_paths import FrozenApp
from .main_origin import MainOrigin

log = own_logger(__name__)

#: Modules that are no app's, wherever they lie; the first two are the script itself.
_NO_APP = ("__main__", "__mp_main__", "hsm_core", "hydra_plugins")


def app_root(config: DictConfig, origin: MainOrigin) -> str:
    """The app's directory: by its script, or by its main function where it was not started as a script.

    Without git that is the directory above where it holds the script's and the config's, as in ``src`` and ``conf``.
    """
    code = getattr(inspect.unwrap(origin.function), "__code__", None)
    script = origin.path or (code.co_filename if code else "")
    root = code_root(os.getcwd(), script if os.path.isfile(script) else "")
    above = os.path.dirname(root)
    folders = [os.path.normpath(folder) for folder in config_folders(config, "main")]
    beside = any(folder != root and os.path.dirname(folder) == above for folder in folders)
    is_home = above in (os.path.expanduser("~"), os.path.dirname(above))
    return above if beside and not is_home and not is_repository(root) else root


def config_folders(config: DictConfig, provider: str = "") -> list[str]:
    """The directories that configs come from, below the app's or elsewhere."""
    sources = [source for source in config.hydra.runtime.config_sources if source.schema == "file"]
    wanted = [source for source in sources if provider in ("", source.provider)]
    return [str(source.path) for source in wanted if os.path.isdir(str(source.path))]


def app_modules(root: str) -> dict[str, str]:
    """Returns the app's modules that were imported here, each with its file relative to the app's directory.

    Args:
        root: that directory; nothing is found in an empty one.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        named = getattr(module, "__dict__", {}).get("__file__")  # asked itself, a lazy module would be imported
        file = os.path.normpath(named) if isinstance(named, str) else ""
        inside = bool(root) and file.startswith(os.path.join(root, ""))
        if inside and not _is_of_python(file, root) and name.partition(".")[0] not in _NO_APP:
            found[name] = os.path.relpath(file, root)
    return found


def import_folders(root: str, modules: Mapping[str, str]) -> list[str]:
    """Returns the folders that these modules are found in: an editable install need not name them in ``sys.path``."""
    found = dict[str, None]()
    for name, file in modules.items():
        path = file.removesuffix(".py").removesuffix("/__init__")
        inner = name.replace(".", "/")
        if path == inner or path.endswith(f"/{inner}"):
            found[os.path.normpath(os.path.join(root, path[: -len(inner)]))] = None
    return list(found)


def _is_of_python(file: str, root: str) -> bool:
    """Returns whether a file belongs to an environment, which may lie in the app's directory."""
    prefixes = [os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix)]
    inner = [prefix for prefix in prefixes if prefix.startswith(os.path.join(root, ""))]
    return "site-packages" in file or any(file.startswith(prefix) for prefix in inner)


def record_code(places: CodePaths, root: str, more: list[str]) -> None:
    """Writes the hashes of the app's files, what git has not committed of them, and the packages around them.

    Raises:
        OSError: the disk refuses.
    """
    content = {
        "root": root, "more": more, "files": code_files(root, more), "untracked": untracked(root),
        "git": git_state(root),
    }  # fmt: skip
    write_atomically(places.code, to_json(content))
    write_atomically(places.requirements, "\n".join([*requirements(), ""]).encode())
    patch = uncommitted(root)
    if patch:
        write_atomically(places.patch, patch, private=True)
        places.patch.chmod(mode_of_uncommitted(root))


@dataclass(frozen=True)
class AppCode:
    """Says which code tasks run.

    Args:
        mode: ``live``, ``snapshot`` or ``verify``.
        elsewhere: the app's directory, if tasks run on machines that don't see it; else empty.
        frozen: the app's snapshot, which its tasks read their code and config from, or which theirs must equal.
    """

    mode: str = "live"
    elsewhere: str = ""
    frozen: FrozenApp | None = None


def take_code(paths: SweepPaths, root: str, mode: str, *, is_elsewhere: bool) -> AppCode:
    """Returns the code that tasks of a sweep run; a copy of the app as it is now, where it must stay that.

    What git has not brought of it is told.

    Args:
        root: the app's directory.
        mode: ``live``, ``snapshot`` or ``verify``.
        is_elsewhere: tasks run on machines that don't see this disk.

    Raises:
        ConfigError: it is too large.
        OSError: the disk refuses.
    """
    frozen = None
    if mode != "live":
        for line in not_fetched(root, files_of(root)):
            tell(line)
        frozen = FrozenApp(root, str(freeze(root, paths.snapshots)))
    return AppCode(mode, root if is_elsewhere else "", frozen)


def record_again(launch: LaunchPaths, began: CodePaths, root: str, more: list[str]) -> None:
    """Records the code of a sweep that is resumed, if it is not the code that the sweep began with.

    Raises:
        OSError: the disk refuses.
    """
    if _changes(began, root):
        record_code(launch.code, root, more)


def _changes(recorded: CodePaths, root: str) -> list[str]:
    """Returns what differs from the recorded code in the app in ``root`` now; nothing if none is recorded."""
    try:
        known = read_json(recorded.code)
    except (OSError, ValueError):
        return []
    return changes_since(known, root)


def require_unchanged(paths: SweepPaths, root: str, allowed: bool) -> None:
    """Asks at a terminal whether to continue with changed files; without a terminal they must be allowed beforehand.

    Args:
        root: the app's directory now.
        allowed: ``hydra.launcher.allow_changed``: only warn.

    Raises:
        ConfigError: files have changed, and the user did not agree to that.
    """
    found = _changes(paths.first_code, root)
    if not found:
        return
    told = first_changes("the sweep", found)
    if allowed:
        log.warning("%s", told)
    elif not sys.stdin.isatty():
        raise ConfigError(
            told, fix="hydra.launcher.allow_changed=true    # continues even if the code changed"
        )
    else:
        tell(told)
        answer = input("continue with the changed code? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise ConfigError("not resumed")
