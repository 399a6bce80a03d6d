"""Takes a task's directory for an attempt: earlier files rotate, output goes to its logs."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from hsm_core.errors import StoreError
from hsm_core.safe_open import NotOwn, log_to, make_directory, new_file, user_name
from hsm_core.store.files import create_exclusively, to_json
from hsm_core.store.layout import FORMAT, SweepPaths, TaskPaths
from hsm_core.store.outcomes import Owner, owner_of

#: Bytes copied at once when a log is put back.
_PIECE = 2**20


def take_directory(
    directory: Path, owner: Owner, leftovers: Iterable[str], has_ended: Callable[[str], bool], mode: int = 0o755
) -> TaskPaths:
    """Makes a directory a task's own.

    Files of an earlier attempt go to its ``attempt-<n>``; those of an earlier sweep's task go where its id
    says, unless that task may be alive. Only the first task to come moves them, and what Hydra wrote.

    Args:
        leftovers: what Hydra wrote for an earlier attempt, if there was one; not read if there was none.
        has_ended: whether a sweep with this id has certainly ended.
        mode: of our folder there, at most.

    Returns:
        the task's files: numbered ones if another task has the directory.

    Raises:
        OSError: the disk refuses.
        NotOwn: the directory, or our folder there, is somebody else's; or a link of theirs lies in it.
    """
    require_nothing_foreign(directory)
    plain, numbered = TaskPaths(directory), TaskPaths(directory, f"-{owner.task}")
    make_directory(plain.hsm, mode)
    if _make_room(plain, owner, leftovers, has_ended) and _mark(plain, owner):
        return plain
    if _make_room(numbered, owner, (), has_ended) and _mark(numbered, owner):
        return numbered
    own = TaskPaths(directory, f"-{owner.sweep}-{owner.task}")
    _make_room(own, owner, (), has_ended)
    _mark(own, owner)
    return own


def require_sweep(root: Path) -> None:
    """Requires that the sweep still is where it was, before a task's directory is made in it.

    Raises:
        StoreError: the sweep was moved or removed.
    """
    if not SweepPaths(root).record.is_file():
        raise StoreError(f"the sweep in {root} was moved or deleted while its tasks ran")


def require_nothing_foreign(directory: Path) -> None:
    """Requires that another user's link does not lead a task's output elsewhere: what Hydra writes, its log too.

    Raises:
        NotOwn: its directory belongs to another user, or a link, or a folder of Hydra's, in it does.
    """
    own = (0, os.geteuid())
    try:
        _require(directory, os.lstat(directory), own)
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_symlink() or entry.name == ".hydra":
                    _require(Path(entry.path), entry.stat(follow_symlinks=False), own)
    except (FileNotFoundError, NotADirectoryError):
        return  # it is made now, or whoever makes it says what is in the way


def _require(path: Path, found: os.stat_result, own: tuple[int, ...]) -> None:
    if found.st_uid not in own:
        what = "is a link of" if stat.S_ISLNK(found.st_mode) else "belongs to"
        raise NotOwn(
            f"{path} {what} {user_name(found.st_uid)}, so no task runs there",
            fix="hydra.sweep.dir=DIRECTORY    # one of your own",
        )


def private_mode(sweep: Path) -> int:
    """Returns the mode of our folders in tasks' directories: as open to others as the sweep's own."""
    return stat.S_IMODE(os.stat(SweepPaths(sweep).hsm).st_mode) & 0o755


def redirect_output(stdout: Path, stderr: Path) -> dict[Path, int]:
    """Sends this process's stdout and stderr to the task's logs, which may be one file.

    Returns:
        each log with a descriptor of it that the task does not use.

    Raises:
        OSError: the disk refuses.
    """
    kept: dict[Path, int] = {}
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    for path, number in ((stdout, 1), (stderr, 2)):
        if path not in kept:
            descriptor = log_to(path)
            kept[path] = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
            os.close(descriptor)
        os.dup2(kept[path], number)
    return kept


def put_back(sweep: Path, files: TaskPaths, logs: Mapping[Path, int]) -> None:
    """Makes a task's files findable again after it removed or renamed its directory.

    Args:
        sweep: the sweep's directory.
        logs: what ``redirect_output`` returned.

    Raises:
        OSError: the disk refuses.
        StoreError: the sweep itself was moved or removed.
    """
    if files.hsm.is_dir():
        return
    require_sweep(sweep)
    make_directory(files.hsm, private_mode(sweep))
    for path, descriptor in logs.items():
        with suppress(OSError), new_file(path) as log:  # the task may have closed all that it found open
            offset = 0
            while piece := os.pread(descriptor, _PIECE, offset):
                offset += log.write(piece)


def _mark(files: TaskPaths, owner: Owner) -> bool:
    """Leaves an outcome that says ``running``; returns False if there is one of somebody else."""
    mark = {"format": FORMAT, **owner.facts(), "state": "running", "pid": os.getpid()}
    return create_exclusively(files.outcome, to_json(mark), durable=False)


def _make_room(
    files: TaskPaths, owner: Owner, leftovers: Iterable[str], has_ended: Callable[[str], bool]
) -> bool:
    """Sets the files of an earlier attempt or sweep aside; returns False if another task may need them."""
    found = owner_of(files)
    if found is None:
        return True
    if found.sweep == owner.sweep:
        if found.task != owner.task:
            return False
        _move(files, files.of_attempt(found.attempt), leftovers)
        files.outcome.replace(files.of_attempt(found.attempt).outcome)
        return True
    return (found.is_over or has_ended(found.sweep)) and _retire(files, files.of_sweep(found.sweep), leftovers)


def _retire(files: TaskPaths, aside: TaskPaths, leftovers: Iterable[str]) -> bool:
    """Sets an earlier sweep's files aside; returns False if another task of this sweep does so, or died doing it.

    Its outcome is linked first, which only one of them can, and goes last: until then nobody else comes in.
    """
    make_directory(aside.root)
    make_directory(aside.hsm)
    try:
        os.link(files.outcome, aside.outcome)
    except FileExistsError:
        return False
    except FileNotFoundError:  # just gone
        return True
    _move(files, aside, leftovers)
    for path in (files.checkpoint, *files.attempts()):
        _replace(path, aside.hsm / path.name)
    files.outcome.unlink()
    return True


def _move(files: TaskPaths, aside: TaskPaths, leftovers: Iterable[str]) -> None:
    """Moves everything but the outcome, so that an interrupted move is repeated."""
    make_directory(aside.root)
    make_directory(aside.hsm)
    for path in (files.stdout, files.stderr, files.pickle, *files.logs_of_ranks()):
        _replace(path, aside.hsm / path.name)
    for theirs in map(Path, leftovers):
        if theirs != files.root and files.hsm not in (theirs, *theirs.parents):
            _replace(theirs, aside.root / theirs.name)


def _replace(path: Path, target: Path) -> None:
    if path.exists() and not target.is_dir():
        os.replace(path, target)
