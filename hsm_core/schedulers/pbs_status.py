"""Asks PBS about jobs, in the way that this server answers."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence

from hsm_core.hosts.command import Done

from .interface import NoAnswer
from .pbs_answers import Attributes, Unreadable, read
from .pbs_commands import FINISHED, USAGE, TooManyUnknown, ask, is_gone, no_answer
from .pbs_sights import name_of

_NO_HISTORY = "not configured to maintain job history"


class Status:
    """Questions about jobs; it notes whether the server keeps a history, and whether its JSON can be read."""

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour
        self.history = flavour == "pbspro"
        self._well_formed = True

    def of(self, ids: Sequence[str]) -> Mapping[str, Attributes]:
        """What PBS knows of these jobs and arrays, with their elements.

        Raises:
            NoAnswer: nothing is known.
        """
        if not ids:
            return {}
        for _ in range(3):
            try:
                answer = self._answer(ids)
            except TooManyUnknown:
                if len(ids) == 1:
                    raise
                half = len(ids) // 2
                return {**self.of(ids[:half]), **self.of(ids[half:])}
            if answer is not None:
                return answer
        raise NoAnswer("PBS answers in no form that is known here", evidence=self.flavour, fix="qstat -f")

    def mine(self, token: str | None = None, *, ended: bool = True) -> list[str]:
        """Ids of this user's jobs and arrays, or of those with that name.

        Raises:
            NoAnswer: nothing is known.
        """
        if self.flavour == "torque":
            return self._torque_mine(token)
        past = ["-x"] if ended and self.history else []
        done = ask(["qselect", "-u", user(), *past, *(["-N", token] if token else [])])
        if past and _NO_HISTORY in done.err:
            self.history = False
            return self.mine(token, ended=ended)
        if done.code != 0:
            raise no_answer(done)
        return done.out.split()

    def _torque_mine(self, token: str | None) -> list[str]:
        """Torque names an element ``<token>-3``, so that its ``qselect -N`` finds no array."""
        everything = self._answer([]) or self._answer([]) or {}
        return [
            native_id
            for native_id, said in everything.items()
            if said.get("Job_Owner", "").partition("@")[0] == user()
            and token in (None, name_of(said))
        ]

    def _answer(self, ids: Sequence[str]) -> Mapping[str, Attributes] | None:
        """One answer; None: ask again, in the other way that was noted."""
        done = ask([*self._qstat(len(ids)), *ids])
        if self._history_changed(done):
            self.history = not self.history
            return None
        if done.code == USAGE and self._well_formed:
            self._well_formed = False
            return None
        if done.code != 0 and not is_gone(done, self.flavour):
            raise no_answer(done)
        return self._read(done)

    def _read(self, done: Done) -> Mapping[str, Attributes] | None:
        try:
            return read(done.out)
        except Unreadable as error:
            if not self._well_formed:
                raise no_answer(done) from error
            self._well_formed = False
            return None

    def _history_changed(self, done: Done) -> bool:
        if self.history:
            return _NO_HISTORY in done.err
        return done.code == FINISHED and self.flavour == "pbspro"

    def _qstat(self, count: int) -> list[str]:
        """``-E``: without it, some versions write only the first of several ids as JSON."""
        if self.flavour == "torque":
            return ["qstat", "-t", "-x" if self._well_formed else "-f"]
        form = ["-F", "json"] if self._well_formed else ["-w"]
        return ["qstat", "-t", "-f", *form, *(["-E"] if count > 1 else []), *(["-x"] if self.history else [])]


def user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
