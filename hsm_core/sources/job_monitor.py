"""Learns from schedulers what became of a sweep's jobs whose workers have not told it themselves."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from hsm_core.schedulers.interface import NoAnswer, Scheduler, Sight
from hsm_core.store.disk import visibility_s
from hsm_core.store.requests import asked_to_end
from hsm_core.store.state.jobs import JobWord, Key, SubmissionState
from hsm_core.store.state.sweep_state import SweepState

from . import job_ends
from .poll_interval import LEAST_S, Cadence
from .shared_poll import Answer, Asker, number_of
from .stalled_jobs import Stalled, named

#: An element that a scheduler does not know any more is gone when it said so that often.
TIMES_GONE = 2
#: Beats of silence after which a worker's job is asked about.
SILENT_BEATS = 3
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

    def asked_as(self, element: str) -> str:
        """The id that its scheduler knows it by; of a submission's only job nobody here knows if it is an array."""
        return self.line.native_id if self.line.is_one_job else element


class JobWatch:
    """Watches the jobs of one sweep, whichever launcher submitted them.

    Args:
        scheduler_of: makes the dialect that a submission's ``backend`` names.
        beat_s: seconds between two beats of a worker.
        times_gone: answers without a job after which it is gone; 1 will do for who only looks.
        young_s: see ``YOUNG_S``; 0 for who has just cancelled the jobs, so that their scheduler knew them.
    """

    def __init__(
        self, state: SweepState, scheduler_of: Callable[[str], Scheduler], *, beat_s: float = 5.0,
        times_gone: int = TIMES_GONE, young_s: float = YOUNG_S,
    ) -> None:  # fmt: skip
        self._state, self._scheduler_of, self._beat_s = state, scheduler_of, beat_s
        self._times_gone, self._young_s = times_gone, young_s
        self._cadence = Cadence(time.monotonic())
        self._schedulers: dict[str, Scheduler] = {}
        self._askers: dict[str, Asker] = {}
        self._watched: dict[Key, _Watched] = defaultdict(_Watched)
        self._disturbed: set[str] = set()
        self._sought: set[str] = set()
        self._grace_s = visibility_s(state.paths.root)
        self.trouble = ""
        self.stalled = Stalled()
        self._stuck: set[tuple[str, str]] = set()

    def disturb(self) -> None:
        """Ask soon: something was submitted or cancelled."""
        self._cadence.disturb(time.monotonic())

    def look(self) -> bool:
        """Ask if it is time to, and tell the state what was said. True if there was an answer."""
        if not self._state.jobs:
            return False
        now = time.monotonic()
        self._heed_events(now)
        if not self._cadence.is_due(now):
            return False
        return self.look_now(now - self._cadence.interval(now))

    def delete_stuck(self) -> None:
        """Take jobs that their scheduler has given up out of its queue, where it leaves that to us."""
        for name, native_id in sorted(self._stuck):
            with suppress(NoAnswer):  # tried again at the next look
                self.scheduler(name).cancel([native_id])
                self._stuck.discard((name, native_id))

    def settle(self) -> None:
        """Ask until nothing is in doubt that a further question could clear up."""
        for _ in range(self._times_gone + 1):
            if self._state.jobs:
                self.look_now(time.monotonic() - LEAST_S)
            if not any(0 < seen.missed < self._times_gone for seen in self._watched.values()):
                return
            time.sleep(LEAST_S)

    def look_now(self, not_before: float) -> bool:
        """Ask; an answer of another sweep's question serves too, if it is not older than ``not_before``."""
        asked = False
        open_jobs = self._open_jobs()
        self._find_unanswered()
        for name, lines in self._by_scheduler(open_jobs).items():
            scheduler = self.scheduler(name)
            if name not in self._askers:
                self._askers[name] = Asker(scheduler)
            answer = self._askers[name].ask([line.native_id for line in lines], not_before)
            if answer is not None:
                asked |= self._take(scheduler, answer, lines, open_jobs)
        if not open_jobs:
            self._cadence.asked(time.monotonic())
        self._state.take_job_words({key: seen.word for key, seen in self._watched.items() if seen.word is not None})
        return asked

    def scheduler(self, name: str) -> Scheduler:
        """The dialect that a submission's ``backend`` names."""
        if name not in self._schedulers:
            self._schedulers[name] = self._scheduler_of(name)
        return self._schedulers[name]

    # what brings a question forward

    def _heed_events(self, now: float) -> None:
        """A worker that ended or fell silent before its tasks did: its scheduler knows more."""
        holders = {task.worker for task in self._state.tasks.values() if task.state in ("running", "lost")}
        for worker in self._state.workers():
            silent = now - worker.heard_at > SILENT_BEATS * self._beat_s
            if not (silent or worker.sealed or self._state.death_of(worker.name)):
                self._disturbed.discard(worker.name)
            elif worker.name in holders and worker.name not in self._disturbed:
                self._disturbed.add(worker.name)
                self._cadence.disturb(now)

    def _heard(self) -> dict[str, bool]:
        """The jobs whose workers have spoken: whether of late, so that they live, whatever a queue knows of them."""
        since = time.monotonic() - SILENT_BEATS * self._beat_s
        return {
            worker.native_id:
            worker.heard_at > since and not worker.sealed and not self._state.death_of(worker.name)
            for worker in self._state.workers()
        }  # fmt: skip

    # what is open

    def _open_jobs(self) -> set[Key]:
        """Jobs of which a task has no last word."""
        found = set()
        for number, task in self._state.tasks.items():
            if task.state in ("queued", "running", "lost"):
                key = self._state.jobs.key_of(number)
                if key is not None and not self._watched[key].is_gone:
                    found.add(key)
        return found

    def _by_scheduler(self, open_jobs: set[Key]) -> Mapping[str, list[SubmissionState]]:
        names = {name for name, _ in open_jobs}
        found: dict[str, list[SubmissionState]] = defaultdict(list)
        for line in self._state.jobs.submissions():
            if line.name in names and line.native_id:
                found[line.source].append(line)
        return found

    def _find_unanswered(self) -> None:
        """Submissions whose conductor died before it had an answer."""
        for line in self._state.jobs.submissions():
            if line.native_id or line.name in self._sought or not self._state.death_of(line.by):
                continue
            self._sought.add(line.name)
            try:
                line.native_id = self.scheduler(line.source).find(line.token) or ""
            except NoAnswer as error:
                self.trouble = error.evidence or error.problem
                self._sought.discard(line.name)
                continue
            if not line.native_id:
                never = JobWord("ended", reason="launch", evidence=f"not submitted to {line.source}")
                self._watched.update((key, _Watched(never)) for key, _ in line.batches())

    # what an answer means

    def _take(self, scheduler: Scheduler, answer: Answer, lines: list[SubmissionState], open_jobs: set[Key]) -> bool:
        self._cadence.asked(answer.at)
        self.trouble = answer.trouble
        if answer.sights is None:
            return False
        by_name = {line.name: line for line in lines}
        unknown: dict[str, _Missing] = {}
        stuck: dict[str, set[str]] = defaultdict(set)
        stalled: list[tuple[SubmissionState, str, Sight]] = []
        began = {worker.native_id for worker in self._state.workers()}
        for key in open_jobs:
            line = by_name.get(key[0])
            if line is None:
                continue
            seen, element = self._watched[key], scheduler.element(line.native_id, key[1])
            sight = answer.sights.get(element) or answer.sights.get(line.native_id)
            if sight is not None:
                seen.missed = 0
                if sight.hopeless or sight.until:
                    stalled.append((line, element, sight))
                if sight.stuck:
                    stuck[line.name].add(element)
                    if not self._state.death_of(line.by):  # who submitted it would only submit it again
                        sight = replace(sight, state="failed")
                one = _Missing(seen, line, key[1])
                told = self._dropped(scheduler, sight, element, one, began) if sight.untold else None
                self._note(seen, told or self._explained(sight, one, began), answer.at)
            elif seen.word is None or seen.word.phase != "ended":
                seen.missed += 1
                unknown[element] = _Missing(seen, line, key[1])
        self._note_unknown(scheduler, unknown, answer, began)
        for name, elements in stuck.items():
            ids = named(by_name[name], elements)
            self._stuck.update((by_name[name].source, native_id) for native_id in ids)
        self.stalled.take(stalled)
        return True

    def _explained(self, sight: Sight, one: _Missing, began: Collection[str]) -> Sight:
        return job_ends.explained(sight, self._state.paths, one.line, one.batch, began)

    def _note(self, seen: _Watched, sight: Sight, at: float) -> None:
        seen.waited_at = at if sight.phase == "waiting" else None
        if sight.phase != "ended":
            seen.ended_at = None
            never = ": will never start (hsm queue)" if sight.hopeless else ""
            until = f": {sight.until}" if sight.until else ""
            seen.word = JobWord(sight.phase, why=f"{sight.why}{never}{until}")
            return
        seen.ended_at = at if seen.ended_at is None else seen.ended_at
        if at - seen.ended_at >= self._grace_s:  # by now all that its worker wrote can be read here
            seen.word = JobWord("ended", sight.state, sight.reason, sight.evidence, node=sight.node)
        else:
            self._cadence.disturb(at)

    def _note_unknown(
        self, scheduler: Scheduler, unknown: Mapping[str, _Missing], answer: Answer, began: Collection[str]
    ) -> None:
        """Jobs that the queue does not name: once may be an accident; then the accounting is asked, and about each.

        An accounting that does not answer twice is as good as none. What the queue itself does not call unknown, is.
        """
        if not unknown:
            return
        gone = {name: one for name, one in unknown.items() if one.seen.missed >= self._times_gone}
        if len(gone) < len(unknown):
            self._cadence.disturb(answer.at)
        if not gone:
            return
        try:
            known = dict(scheduler.look_back(gone, min(one.line.at for one in unknown.values())))
        except NoAnswer as error:
            self.trouble, known = error.evidence or error.problem, {}
            self._cadence.disturb(answer.at)
            gone = {name: one for name, one in gone.items() if one.seen.missed > self._times_gone}
        told = {
            name: sight for name, one in gone.items() if (sight := known.get(name) or known.get(one.asked_as(name)))
        }
        for name, sight in told.items():
            self._note(gone[name].seen, self._explained(sight, gone[name], began), answer.at)
        self._note_vanished(scheduler, {name: gone[name] for name in gone.keys() - told.keys()}, answer, began)

    def _note_vanished(
        self, scheduler: Scheduler, silent: Mapping[str, _Missing], answer: Answer, began: Collection[str]
    ) -> None:
        """Jobs of which neither queue nor accounting says anything, unless they are young or their worker speaks."""
        heard = self._heard()
        doubtful = {name: one for name, one in silent.items() if not self._may_live(name, one, heard)}
        if not doubtful:
            return
        try:
            gone = set(scheduler.unknown([one.asked_as(name) for name, one in doubtful.items()]))
            keeps_s = scheduler.keeps_ended_s()
        except NoAnswer as error:
            self.trouble = error.evidence or error.problem
            self._cadence.disturb(answer.at)
            return
        is_asked = asked_to_end(self._state.paths)
        arrays = {number_of(native_id) for native_id in answer.sights or ()}
        for name, one in doubtful.items():
            if one.asked_as(name) in gone:
                waited_at = one.seen.waited_at if number_of(name) in arrays else None
                has_not_run = waited_at is not None and answer.at - waited_at < keeps_s
                sight = job_ends.vanished(
                    name, scheduler.name, self._state.paths, one.line, one.batch, is_asked, has_not_run=has_not_run
                )
                self._note(one.seen, self._dropped(scheduler, sight, name, one, began), answer.at)
                one.seen.is_gone = one.seen.word is not None and one.seen.word.phase == "ended"

    def _may_live(self, native_id: str, one: _Missing, heard: Mapping[str, bool]) -> bool:
        """A worker that speaks is alive; a job that no answer has named, and that has not begun, may be too young."""
        is_new = one.seen.word is None and time.time() - one.line.at < self._young_s
        has_begun = is_new and job_ends.has_begun(self._state.paths, one.line, one.batch)
        return heard.get(native_id, heard.get(one.line.native_id, is_new and not has_begun))

    def _dropped(
        self, scheduler: Scheduler, sight: Sight, name: str, one: _Missing, began: Collection[str]
    ) -> Sight:
        """What became of a job that is gone and told nothing."""
        sight = self._explained(sight, one, began)
        has_begun = any(self._state.tasks[task].state != "queued" for task, _ in one.line.pairs_of(one.batch))
        if not scheduler.why_dropped or has_begun or name in began or one.line.native_id in began:
            return sight
        is_watched = not self._state.death_of(one.line.by)
        return job_ends.dropped(
            sight, scheduler, self._state.paths, one.line, one.batch, one.seen.word, is_watched=is_watched
        )
