"""PBS Pro, OpenPBS and Torque, by their own commands."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Literal

from hsm_core.hosts.command import Done

from .interface import Allowed, NoAnswer, Refused, Script, Sight
from .pbs_answers import Attributes, Unreadable, read
from .pbs_commands import ASK_S, DELETE_S, FINISHED, GONE, ask, is_down, no_answer, run_qsub, version
from .pbs_limits import allowed
from .pbs_refusals import refusal
from .pbs_sights import sights

Flavour = Literal["pbspro", "torque"]

_ID = re.compile(r"\d+(?:\[\])?(?:\.\S+)?")
_NO_HISTORY = "not configured to maintain job history"
#: where `-J 0-9%3` and `-k doe` came with
_THROTTLES = (22, 5)
_WRITES_DIRECTLY = (20,)


class Pbs:
    """One PBS server, that of the user's environment.

    Args:
        flavour: ``pbspro`` is OpenPBS too.
    """

    name = "pbs"

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self._history = True
        self._form = ["-F", "json"]

    @cached_property
    def version(self) -> tuple[int, ...]:
        """As ``qstat --version`` says; asked once."""
        return version()

    @property
    def throttles(self) -> bool:
        """Whether an array can be told how many of its elements run at once."""
        return self.flavour == "torque" or self.version >= _THROTTLES

    @property
    def writes_directly(self) -> bool:
        """Whether a job's own output can be written where it belongs while the job runs (``-k doe``)."""
        return self.flavour == "pbspro" and self.version >= _WRITES_DIRECTLY

    def submit(self, script: Script) -> str:
        """Submit a script; an array of one is a plain job, as PBS Pro takes no such array."""
        done = run_qsub([*self._qsub(script), str(script.path)], script.cwd)
        words = done.out.split()
        if done.code == 0 and words and _ID.fullmatch(words[-1]):
            return words[-1]
        raise refusal(done)

    def find(self, token: str) -> str | None:
        """The id of the job or array with this name, as a whole; the server's history is asked too."""
        found = self._select(["-N", token])
        return min(found, key=len) if found else None

    def look(self, ids: Collection[str]) -> dict[str, Sight]:
        """One ``qstat`` by explicit ids, with their elements."""
        return sights(self._status(sorted(ids)), self.flavour)

    def look_back(self, ids: Collection[str], since: float) -> dict[str, Sight]:
        """Nothing: PBS's accounting is its operators'; its history, where there is one, ``look`` knows."""
        return {}

    def queue(self) -> Sequence[Sight]:
        """All jobs of this user that wait or run, by element."""
        ids = self._select([], ended=False)
        return [sight for sight in self.look(ids).values() if sight.phase != "ended"]

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        """One id a call: of several, some versions delete none if one of them is gone."""
        force = ["-W", "force" if self.flavour == "pbspro" else "0"] if at_once else []
        for native_id in ids:
            done = ask(["qdel", *force, native_id], DELETE_S)
            if done.code != 0 and not self._is_gone(done):
                raise NoAnswer(f"PBS did not delete {native_id}", evidence=done.evidence, fix=f"qdel '{native_id}'")

    def element(self, native_id: str, index: int) -> str:
        """``12[3].server`` of ``12[].server``; a plain job is its own only element."""
        return native_id.replace("[]", f"[{index}]")

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        """What server and queue take at most from this user."""
        return allowed(queue, _user(), account)

    def throttle(self, native_id: str, elements: int) -> bool:
        """Change how many elements of an array run at once; False where PBS can't."""
        if not self.throttles or "[]" not in native_id:
            return False
        how = ["-t", f"%{elements}"] if self.flavour == "torque" else ["-W", f"max_run_subjobs={elements}"]
        return ask(["qalter", *how, native_id]).code == 0

    def _qsub(self, script: Script) -> list[str]:
        """PBS Pro's qsub leaves a process behind that works in its place, unless it's told ``-f``."""
        argv = ["qsub", *(["-f"] if self.flavour == "pbspro" else []), "-N", script.token]
        if script.size is None or script.size == 1:
            return argv
        if script.throttle and not self.throttles:
            raise Refused(
                "this PBS can't limit how many elements of an array run at once",
                evidence=f"version {'.'.join(map(str, self.version))}",
                fix="hydra.launcher.max_array_size=… (elements at once)",
            )
        span = f"0-{script.size - 1}" + (f"%{script.throttle}" if script.throttle else "")
        return [*argv, "-t" if self.flavour == "torque" else "-J", span]

    def _select(self, which: list[str], *, ended: bool = True) -> list[str]:
        """Ids of this user's jobs and arrays."""
        past = ["-x"] if ended and self.flavour == "pbspro" and self._history else []
        done = ask(["qselect", "-u", _user(), *past, *which])
        if past and _NO_HISTORY in done.err:
            self._history = False
            return self._select(which, ended=ended)
        if done.code != 0:
            raise no_answer(done)
        return done.out.split()

    def _status(self, ids: list[str]) -> Mapping[str, Attributes]:
        """What PBS says of these ids; in another form where it garbles the first."""
        if not ids:
            return {}
        done = ask([*self._qstat(len(ids)), *ids], ASK_S)
        if self._asked_wrongly(done):
            return self._status(ids)
        if done.code != 0 and not self._is_gone(done):
            raise no_answer(done)
        try:
            return read(done.out)
        except Unreadable as error:
            if not self._form:
                raise no_answer(done) from error
            self._form = []
            return self._status(ids)

    def _qstat(self, count: int) -> list[str]:
        """``-E``: without it, some versions write only the first of several ids as JSON."""
        if self.flavour == "torque":
            return ["qstat", "-t", *(["-x"] if self._form else ["-f"])]
        several = ["-E"] if count > 1 else []
        return ["qstat", "-t", "-f", *self._form, *several, *(["-x"] if self._history else [])]

    def _asked_wrongly(self, done: Done) -> bool:
        """Whether the history was turned on or off, or this version knows no JSON; then ask again."""
        history = (self._history and _NO_HISTORY not in done.err) or done.code == FINISHED
        form = [] if done.code == 2 and "usage" in done.err else self._form
        changed = self.flavour == "pbspro" and (history, form) != (self._history, self._form)
        if changed:
            self._history, self._form = history, form
        return changed

    def _is_gone(self, done: Done) -> bool:
        """Whether it says only that the job is unknown, or has ended."""
        over = "COMPLETED" in done.err or "COMPLETE" in done.err
        return not is_down(done) and (done.code in GONE[self.flavour] or over)


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
