"""PBS Pro, OpenPBS and Torque, by their own commands."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Literal

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done, Host

from ..interface import Allowed, LimitReached, NoAnswer, Refused, Script, Sight
from .commands import DELETE_S, Commands, is_gone
from .limits import allowed
from .query import Status
from .refusals import explained, refusal
from .states import array_of, is_array, sights

Flavour = Literal["pbspro", "torque"]

_ID = re.compile(r"\d+(?:\[\])?(?:\.\S+)?")
#: seconds until PBS is asked again whether it does not know a job
_AGAIN_S = 0.5
_OF_THE_USER = re.compile(r"per-user limit|for user")
_WRONG_STATE = "invalid for state of job"
#: where `-J 0-9%3` and `-k doe` came with
_THROTTLES = (22,)
_WRITES_DIRECTLY = (20,)


class Pbs:
    """One PBS server, that of a host's environment.

    Args:
        flavour: ``pbspro`` is OpenPBS too.
    """

    def __init__(self, flavour: Flavour, host: Host) -> None:
        self._host, self._commands = host, Commands(host)
        self.name: str = flavour
        self.why_dropped = "qdel, a failed dependency, or a routing queue none of whose destinations takes it"
        self.flavour = flavour
        self._status = Status(flavour, self._commands)

    @cached_property
    def version(self) -> tuple[int, ...]:
        """As ``qstat --version`` says; asked once."""
        return self._commands.version()

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
        done = self._commands.run_qsub(self.submit_command(script), script.cwd)
        words = done.out.split()
        if done.code == 0 and words and _ID.fullmatch(words[-1]):
            return words[-1]
        text = self._host.read(script.path).decode("utf-8", "replace")
        raise explained(self._judged(refusal(done), script), text, self._commands)

    def find(self, token: str) -> str | None:
        """The id of the job or array with this name, as a whole; the server's history is asked too."""
        ids = self._status.mine(token)
        return array_of(ids[0]) or ids[0] if ids else None

    def look(self, ids: Collection[str]) -> dict[str, Sight]:
        """One ``qstat`` by explicit ids, with their elements."""
        return sights(self._status.of(sorted(ids)), self.flavour, history=self._status.history)

    def look_back(self, ids: Collection[str], since: float) -> dict[str, Sight]:
        """Nothing: PBS's accounting is its operators'; its history, where there is one, ``look`` knows."""
        return {}

    def unknown(self, ids: Collection[str]) -> Collection[str]:
        """Asked one by one, so that the answer can be about nothing else; and twice."""
        found = self._status.unknown(ids)
        if found:
            time.sleep(_AGAIN_S)
            found &= self._status.unknown(found)
        return found

    def keeps_ended_s(self) -> float:
        return 0.0

    def queue(self) -> Sequence[Sight]:
        """All jobs of this user that wait or run, by element, and those that PBS holds for ever."""
        seen = self.look(self._status.mine(ended=False))
        return [sight for sight in seen.values() if sight.phase != "ended" or sight.stuck]

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        """One id a call: of several, some versions delete none if one of them is gone."""
        force = ["-W", "force" if self.flavour == "pbspro" else "0"] if at_once else []
        for native_id in ids:
            done = self._commands.ask(["qdel", *force, native_id], DELETE_S)
            if done.code != 0 and not is_gone(done, self.flavour) and not self._is_ending(done, native_id):
                raise NoAnswer(f"PBS did not delete {native_id}", evidence=done.evidence, fix=f"qdel '{native_id}'")

    def element(self, native_id: str, index: int) -> str:
        """``12[3].server`` of ``12[].server``; a plain job is its own only element."""
        return native_id.replace("[]", f"[{index}]")

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        """What server and queue take at most from this user; ``qos``: see ``PbsJobs.place``."""
        return allowed(self._commands, queue, account, qos or "")

    def throttle(self, native_id: str, elements: int) -> bool:
        """Change how many elements of an array run at once.

        False where PBS can't: Torque says that it did, and leaves waiting elements held for ever.
        """
        if self.flavour == "torque" or not self.throttles or not is_array(native_id):
            return False
        return self._commands.ask(["qalter", "-W", f"max_run_subjobs={elements}", native_id]).code == 0

    def submit_command(self, script: Script) -> list[str]:
        """The command that submits a script, in ``script.cwd``."""
        return [*self._qsub(script), str(script.path)]

    def _is_ending(self, done: Done, native_id: str) -> bool:
        """Whether it was not deleted because it ends just now."""
        if _WRONG_STATE not in done.err:
            return False
        sight = self.look([native_id]).get(native_id)
        return sight is None or sight.phase == "ended" or sight.word == "E"

    def _judged(self, error: BackendError, script: Script) -> BackendError:
        """A limit on this user that one job is above, with nothing of this user's in the queue: no use to wait."""
        is_one = script.size in (None, 1)
        if not (isinstance(error, LimitReached) and is_one and _OF_THE_USER.search(error.evidence or "")):
            return error
        try:
            waits = any(not sight.stuck for sight in self.queue())
        except NoAnswer:
            waits = True
        if waits:
            return error
        return Refused("one job exceeds a limit of PBS", evidence=error.evidence, fix="qstat -Bf; qstat -Qf")

    def _qsub(self, script: Script) -> list[str]:
        """PBS Pro's qsub leaves a process behind that works in its place, unless it's told ``-f``."""
        argv = ["qsub", *(["-f"] if self.flavour == "pbspro" else []), "-N", script.token]
        if script.size is None or script.size == 1:
            return argv
        if script.throttle and not self.throttles:
            raise Refused(
                "this version of PBS can't limit how many jobs of an array run at once",
                evidence=f"version {'.'.join(map(str, self.version))}",
                fix="hydra.launcher.max_array_size=NUMBER    # of elements at once",
            )
        span = f"0-{script.size - 1}" + (f"%{script.throttle}" if script.throttle else "")
        return [*argv, "-t" if self.flavour == "torque" else "-J", span]
