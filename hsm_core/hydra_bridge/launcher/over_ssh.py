"""The hosts of ``hydra.launcher.hosts``: what they are, whether they will do, and how many tasks they run at once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hsm_core import parsing
from hsm_core.detect.code import git, is_repository
from hsm_core.detect.gpus_there import gpus_of
from hsm_core.detect.python_there import find_python
from hsm_core.detect.snapshot import files_of
from hsm_core.errors import BackendError, ConfigError, HostDown
from hsm_core.hosts.installing import install
from hsm_core.hosts.interface import Host, Patience
from hsm_core.hosts.ssh.address import HostAddress, read_addresses
from hsm_core.hosts.ssh.path_map import read_path_map
from hsm_core.hosts.ssh.transports import make_host
from hsm_core.overrides import hydra_text, joined, quoted
from hsm_core.settings import LauncherSettings, SshSettings
from hsm_core.sources.interface import Source
from hsm_core.sources.registry import SourceSettings
from hsm_core.sources.remote.code_there import CodeThere, move, require_folder, require_same
from hsm_core.sources.remote.pool import Equipment, HostPool
from hsm_core.sources.remote.staying import Staying
from hsm_core.sources.remote.sweep_there import folder_there, program_files
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord
from hsm_core.store.submission import WorkerSpec
from hsm_core.text import tell

from .app.code import app_modules
from .local_paths import Named

#: Logins at once: servers refuse more that come together.
_AT_ONCE = 8
_ASK_S = 60.0
_OURS = (
    "hosts", "transport", "host_keys", "on_host_lost", "host_lost_after_s", "ssh_config", "path_map", "results",
    "cleanup",
)  # fmt: skip
_ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from hsm_core.detect.cores import usable_cores, visible_gpus
print(json.dumps({"cores": usable_cores(), "gpus": visible_gpus()}))
"""
_EXIST = 'for path; do if [ -e "$path" ]; then echo yes; else echo no; fi; done'
_KINDS: parsing.Kinds = {"cores": parsing.whole, "gpus": parsing.texts}


@dataclass(frozen=True)
class _Told:
    """Holds what a host says that it has."""

    cores: int
    gpus: tuple[str, ...]


class OverSsh:
    """Machines behind SSH, each a source of its own."""

    is_elsewhere = True

    def __init__(self, settings: LauncherSettings, patience: Patience) -> None:
        self._settings = settings
        if not settings.ssh.hosts:
            raise ConfigError(
                "hsm_ssh needs to know the machines", evidence="hydra.launcher.hosts is empty",
                fix="'hydra.launcher.hosts=[box1:4,ann@box2]'    # names as ssh takes them; 4 tasks at once",
            )  # fmt: skip
        config = None if settings.ssh.config is None else Path(settings.ssh.config).expanduser()
        self._addresses = read_addresses([_with_defaults(entry, settings.ssh) for entry in settings.ssh.hosts])
        self._hosts = {one.name: make_host(one, config, patience) for one in self._addresses}
        self._equipment: dict[str, Equipment] = {}
        self._looked_for: set[str] = set()
        self.worker = _worker(settings)

    def require(self, paths: SweepPaths, common: SourceSettings, named: Named) -> None:
        """All hosts are asked at once: what is wrong with one is told before anything is written.

        One that is away takes tasks once it answers; but one of them must.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = {one.name: pool.submit(self._equip, one, self._hosts[one.name]) for one in self._addresses}
        away = {name: error for name, answer in asked.items() if (error := answer.exception()) is not None}
        for error in away.values():
            if len(away) == len(asked) or not isinstance(error, HostDown):
                raise error
        for name, error in away.items():
            tell(f"warning: {error}\n  {name} takes no tasks before it answers")
        self.tell_missing(named())

    def require_code(self, code_root: Callable[[], str]) -> None:
        root = code_root()
        if self._settings.code == "snapshot":
            _tell_unsent(root)
            return
        folders = {name: asked.code.folder(root) for name, asked in self._equipment.items()}
        if self._settings.code == "live":
            for name, folder in folders.items():
                require_folder(self._hosts[name], folder)
            places = ", ".join(f"{name}:{folder}" for name, folder in folders.items())
            tell(f"note: tasks run the code that they find, whatever it is: {places}")
            return
        files = {Path(name): Path(root, name) for name in files_of(root)}
        commit = git(root, "rev-parse", "HEAD").strip()
        for name, folder in folders.items():
            require_same(self._hosts[name], self._equipment[name].python, root, files, folder, commit)

    def tell_missing(self, named: Mapping[str, str]) -> None:
        new = {path: key for path, key in named.items() if path not in self._looked_for}
        self._looked_for.update(new)
        for name in self._equipment if new else ():
            if missing := _missing(self._hosts[name], new, self._equipment[name].code.path_map):
                told = ", ".join(f"{new[path]}={there}" for path, there in missing.items())
                folder = hydra_text(os.path.dirname(next(iter(missing))))
                line = quoted(f"hydra.launcher.path_map=[{{local:{folder},remote:/…}}]")
                told = f"warning: {name} does not have what the config names here: {told}"
                tell(f"{told}\n  next: {line}    # where {name} has it")

    def records(self) -> tuple[SourceRecord, ...]:
        return tuple(self._record(one) for one in self._addresses)

    def sources(self, paths: SweepPaths, settings: SourceSettings) -> Sequence[Source]:
        return [
            HostPool(
                self._record(one), paths, self._hosts[one.name], self._spec(one), partial(self._equip, one),
                self._lost_after_s(),
            )
            for one in self._addresses
        ]  # fmt: skip

    def _lost_after_s(self) -> float:
        """Returns when a machine is given up; 0: never, as nobody would be there to do so, or no other machine."""
        settings = self._settings
        is_never = settings.ssh.on_lost == "wait" or settings.detach or len(self._addresses) < 2
        return 0.0 if is_never else settings.ssh.lost_after_s

    def preview(
        self, paths: SweepPaths, settings: SourceSettings, tasks: Sequence[int], *, detached: bool
    ) -> Sequence[str]:
        sources = self.sources(paths, settings)
        return [line for one in sources for line in one.preview(tasks, detached=detached)]

    def ignored(self) -> Sequence[str]:
        return [name for name in self._settings.ignored if name not in _OURS]

    def _record(self, address: HostAddress) -> SourceRecord:
        host = self._hosts[address.name]
        ssh, own = self._settings.ssh, {"dir": address.dir} if address.dir else {}
        staying = Staying(ssh.exclude, None if ssh.max_file_gb is None else int(ssh.max_file_gb * 2**30))
        own |= {**staying.settings(), "cleanup": ssh.cleanup}
        return SourceRecord(address.name, "host", host.name, {**host.settings, **own})

    def _spec(self, address: HostAddress) -> WorkerSpec:
        slots = address.slots or self._settings.slots or 0
        return replace(self.worker, source=address.name, slots=slots, tasks_per_gpu=address.tasks_per_gpu)

    def _equip(self, address: HostAddress, host: Host) -> Equipment:
        """Finds out what a host has; hsm itself is brought there for that, once."""
        if address.name in self._equipment:
            return self._equipment[address.name]
        python = find_python(host, named=address.python).path
        folder = folder_there(host, self._record(address).settings)
        program = install(host, program_files(), folder / "worker", python)
        done = host.run([python, "-I", "-c", _ASK, str(program)], _ASK_S)
        try:
            told = _Told(**parsing.fields(parsing.table(json.loads(done.out)), _KINDS))
        except (ValueError, TypeError, RecursionError) as error:
            raise BackendError(
                f"{address.name} does not say what it has", evidence=done.evidence or str(error)
            ) from error
        busy = _busy_gpus(address, host) if address.gpus and address.gpus_free else []
        spec = _fitted(self._spec(address), address, told, busy, self._settings)
        self._equipment[address.name] = Equipment(python, program, spec, _code_there(address, host))
        return self._equipment[address.name]


def _tell_unsent(root: str) -> None:
    """Warns of modules that the app has imported here and that are not sent."""
    sent = set(files_of(root))
    if unsent := [file for file in app_modules(root).values() if file not in sent]:
        told = f"warning: modules of the app that are not part of its snapshot: {', '.join(unsent[:10])}"
        add = f"git -C {quoted(root)} add -f {joined(unsent[:10])}    # git ignores them"
        tell(f"{told}\n  next: {add}" if is_repository(root) else told)


def _missing(host: Host, named: Iterable[str], path_map: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Returns the paths that a host lacks, each with where it was looked for."""
    there = {path: move(path, path_map) for path in named}
    done = host.run(["sh", "-c", _EXIST, "sh", *there.values()], _ASK_S)
    return {path: there[path] for path, word in zip(there, done.out.split(), strict=False) if word == "no"}


def _code_there(address: HostAddress, host: Host) -> CodeThere:
    home = host.environment.get("HOME", "/")

    def there(path: str) -> str:
        return os.path.join(home, path[2:]) if path.startswith("~/") else path

    longest_first = sorted(address.path_map, key=lambda pair: len(pair.local), reverse=True)
    pairs = tuple((pair.local, there(pair.remote)) for pair in longest_first)
    return CodeThere(there(address.project or ""), pairs)


def _with_defaults(entry: object, settings: SshSettings) -> object:
    """Returns a host as its user wrote it, with what the launcher's fields say for all that say nothing else."""
    common = {"transport": settings.transport, "host_keys": settings.host_keys, "path_map": settings.path_map}
    if isinstance(entry, Mapping):
        return {**common, **entry, "path_map": _with_common(entry.get("path_map"), settings.path_map)}
    (address,) = read_addresses([entry])
    given = {name: value for name, value in vars(address).items() if value is not None}
    return {**given, **common}


def _with_common(own: object, common: Sequence[object]) -> object:
    """Returns a host's path map with what all have; its own word on a folder counts. A wrong one stays as it is."""
    try:
        known = {pair.local for pair in read_path_map(own or ())}
    except ValueError:
        return own
    return [*(own or ()), *(pair for pair in common if read_path_map([pair])[0].local not in known)]  # type: ignore[misc]


def _worker(settings: LauncherSettings) -> WorkerSpec:
    if settings.resources.ranks != 1:
        raise ConfigError(
            f"hsm_ssh can't run a task of {settings.resources.ranks} ranks",
            fix="hydra.launcher.nodes=1 hydra.launcher.tasks_per_node=1",
        )
    return WorkerSpec(
        source="", slots=settings.slots or 1, isolation=settings.isolation,
        threads=settings.resources.cpus_per_task or 1, task_timeout_s=settings.task_timeout_s,
        grace_s=settings.grace_s, nice=settings.nice, env=dict(settings.env),
    )  # fmt: skip


def _fitted(
    spec: WorkerSpec, address: HostAddress, told: _Told, busy: Sequence[str], settings: LauncherSettings
) -> WorkerSpec:
    """Returns how workers run tasks on a host with so many cores and such GPUs."""
    cores, wished = told.cores, settings.resources.cpus_per_task
    gpus = _gpus(address, told.gpus, busy)
    slots = spec.slots or (len(gpus) * spec.tasks_per_gpu if gpus else max(1, cores // (wished or 1)))
    if gpus and slots > len(gpus) * spec.tasks_per_gpu:
        raise ConfigError(
            f"{address.name} has {len(gpus)} GPUs for {slots} slots", evidence=", ".join(gpus),
            fix=f"{{name: {address.name}, slots: {len(gpus) * spec.tasks_per_gpu}}}",
        )  # fmt: skip
    return replace(spec, slots=slots, threads=wished or max(1, cores // slots), gpus=gpus)


def _busy_gpus(address: HostAddress, host: Host) -> list[str]:
    try:
        return [gpu.index for gpu in gpus_of(host) if gpu.is_busy]
    except ValueError as error:
        raise BackendError(f"{address.name} does not say which GPUs are in use", evidence=str(error)) from error


def _gpus(address: HostAddress, there: Sequence[str], busy: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the GPUs that tasks may have; None leaves that alone.

    Args:
        busy: those to leave alone.
    """
    if address.gpus is None:
        return None
    wanted = tuple(there) if address.gpus == "auto" else address.gpus
    free = tuple(gpu for gpu in wanted if gpu not in busy)
    if not free:
        told = f"in use: {', '.join(busy)}" if busy else "nvidia-smi lists none"
        raise ConfigError(
            f"{address.name} has no GPU for these tasks", evidence=told, fix=f"{{name: {address.name}}}    # without"
        )
    return free
