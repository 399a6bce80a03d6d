"""Asks PBS about jobs, in the form that this server answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hsm_core.hosts.interface import Done

from ..interface import NoAnswer
from .commands import FINISHED, USAGE, Commands, TimedOut, is_gone, no_answer, says_only_that, says_unknown
from .parse import Attributes, Unreadable, read
from .states import array_of, is_array, name_of

#: elements of a living array of which it is asked at once whether PBS knows them, one by one
_MOST_ELEMENTS = 100
_NO_HISTORY = "not configured to maintain job history"


class Status:
    """Asks about jobs, and remembers whether the server keeps a history and writes readable JSON."""

    def __init__(self, flavour: str, commands: Commands) -> None:
        self._commands = commands
        self.flavour = flavour
        self.history = flavour == "pbspro"
        self._well_formed = True

    def of(self, ids: Sequence[str]) -> Mapping[str, Attributes]:
        """Returns what PBS knows of these jobs and arrays, with their elements; unmentioned ones are left out.

        A question about several that fails is divided: the client may break down over some of them (Torque's does
        from nine unknown ids on), and that must not hide the others.

        Raises:
            NoAnswer: nothing is known.
        """
        found: dict[str, Attributes] = {}
        failed: list[NoAnswer] = []
        for part in _halving(ids):
            try:
                found.update(self._asked(part.ids))
            except TimedOut:
                raise
            except NoAnswer as error:
                if len(part.ids) > 1:
                    part.divide()
                    continue
                failed.append(error)
                if len(failed) == 1:
                    self._commands.ask(["qstat", "-B"])  # raises if it is the server that does not answer
        if failed and len(failed) == len(ids):
            raise failed[0]
        return found

    def unknown(self, ids: Collection[str]) -> set[str]:
        """Returns the ids that PBS itself calls unknown; for an unknown array, all its elements.

        Raises:
            NoAnswer: it does not answer.
        """
        found: set[str] = set()
        for whole in sorted({array_of(one) or one for one in ids}):
            elements = {one for one in ids if whole in (one, array_of(one))}
            if self._is_unknown(whole):
                found |= elements
            elif whole not in elements:
                found |= {one for one in sorted(elements)[:_MOST_ELEMENTS] if self._is_unknown(one)}
        return found

    def _is_unknown(self, native_id: str) -> bool:
        past = ["-x"] if self.history else []
        done = self._commands.ask(["qstat", *(["-t"] if is_array(native_id) else []), *past, native_id])
        if self._history_changed(done):
            self.history = not self.history
            return self._is_unknown(native_id)
        return done.code not in (0, FINISHED) and is_gone(done, self.flavour) and says_unknown(done)

    def mine(self, token: str | None = None, *, ended: bool = True) -> list[str]:
        """Returns ids of this user's jobs and arrays; with ``token``, only of those with that name.

        Raises:
            NoAnswer: nothing is known.
        """
        if self.flavour == "torque":
            return self._torque_mine(token)
        past = ["-x"] if ended and self.history else []
        named = ["-N", token] if token else []
        done = self._commands.ask(["qselect", "-u", self._commands.host.user, *past, *named])
        if past and _NO_HISTORY in done.err:
            self.history = False
            return self.mine(token, ended=ended)
        if done.code != 0:
            raise no_answer(done)
        return done.out.split()

    def _asked(self, ids: Sequence[str]) -> Mapping[str, Attributes]:
        for _ in range(3):
            answer = self._answer(ids)
            if answer is not None:
                return answer
        raise NoAnswer("PBS's answer can't be read", evidence=self.flavour, fix="qstat -f")

    def _torque_mine(self, token: str | None) -> list[str]:
        """Searches all of this user's jobs: Torque names elements ``<token>-3``, so ``qselect -N`` finds no array."""
        everything = self._answer([]) or self._answer([]) or {}
        return [
            native_id
            for native_id, said in everything.items()
            if said.get("Job_Owner", "").partition("@")[0] == self._commands.host.user
            and token in (None, name_of(said))
        ]

    def _answer(self, ids: Sequence[str]) -> Mapping[str, Attributes] | None:
        """Returns one answer; None means to ask again, in the other form that was noted."""
        done = self._commands.ask([*self._qstat(len(ids)), *ids])
        if self._history_changed(done):
            self.history = not self.history
            return None
        if done.code == USAGE and self._well_formed:
            self._well_formed = False
            return None
        is_answer = done.code == 0 or (is_gone(done, self.flavour) and (len(ids) == 1 or says_only_that(done)))
        if not is_answer:
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
        """Returns the command; without ``-E``, some versions write only the first of several ids as JSON."""
        if self.flavour == "torque":
            return ["qstat", "-t", "-x" if self._well_formed else "-f"]
        form = ["-F", "json"] if self._well_formed else ["-w"]
        return ["qstat", "-t", "-f", *form, *(["-E"] if count > 1 else []), *(["-x"] if self.history else [])]


@dataclass
class _Part:
    """The ids of one question."""

    ids: Sequence[str]
    is_divided: bool = False

    def divide(self) -> None:
        self.is_divided = True


def _halving(ids: Sequence[str]) -> Iterator[_Part]:
    """Yields all ids as one question, and the halves of each question that was marked as divided."""
    parts = [_Part(ids)] if ids else []
    while parts:
        part = parts.pop()
        yield part
        if part.is_divided:
            half = len(part.ids) // 2
            parts += [_Part(part.ids[half:]), _Part(part.ids[:half])]
