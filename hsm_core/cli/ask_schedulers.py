"""Asks schedulers about the jobs of sweeps that are shown, and does not wait long for the answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hsm_core.errors import HsmError
from hsm_core.store.lease import living_conductor
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.text import clean

if TYPE_CHECKING:
    from hsm_core.sources.interface import Polled
    from hsm_core.sources.job_monitor import JobMonitor
    from hsm_core.sources.source_thread import Answer

#: Seconds after which what the workers said has to do.
PATIENCE_S = 4.0
#: Seconds of these that are spent on waiting for files: who asks ends soon, and what was not copied, later is.
FILES_S = 2.5
#: How old another sweep's answer may be.
RECENT_S = 5.0


class JobQuestions:
    """Asks about the jobs of a sweep that was just read, and adds the answers to its state, when called with it.

    Args:
        cancelled: their schedulers have just cancelled the jobs: one that is not named then is gone.
        follows: it is called often, by somebody who waits for what comes: machines behind SSH are asked each time,
            and an answer that is late is taken next time.
        times_gone: answers without a job after which it is gone: one to show it, two to act on it.
    """

    def __init__(self, times_gone: int = 1, *, cancelled: bool = False, follows: bool = False) -> None:
        self._times_gone, self._cancelled, self._follows = times_gone, cancelled, follows
        self._questions: dict[tuple[Path, bool], list[_Question]] = {}

    def __call__(self, state: SweepState) -> str:
        """Asks: at once the first time, then ever more seldom; where a conductor lives, its answers serve.

        Returns:
            what is to be said if there was no answer, in one line.
        """
        if not state.jobs or not state.numbers_in("queued", "running", "lost"):
            return ""
        from hsm_core.sources.job_monitor import MOST_S

        is_conducted = living_conductor(state.paths) is not None
        place = state.paths.place, is_conducted  # where nobody conducts any more, there is more to ask
        is_new = place not in self._questions
        try:
            questions = self._questions[place] if not is_new else self._of(state, is_conducted)
        except HsmError as error:
            return clean(f"the scheduler did not answer: {error.problem}")
        self._questions[place] = questions
        age_s = MOST_S if is_conducted else RECENT_S if is_new else None
        deadline = time.monotonic() + (0.0 if self._follows else PATIENCE_S)
        for question in questions:
            question.put(age_s)
        return clean(next(filter(None, [question.answer(deadline) for question in questions]), ""))

    def _of(self, state: SweepState, is_conducted: bool) -> list[_Question]:
        from hsm_core.sources.job_monitor import JobMonitor
        from hsm_core.sources.queue.job_poll import TIMES_GONE, YOUNG_S
        from hsm_core.sources.registry import rebuild

        times, young_s = TIMES_GONE if is_conducted else self._times_gone, 0.0 if self._cancelled else YOUNG_S
        used = {submission.source for submission in state.jobs.submissions()}
        records = [
            record for record in state.sources.values()
            if record.name in used and not (is_conducted and record.kind == "host")  # its conductor fetches it all
        ]  # fmt: skip
        files_s = 0.0 if self._follows else FILES_S
        sources = rebuild(records, state.paths, times_gone=times, young_s=young_s, files_s=files_s)
        return [_Question(JobMonitor(state, source), self._follows) for source in sources]


class _Question:
    """Asks one source, in a thread of its own; takes a late answer the next time."""

    def __init__(self, monitor: JobMonitor, follows: bool) -> None:
        from hsm_core.sources.source_thread import SourceThread

        self._monitor, self._thread = monitor, SourceThread(monitor.source.name)
        self._follows, self._is_asked_always = follows, follows and monitor.source.kind == "host"
        self._pending: Answer[Polled] | None = None

    def put(self, age_s: float | None) -> None:
        """Asks if it is time to; or takes an answer that is not older than ``age_s`` seconds."""
        monitor = self._monitor
        if self._pending is None and (age_s is not None or self._is_asked_always or monitor.is_due()):
            jobs, not_before = monitor.snapshot(), monitor.not_before()
            if age_s is not None or self._is_asked_always:
                not_before = time.monotonic() - (age_s or 0.0)
            self._pending = self._thread.ask(lambda: monitor.source.poll(jobs, not_before))

    def answer(self, deadline: float) -> str:
        """Takes the answer; returns a remark for the user if there was none."""
        if self._pending is None:
            trouble = self._monitor.trouble
        elif not self._pending.wait(max(0.0, deadline - time.monotonic())):
            if self._follows:
                return ""
            return f"{self._monitor.whom} did not answer within {PATIENCE_S:.0f} s; this is what the workers reported"
        else:
            trouble, self._pending = self._taken(self._pending), None
        return f"{self._monitor.whom} did not answer: {trouble}" if trouble else ""

    def _taken(self, answer: Answer[Polled]) -> str:
        try:
            self._monitor.take(answer.take())
        except (HsmError, OSError) as error:
            return str(error).splitlines()[0]
        return self._monitor.trouble
