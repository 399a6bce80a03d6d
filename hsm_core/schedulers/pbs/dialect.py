"""Submits to PBS Pro, OpenPBS and Torque, and asks them about jobs, by their own commands."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Literal

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done, Host

from ..interface import Allowed, JobStatus, LimitReached, NoAnswer, Refused, Script
from .commands import DELETE_S, Commands, is_gone
from .limits import allowed
from .query import Status
from .refusals import explained, refusal
from .states import array_of, is_array, statuses

Flavour = Literal["pbspro", "torque"]

_ID = re.compile(r"\d+(?:\[\])?(?:\.\S+)?")
#: seconds until PBS is asked again whether it does not know a job
_AGAIN_S = 0.5
_OF_THE_USER = re.compile(r"per-user limit|for user")
_WRONG_STATE = "invalid for state of job"
#: where `-J 0-9%3` and `-k doe` came with
_THROTTLES = (22,)
_WRITES_DIRECTLY = (20,)
_CURRENT = (23,)


class Pbs:
    """The PBS server that a host's environment names.

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
        """The version that ``qstat --version`` tells; asked once. Without it: a current one, for a dry run."""
        return self._commands.version() if self._host.which("qstat") else _CURRENT

    @property
    def throttles(self) -> bool:
        """True if an array can be told how many of its elements may run at once."""
        return self.flavour == "torque" or self.version >= _THROTTLES

    @property
    def writes_directly(self) -> bool:
        """True if a job's log can be written to its final place while the job runs (``-k doe``)."""
        return self.flavour == "pbspro" and self.version >= _WRITES_DIRECTLY

    def submit(self, script: Script) -> str:
        """Submits a script; an array of one becomes a plain job, as PBS Pro takes no such array."""
        done = self._commands.run_qsub(self.submit_command(script), script.cwd)
        words = done.out.split()
        if done.code == 0 and words and _ID.fullmatch(words[-1]):
            return words[-1]
        text = self._host.read(script.path).decode("utf-8", "replace")
        raise explained(self._judged(refusal(done), script), text, self._commands)

    def find(self, token: str) -> str | None:
        """Returns the id of the job or whole array with this name; searches the server's history too."""
        ids = self._status.mine(token)
        return array_of(ids[0]) or ids[0] if ids else None

    def poll(self, ids: Collection[str]) -> dict[str, JobStatus]:
        """Asks one ``qstat`` about these ids and their elements."""
        return statuses(self._status.of(sorted(ids)), self.flavour, history=self._status.history)

    def poll_accounting(self, ids: Collection[str], since: float) -> dict[str, JobStatus]:
        """Returns nothing: only operators may read PBS's accounting, and ``poll`` covers its history."""
        return {}

    def unknown(self, ids: Collection[str]) -> Collection[str]:
        """Asks about each id by itself, so that the answer can be about nothing else; and twice."""
        found = self._status.unknown(ids)
        if found:
            time.sleep(_AGAIN_S)
            found &= self._status.unknown(found)
        return found

    def keeps_ended_s(self) -> float:
        return 0.0

    def queue(self) -> Sequence[JobStatus]:
        """Returns all jobs of this user that wait or run, by element, and those that PBS holds for ever."""
        seen = self.poll(self._status.mine(ended=False))
        return [status for status in seen.values() if status.phase != "ended" or status.stuck]

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        """Cancels one id a call: of several, some versions delete none if one of them is gone."""
        force = ["-W", "force" if self.flavour == "pbspro" else "0"] if at_once else []
        for native_id in ids:
            done = self._commands.ask(["qdel", *force, native_id], DELETE_S)
            if done.code != 0 and not is_gone(done, self.flavour) and not self._is_ending(done, native_id):
                raise NoAnswer(f"PBS did not delete {native_id}", evidence=done.evidence, fix=f"qdel '{native_id}'")

    def is_id(self, native_id: str) -> bool:
        return re.fullmatch(r"[0-9]+(\[[0-9]*\])?(\.[A-Za-z0-9_][A-Za-z0-9_.-]*)?", native_id) is not None

    def element(self, native_id: str, index: int) -> str:
        """Returns ``12[3].server`` for ``12[].server``; a plain job is its own only element."""
        return native_id.replace("[]", f"[{index}]")

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        """Returns the limits of server and queue for this user; ``qos``: see ``PbsJobs.place``."""
        return allowed(self._commands, queue, account, qos or "")

    def throttle(self, native_id: str, elements: int) -> bool:
        """Changes how many elements of an array may run at once.

        Returns False where PBS can't: Torque claims that it did, and leaves waiting elements held for ever.
        """
        if self.flavour == "torque" or not self.throttles or not is_array(native_id):
            return False
        return self._commands.ask(["qalter", "-W", f"max_run_subjobs={elements}", native_id]).code == 0

    def submit_command(self, script: Script) -> list[str]:
        """Returns the command that submits a script, to be run in ``script.cwd``."""
        return [*self._qsub(script), str(script.path)]

    def _is_ending(self, done: Done, native_id: str) -> bool:
        """Returns whether a job was not deleted because it is just ending."""
        if _WRONG_STATE not in done.err:
            return False
        status = self.poll([native_id]).get(native_id)
        return status is None or status.phase == "ended" or status.word == "E"

    def _judged(self, error: BackendError, script: Script) -> BackendError:
        """Turns a limit into a refusal if this one job exceeds it with an empty queue, so that waiting is no use."""
        is_one = script.size in (None, 1)
        if not (isinstance(error, LimitReached) and is_one and _OF_THE_USER.search(error.evidence or "")):
            return error
        try:
            waits = any(not status.stuck for status in self.queue())
        except NoAnswer:
            waits = True
        if waits:
            return error
        return Refused("one job exceeds a limit of PBS", evidence=error.evidence, fix="qstat -Bf; qstat -Qf")

    def _qsub(self, script: Script) -> list[str]:
        """Returns the command; without ``-f``, PBS Pro's qsub leaves a process behind that works in its place."""
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
