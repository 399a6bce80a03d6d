"""Chooses the directory of a new sweep: one that no other has, and that sweeper, launcher and tasks agree on."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hsm_core.conductor.sweep_ended import may_give_way
from hsm_core.errors import SweepExists
from hsm_core.store.layout import SweepPaths
from hsm_core.store.lease import Lease
from hsm_core.store.record import begin_alone

from ..plain import as_written
from ..task.config import set_sweep_directory

#: A reference to another value, the call of a resolver with plain arguments, a time in a name.
_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
_CALL = re.compile(r"\$\{([\w.]+):([^${}]*)\}")
_STAMP = re.compile(r"\$\{now:([^}]*)\}")
#: A time that is another one each second.
_SECOND = re.compile(r"%[STXcsfr+]")
#: Resolvers that say the same to all who ask in a sweep: Hydra keeps what ``now`` said.
_SAME = re.compile(r"now|hydra|oc\..*|hydra_override_dirname|python_version")
_DEEPEST = 10
#: What others may do with a sweep, by ``hydra.launcher.share``.
_MODES = {"read": 0o755, "group": 0o750, "none": 0o700}


@dataclass
class Reservation:
    """A directory that is kept for a sweep until it begins, or until this process ends.

    Args:
        root: the sweep directory, absolute.
        lease: of who is going to conduct the sweep.
    """

    root: Path
    lease: Lease
    _made: list[Path] = field(default_factory=list)
    _is_used: bool = False

    def use(self) -> Lease:
        """The sweep begins."""
        self._is_used = True
        return self.lease

    def give_up(self) -> None:
        """Leave nothing behind if no sweep began."""
        if not self._is_used:
            self.lease.withdraw()
            with contextlib.suppress(OSError):
                for path in self._made:
                    path.rmdir()


def settle_directory(config: DictConfig) -> None:
    """Ask resolvers of the app's own once for ``hydra.sweep.dir``: asked again they may say something else.

    What refers to a value that a task may set stays as it is.
    """
    text = _unresolved(config)
    settled = _CALL.sub(_answer, _expanded(config, text, _asks_the_app))
    if settled != text:
        set_sweep_directory(config, settled)


def reserve_directory(config: DictConfig, share: str) -> Reservation:
    """Keep ``hydra.sweep.dir`` for a new sweep; where a time is in its name and it is in use, ``<dir>-2`` and so on.

    Args:
        share: who else may read it, see ``LauncherSettings``.

    Raises:
        SweepExists: a sweep there is alive or unfinished, or another process is just beginning one.
        StoreError: it can't be written.
    """
    text = _unresolved(config)
    stamps = _STAMP.findall(_expanded(config, text, lambda found: bool(_STAMP.search(found))))
    is_its_own = any(map(_SECOND.search, stamps))
    first = Path(os.path.abspath(str(config.hydra.sweep.dir)))
    for number in itertools.count(1):
        root = first if number == 1 else first.with_name(f"{first.name}-{number}")
        try:
            found = _reserve(root, _MODES[share], may_follow=not is_its_own)
        except SweepExists:
            if not stamps:
                raise
            continue
        if number > 1:
            set_sweep_directory(config, f"{text.rstrip('/')}-{number}")
        return found
    raise AssertionError("unreachable")


def _reserve(root: Path, mode: int, *, may_follow: bool) -> Reservation:
    paths = SweepPaths(root)
    made = [path for path in (paths.leases, paths.hsm, root, *root.parents) if not os.path.exists(path)]
    found = Reservation(root, begin_alone(paths, may_give_way if may_follow else lambda _: False, mode), made)
    _close(root, mode)
    atexit.register(found.give_up)
    return found


def _close(root: Path, mode: int) -> None:
    """Take from others what they may not do in a directory of the user's; one that had other things in it stays open.

    Whoever may write in it could put something else in place of what hsm puts there.
    """
    found = os.stat(root)
    is_new = set(os.listdir(root)) <= {".hsm", "multirun.yaml"}
    allowed = mode if is_new or mode != _MODES["read"] else 0o777
    fewer = stat.S_IMODE(found.st_mode) & (allowed | ~0o777)
    if found.st_uid == os.geteuid() and fewer != stat.S_IMODE(found.st_mode):
        root.chmod(fewer)


def _unresolved(config: DictConfig) -> str:
    return str(as_written(config.hydra.sweep)["dir"])


def _expanded(config: DictConfig, text: str, is_wanted: Callable[[str], bool], depth: int = 0) -> str:
    """The text with those references put in full that lead to something wanted."""

    def full(reference: re.Match[str]) -> str:
        found = _text_at(config, reference[1])
        found = _expanded(config, found, is_wanted, depth + 1) if depth < _DEEPEST else ""
        return found if is_wanted(found) else reference[0]

    return _REFERENCE.sub(full, text)


def _asks_the_app(text: str) -> bool:
    return any(not _SAME.fullmatch(call[1]) for call in _CALL.finditer(text))


def _text_at(config: DictConfig, key: str) -> str:
    """A value as it was written; empty if it is not there or is no text."""
    parent, _, name = key.rpartition(".")
    holder: object = OmegaConf.select(config, parent, throw_on_missing=False) if parent else config
    if not isinstance(holder, DictConfig) or name not in holder:
        return ""
    found = as_written(holder)[name]
    return found if isinstance(found, str) else ""


def _answer(call: re.Match[str]) -> str:
    return call[0] if _SAME.fullmatch(call[1]) else str(OmegaConf.create({"_": call[0]})["_"])
