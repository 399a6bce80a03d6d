"""Asks a scheduler what became of a sweep's jobs, and says what its answers mean."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from hsm_core.schedulers.interface import JobStatus, NoAnswer, Scheduler
from hsm_core.store.disk import visibility_s
from hsm_core.store.job_names import token_in
from hsm_core.store.layout import SweepPaths
from hsm_core.store.requests import asked_to_end
from hsm_core.store.state.jobs import JobWord, Key, SubmissionState

from ..interface import Polled
from ..snapshot import Snapshot
from . import job_ends
from .shared_poll import Answer, Asker, number_of
from .stalled_jobs import Stalled, named

#: An element that a scheduler does not know any more is gone when it said so that often.
TIMES_GONE = 2
#: Seconds after its submission within which a job that no answer has named yet is not gone: some sites let squeue
#: answer from a cache.
YOUNG_S = 60.0


@dataclass
class _Watched:
    """A job, by what was seen of it so far; times are monotonic. One that is gone is not asked about again."""

    word: JobWord | None = None
    missed: int = 0
    is_gone: bool = False
    ended_at: float | None = None
    waited_at: float | None = None


@dataclass(frozen=True)
class _Missing:
    """A job that an answer does not name: its submission, and which batch of it."""

    seen: _Watched
    line: SubmissionState
    batch: int

    @property
    def key(self) -> Key:
        return self.line.name, self.batch

    def asked_as(self, element: str) -> str:
        """The id that its scheduler knows it by; of a submission's only job nobody here knows if it is an array."""
        return self.line.native_id if self.line.is_one_job else element


class JobPoll:
    """Polls a scheduler for the jobs of one source, whichever launcher submitted them.

    Args:
        times_gone: answers without a job after which it is gone; 1 will do for who only shows it.
        young_s: see ``YOUNG_S``; 0 for who has just cancelled the jobs, so that their scheduler knew them.

    Attributes:
        trouble: why it did not answer when it was last asked.
    """

    def __init__(
        self, scheduler: Scheduler, paths: SweepPaths, *, times_gone: int = TIMES_GONE, young_s: float = YOUNG_S
    ) -> None:
        self._scheduler, self._paths = scheduler, paths
        self._times_gone, self._young_s = times_gone, young_s
        self._asker: Asker | None = None
        self._watched: dict[Key, _Watched] = defaultdict(_Watched)
        self._found: dict[str, str | None] = {}
        self._grace_s = visibility_s(paths.root)
        self._stalled = Stalled()
        self._stuck: set[str] = set()
        self._ask_soon = False
        self.trouble = ""

    def poll(self, jobs: Snapshot, not_before: float) -> Polled:
        """See ``RunningSource.poll``."""
        open_jobs = {key for key in jobs.open if not self._watched[key].is_gone}
        self._find_unanswered(jobs)
        lines = [self._with_id(line) for line in jobs.lines]
        names = {name for name, _ in open_jobs}
        asked = [line for line in lines if line.name in names and line.native_id]
        answer, self._ask_soon = self._ask(asked, not_before) if asked else None, False
        if answer is not None:
            self.trouble = answer.trouble
            self._take(answer, jobs, {line.name: line for line in asked}, open_jobs)
        return Polled(
            words={key: seen.word for key, seen in self._watched.items() if seen.word is not None},
            is_answer=answer is not None and answer.statuses is not None,
            at=answer.at if answer is not None else None if open_jobs else time.monotonic(),
            trouble=self.trouble, ask_soon=self._ask_soon, has_stuck=bool(self._stuck),
            in_doubt=any(0 < seen.missed < self._times_gone for seen in self._watched.values()),
            found={name: native_id for name, native_id in self._found.items() if native_id is not None},
            hopeless=dict(self._stalled.hopeless), held=dict(self._stalled.held),
        )  # fmt: skip

    def delete_stuck(self) -> None:
        """Takes jobs that their scheduler has given up out of its queue, where it leaves that to us."""
        for native_id in sorted(self._stuck):
            with suppress(NoAnswer):  # tried again next time
                self._scheduler.cancel([native_id])
                self._stuck.discard(native_id)

    def _ask(self, lines: Iterable[SubmissionState], not_before: float) -> Answer | None:
        self._asker = self._asker or Asker(self._scheduler)
        return self._asker.ask([line.native_id for line in lines], not_before)

    def _with_id(self, line: SubmissionState) -> SubmissionState:
        """A submission with the id that was found for it, if it has none; and without what can't be an id."""
        if line.native_id and not self._scheduler.is_id(line.native_id):
            return replace(line, native_id="")
        found = self._found.get(line.name)
        return line if line.native_id or found is None else replace(line, native_id=found)

    def _find_unanswered(self, jobs: Snapshot) -> None:
        """Submissions whose conductor died before it had an answer."""
        for line in jobs.lines:
            if line.native_id or line.name in self._found or line.by not in jobs.dead:
                continue
            try:
                native_id = self._scheduler.find(line.token)
            except NoAnswer as error:
                self.trouble = error.evidence or error.problem
                continue
            self._found[line.name] = native_id
            if native_id is None:
                never = JobWord("ended", reason="launch", evidence=f"not submitted to {line.source}")
                self._watched.update((key, _Watched(never)) for key, _ in line.batches())

    # what an answer means

    def _take(
        self, answer: Answer, jobs: Snapshot, lines: Mapping[str, SubmissionState], open_jobs: set[Key]
    ) -> None:
        unknown: dict[str, _Missing] = {}
        stuck: dict[str, set[str]] = defaultdict(set)
        stalled: list[tuple[SubmissionState, str, JobStatus]] = []
        for key in open_jobs if answer.statuses is not None else ():
            line = lines.get(key[0])
            if line is None:
                continue
            seen, element = self._watched[key], self._scheduler.element(line.native_id, key[1])
            one = _Missing(seen, line, key[1])
            status = (answer.statuses or {}).get(element) or (answer.statuses or {}).get(line.native_id)
            if status is not None:
                seen.missed = 0
                if status.hopeless or status.until:
                    stalled.append((line, element, status))
                if status.stuck and status.name == line.token == token_in(line.token):
                    stuck[line.name].add(element)
                    if line.by not in jobs.dead:  # who submitted it would only submit it again
                        status = replace(status, state="failed")
                told = self._dropped(status, element, one, jobs) if status.untold else None
                self._note(seen, told or self._explained(status, one, jobs), answer.at)
            elif seen.word is None or seen.word.phase != "ended":
                seen.missed += 1
                unknown[element] = one
        self._note_unknown(unknown, answer, jobs)
        for name, elements in stuck.items():
            self._stuck.update(named(lines[name], elements))
        self._stalled.take(stalled)

    def _explained(self, status: JobStatus, one: _Missing, jobs: Snapshot) -> JobStatus:
        return job_ends.explained(status, self._paths, one.line, one.batch, jobs.heard)

    def _note(self, seen: _Watched, status: JobStatus, at: float) -> None:
        seen.waited_at = at if status.phase == "waiting" else None
        if status.phase != "ended":
            seen.ended_at = None
            never = ": will never start (hsm queue)" if status.hopeless else ""
            until = f": {status.until}" if status.until else ""
            seen.word = JobWord(status.phase, why=f"{status.why}{never}{until}")
            return
        seen.ended_at = at if seen.ended_at is None else seen.ended_at
        if at - seen.ended_at >= self._grace_s:  # by now all that its worker wrote can be read here
            seen.word = JobWord("ended", status.state, status.reason, status.evidence, node=status.node)
        else:
            self._ask_soon = True

    def _note_unknown(self, unknown: Mapping[str, _Missing], answer: Answer, jobs: Snapshot) -> None:
        """Jobs that the queue does not name: once may be an accident; then the accounting is asked, and about each.

        An accounting that does not answer twice is as good as none. What the queue itself does not call unknown, is.
        """
        if not unknown:
            return
        gone = {name: one for name, one in unknown.items() if one.seen.missed >= self._times_gone}
        self._ask_soon |= len(gone) < len(unknown)
        if not gone:
            return
        try:
            known = dict(self._scheduler.poll_accounting(gone, min(one.line.at for one in unknown.values())))
        except NoAnswer as error:
            self.trouble, known = error.evidence or error.problem, {}
            self._ask_soon = True
            gone = {name: one for name, one in gone.items() if one.seen.missed > self._times_gone}
        told = {
            name: status for name, one in gone.items() if (status := known.get(name) or known.get(one.asked_as(name)))
        }
        for name, status in told.items():
            self._note(gone[name].seen, self._explained(status, gone[name], jobs), answer.at)
        self._note_vanished({name: gone[name] for name in gone.keys() - told.keys()}, answer, jobs)

    def _note_vanished(self, silent: Mapping[str, _Missing], answer: Answer, jobs: Snapshot) -> None:
        """Jobs of which neither queue nor accounting says anything, unless they are young or their worker speaks."""
        doubtful = {name: one for name, one in silent.items() if not self._may_live(name, one, jobs.heard)}
        if not doubtful:
            return
        try:
            gone = set(self._scheduler.unknown([one.asked_as(name) for name, one in doubtful.items()]))
            keeps_s = self._scheduler.keeps_ended_s()
        except NoAnswer as error:
            self.trouble = error.evidence or error.problem
            self._ask_soon = True
            return
        is_asked = asked_to_end(self._paths)
        arrays = {number_of(native_id) for native_id in answer.statuses or ()}
        for name, one in doubtful.items():
            if one.asked_as(name) in gone:
                waited_at = one.seen.waited_at if number_of(name) in arrays else None
                has_not_run = waited_at is not None and answer.at - waited_at < keeps_s
                status = job_ends.vanished(
                    name, self._scheduler.name, self._paths, one.line, one.batch, is_asked, has_not_run=has_not_run
                )
                self._note(one.seen, self._dropped(status, name, one, jobs), answer.at)
                one.seen.is_gone = one.seen.word is not None and one.seen.word.phase == "ended"

    def _may_live(self, native_id: str, one: _Missing, heard: Mapping[str, bool]) -> bool:
        """A worker that speaks is alive; a job that no answer has named, and that has not begun, may be too young."""
        is_new = one.seen.word is None and is_young(one.line, self._young_s)
        has_begun = is_new and job_ends.has_begun(self._paths, one.line, one.batch)
        return heard.get(native_id, heard.get(one.line.native_id, is_new and not has_begun))

    def _dropped(self, status: JobStatus, name: str, one: _Missing, jobs: Snapshot) -> JobStatus:
        """Returns what became of a job that is gone and told nothing."""
        status = self._explained(status, one, jobs)
        has_begun = one.key in jobs.begun or name in jobs.heard or one.line.native_id in jobs.heard
        if not self._scheduler.why_dropped or has_begun:
            return status
        return job_ends.dropped(
            status, self._scheduler, self._paths, one.line, one.batch, one.seen.word,
            is_watched=one.line.by not in jobs.dead,
        )  # fmt: skip


def is_young(line: SubmissionState, young_s: float) -> bool:
    """Returns whether its jobs may be too new to be shown in the queue."""
    return time.time() - line.at < young_s
