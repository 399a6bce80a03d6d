"""One question to a scheduler for all sweeps of a user on this machine, its answer shared on local disk."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypedDict

from hsm_core.processes.identity import this_boot
from hsm_core.processes.local_folder import own_folder
from hsm_core.schedulers.interface import JobStatus, NoAnswer, Scheduler
from hsm_core.schedulers.registry import variables_of
from hsm_core.store.files import Document, to_line, write_atomically

#: Seconds for which a sweep's jobs are asked about by others, after it asked itself.
_WANTED_S = 300.0


@dataclass(frozen=True)
class Answer:
    """An answer of a scheduler, and when it came, by the machine's monotonic clock.

    Args:
        statuses: None if it did not answer; ``trouble`` then says how.
    """

    at: float
    statuses: Mapping[str, JobStatus] | None
    trouble: str = ""


class _Known(TypedDict):
    """The shared file: when who asked about what, for how long each is wanted, and the answer."""

    at: float
    boot: str
    asked: list[str]
    wanted: dict[str, float]
    statuses: list[Document] | None
    trouble: str


class Asker:
    """Asks a scheduler, unless another process of this user just did."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        choosing = (*variables_of(scheduler.name), "PATH")  # they make two processes talk to the same scheduler
        chosen = json.dumps([scheduler.name, *(os.environ.get(name, "") for name in choosing)])
        self._path = own_folder() / f"polled-{scheduler.name}-{sha256(chosen.encode()).hexdigest()[:12]}.json"

    def ask(self, ids: Collection[str], not_before: float) -> Answer | None:
        """Asks the scheduler about these jobs.

        Args:
            not_before: an answer of this time or later serves too.

        Returns:
            None while another process is asking.
        """
        with self._locked() as is_ours:
            if not is_ours:
                return None
            known = self._read()
            if known is not None and known["at"] >= not_before and set(ids) <= set(known["asked"]):
                return _answer(known)
            return self._ask(self._wanted(known, ids))

    def _ask(self, wanted: dict[str, float]) -> Answer:
        try:
            statuses = self._scheduler.poll(wanted)
            told: list[Document] | None = [vars(status) for status in statuses.values()]
            trouble = ""
        except NoAnswer as error:
            told, trouble = None, error.evidence or error.problem
        seen = {number_of(one["native_id"]) for one in told or ()}
        lives = {name: until for name, until in wanted.items() if told is None or number_of(name) in seen}
        found = _Known(
            at=time.monotonic(), boot=this_boot(), asked=sorted(wanted), wanted=lives, statuses=told, trouble=trouble
        )
        self._write(found)
        return _answer(found)

    def _wanted(self, known: _Known | None, ids: Collection[str]) -> dict[str, float]:
        now = time.monotonic()
        wanted = known["wanted"] if known is not None else {}
        still = {name: until for name, until in wanted.items() if until > now}
        return still | dict.fromkeys(ids, now + _WANTED_S)

    def _read(self) -> _Known | None:
        try:
            found: _Known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if found.get("boot") == this_boot() else None

    def _write(self, found: _Known) -> None:
        with contextlib.suppress(OSError):  # a full local disk: then everybody asks for himself
            write_atomically(self._path, to_line(found))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[bool]:
        descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(descriptor)


def number_of(native_id: str) -> str:
    """Returns the number that all elements of an array share: ``17`` of ``17_3`` and ``17[3].server``."""
    return re.split(r"\D", native_id, maxsplit=1)[0]


def _answer(found: _Known) -> Answer:
    if found["statuses"] is None:
        return Answer(found["at"], None, found["trouble"])
    return Answer(found["at"], {one["native_id"]: JobStatus(**one) for one in found["statuses"]})
