"""Finds the jobs that a scheduler is to end, and proves first that they are this sweep's: a record may name any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hsm_core.errors import NoAnswer
from hsm_core.model import counted
from hsm_core.schedulers.interface import Scheduler
from hsm_core.store.job_names import find_tokens, token_in
from hsm_core.store.layout import SweepPaths
from hsm_core.store.state.jobs import SubmissionState

from ..snapshot import Snapshot
from .job_poll import YOUNG_S, is_young
from .shared_poll import number_of

#: Native ids of jobs, arrays or elements, and the submission that each is said to be of.
Wanted: TypeAlias = Mapping[str, SubmissionState]
#: Doubts that a message names.
_MOST_TOLD = 3


@dataclass
class _Proof:
    """Ids that are the sweep's, and why others were not found to be; a job that is gone is in neither."""

    own: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    silence: NoAnswer | None = None


class OwnJobs:
    """The jobs of one scheduler that are this sweep's.

    Those are, that the scheduler accepted from this process. Any other id is a record's word: it must have the form
    of an id, and the scheduler must say that the job's name is the submission's token. The token must have the form
    of one, and be no other sweep's on the user's list.
    """

    def __init__(self, scheduler: Scheduler, paths: SweepPaths) -> None:
        self._scheduler, self._paths = scheduler, paths
        self._accepted: set[str] = set()

    def accept(self, native_id: str) -> None:
        """The scheduler itself has just told this process this id."""
        self._accepted.add(native_id)

    def cancel(self, wanted: Wanted, *, at_once: bool = False) -> int:
        """Cancels those that are proven to be the sweep's, after one question about all; returns how many.

        Raises:
            NoAnswer: some were not cancelled, as nobody says that they are the sweep's; it tells which and why. Or
                the scheduler did not obey.
        """
        proof = self._prove(wanted)
        if proof.own:
            self._scheduler.cancel(proof.own, at_once=at_once)
        if proof.silence is not None:
            left = counted(len(wanted) - len(proof.own) - len(proof.doubts), "job")
            problem = f"{left} not cancelled: {proof.silence.problem}"
            raise NoAnswer(problem, evidence=proof.silence.evidence, fix=proof.silence.fix)
        if proof.doubts:
            more = len(proof.doubts) - _MOST_TOLD
            told = [*proof.doubts[:_MOST_TOLD], *([f"{more} more"] if more > 0 else [])]
            problem = f"{counted(len(proof.doubts), 'job')} not cancelled: not known to be this sweep's"
            raise NoAnswer(problem, evidence="; ".join(told), fix="hsm queue    # all jobs of yours, by name")
        return len(proof.own)

    def throttle(self, shares: Mapping[str, int], wanted: Wanted) -> list[str]:
        """Sets how many elements of arrays may run at once; arrays that are not the sweep's stay as they are.

        Args:
            shares: by native id; ``wanted`` has the same ids.

        Returns:
            The ids about which nothing is left to do.
        """
        proof = self._prove(wanted)
        if proof.silence is not None:
            return []
        settled = set(wanted) - set(proof.own)
        for native_id in proof.own:
            try:
                self._scheduler.throttle(native_id, shares[native_id])
            except NoAnswer:
                continue
            settled.add(native_id)
        return sorted(settled)

    def _prove(self, wanted: Wanted) -> _Proof:
        proof = _Proof([one for one, line in wanted.items() if line.native_id in self._accepted])
        others = {one: line for one, line in wanted.items() if line.native_id not in self._accepted}
        for native_id, why in self._malformed(others):
            proof.doubts.append(why)
            del others[native_id]
        if not others:
            return proof
        try:
            names = self._names(others)
        except NoAnswer as error:
            proof.silence = error
            return proof
        for native_id, line in others.items():
            shown = names.get(number_of(native_id), set())
            if shown == {line.token}:
                proof.own.append(native_id)
            elif shown:
                proof.doubts.append(f"the name of job {native_id} is {_listed(shown)}, not '{line.token}'")
            elif is_young(line, YOUNG_S):
                proof.doubts.append(f"{self._scheduler.name} does not show job {native_id} yet")
        return proof

    def _malformed(self, wanted: Wanted) -> list[tuple[str, str]]:
        """Returns ids that no question can be about, or whose submission no job of this sweep can have; and why."""
        found = []
        strangers = dict(self._of_other_sweeps({line.token for line in wanted.values()}))
        for native_id, line in wanted.items():
            if not self._scheduler.is_id(native_id):
                found.append((native_id, f"{native_id[:40]!r} is not a job id"))
            elif token_in(line.token) != line.token:
                found.append((native_id, f"{line.token[:40]!r}, the name of {line.name}, is not one of hsm"))
            elif line.token in strangers:
                found.append((native_id, f"job {native_id} is of another sweep, {strangers[line.token]}"))
        return found

    def _of_other_sweeps(self, tokens: Collection[str]) -> Iterator[tuple[str, str]]:
        here = self._paths.place.resolve()
        for token, named in (find_tokens(tokens) if tokens else {}).items():
            if named.root.resolve() != here:
                yield token, named.sweep

    def _names(self, wanted: Wanted) -> Mapping[str, set[str]]:
        """Asks once; returns the names of jobs by their number.

        Raises:
            NoAnswer: nothing is known.
        """
        asked = {
            line.native_id if number_of(line.native_id) == number_of(one) else one for one, line in wanted.items()
        }  # fmt: skip
        names: dict[str, set[str]] = defaultdict(set)
        for native_id, status in self._scheduler.poll(sorted(asked)).items():
            names[number_of(native_id)].add(status.name)
        return names


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name[:40]) for name in sorted(names)[:_MOST_TOLD])


def jobs_of_none_but(jobs: Snapshot, tasks: Sequence[int], scheduler: Scheduler) -> Wanted:
    """Returns jobs all of whose unfinished tasks are among these: they can be cancelled as a whole."""
    meant, found = set(tasks), dict[str, SubmissionState]()
    for line in jobs.lines:
        if not line.native_id:
            continue
        batches: dict[int, list[int]] = {}
        for (_, batch), (number, _) in line.batches():
            if jobs.unended.get(number) in ("queued", "running"):
                batches.setdefault(batch, []).append(number)
        wanted = [batch for batch, numbers in batches.items() if meant.issuperset(numbers)]
        if len(wanted) == len(batches):  # a plain job has no elements
            found |= {line.native_id: line} if wanted else {}
        else:
            found |= {scheduler.element(line.native_id, batch): line for batch in wanted}
    return found


def idle_jobs(jobs: Snapshot, scheduler: Scheduler) -> Wanted:
    """Returns jobs that wait in the queue though all their tasks have ended: Slurm holds them so after an outage.

    Raises:
        NoAnswer: the scheduler does not answer.
    """
    lines = [line for line in jobs.lines if scheduler.is_id(line.native_id)]
    statuses = scheduler.poll([line.native_id for line in lines]) if lines else {}
    found: dict[str, SubmissionState] = {}
    busy: set[str] = set()
    for line in lines if statuses else ():
        for (_, batch), (number, _) in line.batches():
            status = statuses.get(scheduler.element(line.native_id, batch)) or statuses.get(line.native_id)
            is_ours = status is not None and status.name in ("", line.token)  # ids may be given anew
            if status is not None and is_ours and status.phase == "waiting":
                found[status.native_id] = line
                busy |= {status.native_id} if number in jobs.unended else set()
    idle = {native_id: line for native_id, line in found.items() if native_id not in busy}
    return idle | dict(_strays(jobs, scheduler))


def _strays(jobs: Snapshot, scheduler: Scheduler) -> Iterator[tuple[str, SubmissionState]]:
    """Yields jobs under a submission's name that its launcher never heard of, if all tasks of it have ended.

    They show up where a site hands a job on late, and its submit command had said that nothing was accepted.
    """
    waiting = [status for status in scheduler.queue() if status.phase == "waiting"] if jobs.lines else []
    for line in jobs.lines if waiting else ():
        batches = list(line.batches())
        if not any(number in jobs.unended for _, (number, _) in batches):
            own = str(line.native_id)
            known = {own, *(scheduler.element(own, batch) for (_, batch), _ in batches)}
            named = [one.native_id for one in waiting if one.name == line.token]
            yield from ((one, line) for one in named if one not in known)
