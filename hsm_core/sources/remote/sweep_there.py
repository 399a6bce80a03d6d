"""Puts on a host what its workers need of a sweep: hsm itself, the app's snapshot, the sweep's tasks and payload."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from hsm_core.errors import BackendError
from hsm_core.hosts.installing import install
from hsm_core.hosts.interface import Host
from hsm_core.model import ProcessIdentity
from hsm_core.store.files import read_own_json, to_json
from hsm_core.store.layout import LaunchPaths, SweepPaths
from hsm_core.store.submission import Submission

from .code_there import CodeThere, move, require_folder, require_same

#: Where sweeps are kept on a host, unless its user says otherwise; below the home directory.
FOLDER = ".local/share/hsm"
_MAKE_S = 60.0
_ENTRY = Path("hsm_core/worker/__main__.py")
#: Packages beside ours that a worker imports; hosts need nothing but Python and Hydra.
_CARRIED = ("hydra_plugins.hsm", "cloudpickle", "threadpoolctl")
_Pairs = Sequence[tuple[str, str]]


def folder_there(host: Host, settings: Mapping[str, str]) -> Path:
    """Returns the folder of a host in which sweeps are kept.

    Args:
        settings: of the source's record: ``dir``, where its user says so.

    Raises:
        HostTrouble: the host can't be asked.
    """
    named, home = settings.get("dir", FOLDER), Path(host.environment.get("HOME", "/"))
    return home / named.removeprefix("~/")


class SweepThere:
    """A sweep's directory on a host.

    Args:
        folder: where sweeps are kept there.
        sweep: its id.
        python: the host's interpreter.
        program: where hsm's own modules lie there.
        code: what the host has of the app.
    """

    def __init__(
        self, paths: SweepPaths, host: Host, folder: Path, sweep: str, python: str, program: Path, code: CodeThere,
    ) -> None:  # fmt: skip
        self._paths, self._host, self._folder, self._code = paths, host, folder, code
        self._python, self._program = python, program
        self.root = root_there(folder, sweep)
        self._there = SweepPaths(self.root)
        self._has_folders = False
        self._sent: dict[Path, int] = {}
        self._launches: set[str] = set()

    def send(self, submission: Submission) -> None:
        """Sends what a worker needs for a submission, and is not there yet.

        Raises:
            BackendError: the app can't be sent.
            OSError: the host, or a disk, refuses.
        """
        if not self._has_folders:
            self._make_folders()
            self._push([self._paths.record])
            self._has_folders = True
        if submission.payload not in self._launches:
            self._send_payload(LaunchPaths(self._paths.hsm / submission.payload))
            self._launches.add(submission.payload)
        record = LaunchPaths.submission_record(self._paths.hsm / submission.name)
        self._push([*sorted(self._paths.tasks.iterdir()), record])

    def start(self, worker: str, submission: Submission, node: str) -> ProcessIdentity:
        """Starts a worker, which reads its inbox; ``send`` the submission first.

        Args:
            node: what the user calls the host.

        Raises:
            ChildProcessError: it exited at once.
            OSError: nobody knows, or it can't be started.
        """
        argv = [self._python, str(self._program / _ENTRY), "supervise", str(self.root), worker, submission.name]
        compiled = {"PYTHONPYCACHEPREFIX": str(self._folder / "compiled"), "HSM_NODE": node}
        env = {**self._host.environment, **compiled}
        return self._host.start([*argv, "--node-from", "HSM_NODE"], env, self._there.worker_log(worker))

    def _make_folders(self) -> None:
        names = ("tasks", "events", "claims", "requests", "inbox", "logs")
        script = 'umask 077 && cd && mkdir -p "$@"'
        folders = [str(self._there.hsm / name) for name in names]
        done = self._host.run(["sh", "-c", script, "sh", *folders], _MAKE_S)
        if done.code != 0:
            raise OSError(f"{self.root} can't be made on {self._host.name}: {done.evidence}")

    def _push(self, files: Sequence[Path]) -> None:
        """Copies files of the sweep that have changed in size since they were sent: lines are only appended."""
        new = {path: size for path in files if (size := path.stat().st_size) != self._sent.get(path)}
        self._host.push({path: self.root / path.relative_to(self._paths.root) for path in new})
        self._sent |= new

    def _send_payload(self, launch: LaunchPaths) -> None:
        boot = read_own_json(launch.boot)
        root, name = str(boot["root"]), str(boot["snapshot"])
        if not root:
            raise BackendError(
                f"{self._host.name} does not have this app's code: the sweep was started for this machine",
                fix="hydra.launcher.code=snapshot    # in a new sweep",
            )
        snapshot = self._paths.snapshots / name
        if boot["code"] == "snapshot":
            code = str(install(self._host, _files_in(snapshot), self._folder / "code", self._python))
        else:
            code = self._code.folder(root)
            require_folder(self._host, code)
        if boot["code"] == "verify":
            require_same(self._host, self._python, str(snapshot), _files_in(snapshot), code)
        there = self.root / launch.root.relative_to(self._paths.root)
        self._host.push({launch.payload: there / launch.payload.name})
        moved = [(str(snapshot), code)] if name else []
        moved += [(str(self._paths.root), str(self.root)), (root, code)]
        sent = boot_there(boot, moved, code, self._code.path_map)
        self._host.write(there / launch.boot.name, to_json(sent))


def root_there(folder: Path, sweep: str) -> Path:
    """Returns a sweep's directory on a host."""
    return folder / "sweeps" / sweep


def program_files() -> dict[Path, Path]:
    """Returns what a worker consists of: paths here, by their names there."""
    package = Path(__file__).parents[2]
    found = {Path("hsm_core") / name: path for name, path in _sources(package).items()}
    for name in _CARRIED:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise BackendError(f"{name}, which workers need, is not installed here", fix=f"pip install {name}")
        origin = Path(spec.origin)
        if spec.submodule_search_locations is None:
            found[Path(origin.name)] = origin
        else:
            found |= {Path(*name.split(".")) / inner: path for inner, path in _sources(origin.parent).items()}
    return found


def _sources(package: Path) -> dict[Path, Path]:
    return {path.relative_to(package): path for path in sorted(package.rglob("*.py"))}


def _files_in(folder: Path) -> dict[Path, Path]:
    return {
        Path(top, name).relative_to(folder): Path(top, name) for top, _, names in os.walk(folder) for name in names
    }  # fmt: skip


def boot_there(
    boot: Mapping[str, object], moved: _Pairs, code: str, path_map: _Pairs = ()
) -> dict[str, object]:
    """Returns a launch's ``boot.json`` as it is on a host.

    Modules come from the snapshot there and from the host's own interpreter; variables are the host's own.

    Args:
        boot: as it is here.
        moved: folders here, and where they are there.
        code: the snapshot there.
        path_map: other folders here that the host has too, and where.
    """
    path = boot["sys_path"]
    assert isinstance(path, list)
    sent = [entry for entry in path if move(entry, moved) != entry]
    moved = [*moved, *path_map]
    inside = [entry for entry in path if entry in sent or (move(entry, moved) != entry and not _is_pythons(entry))]
    cwd = move(str(boot["cwd"]), moved)
    return {
        **boot, "cwd": cwd if cwd != boot["cwd"] else code, "sys_path": [move(entry, moved) for entry in inside],
        "own_path": True, "main": _moved(boot["main"], moved), "environ": {}, "moved": [list(pair) for pair in moved],
        "path_map": [list(pair) for pair in path_map],
    }  # fmt: skip


def _is_pythons(entry: str) -> bool:
    """Returns whether a folder of modules belongs to the interpreter here: hosts have their own."""
    prefixes = (sys.prefix, sys.base_prefix)
    return "site-packages" in entry or any(move(entry, [(prefix, "")]) != entry for prefix in prefixes)


def _moved(value: object, moved: _Pairs) -> object:
    if isinstance(value, str):
        return move(value, moved)
    if isinstance(value, list):
        return [_moved(one, moved) for one in value]
    return {key: _moved(one, moved) for key, one in value.items()} if isinstance(value, dict) else value
