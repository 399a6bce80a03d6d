"""Runs the tasks of a worker in its slots and writes down what becomes of them; no code of the user runs in this process."""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import socket
import tempfile
import time
from pathlib import Path

from hsm_core.model import Span
from hsm_core.store import events
from hsm_core.store.journal import JournalWriter
from hsm_core.store.layout import SweepPaths
from hsm_core.store.liveness import this_host, this_process
from hsm_core.store.record import read_record
from hsm_core.store.requests import RequestReader
from hsm_core.store.submission import WorkerSpec, read_submission

from . import threads
from .attempts import Attempt, judge
from .crew import Crew, Importer
from .memory import oom_kills
from .orders import Message, Order, channel_pair
from .processes import adopt_orphans, kill_group, kill_orphans
from .work import Fences, Inbox, Pending, Work

#: Seconds between looks into the inbox, and until events are made durable.
TICK_S, SYNC_S = 0.1, 0.2
#: An importer that dies this often without a task having ended is given up.
PATIENCE = 3


def supervise(root: Path, name: str, submission: str, batch: int | None, native_id: str) -> int:
    """Be a worker until its work is done.

    Returns:
        exit code: 0 when every task of it completed, else 1.
    """
    paths = SweepPaths(root)
    spec = read_submission(paths, submission).worker
    with _held_lock(name) as lock:
        supervisor = Supervisor(paths, name, spec, native_id, lock.fileno(), lock.name)
        if batch is None:
            return supervisor.run(Inbox(paths.inbox(name)), None)
        return supervisor.run(None, f"{submission}/{batch}")


class Supervisor:
    """The loop of a worker: take work, start attempts, hear of them, end them, write it down."""

    def __init__(
        self, paths: SweepPaths, name: str, spec: WorkerSpec, native_id: str, lock: int, lock_name: str
    ) -> None:
        self._paths, self._spec = paths, spec
        self._sweep_id = read_record(paths).id
        me = this_process()
        self._journal = JournalWriter(paths.journal(name))
        self._journal.append(
            events.worker(name, me, source=spec.source, native_id=native_id, lock=lock_name, slots=spec.slots)
        )
        self._work = Work(paths, name, native_id, me, self._journal)
        self._log = paths.worker_log(name)
        self._crew = Crew(spec, lock, self._log)
        self._requests, self._fences = RequestReader(paths), Fences(paths)
        self._attempts: dict[str, Attempt] = {}
        self._free = list(range(spec.slots))[::-1]
        self._selector = selectors.DefaultSelector()
        self._bereavements = 0
        self._stops = 0
        self._failures = 0
        self._beat_at = self._synced_at = self._idle_since = time.monotonic()
        self._wake = _wake_on_signals(self._selector, self._on_stop)
        adopt_orphans()

    def run(self, inbox: Inbox | None, batch: str | None) -> int:
        """Work until there is no more."""
        self._inbox = inbox
        if batch is not None and not self._work.claim(batch):
            self._journal.seal()
            return 0
        while not self._is_done():
            self._take_work()
            self._fill_slots()
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._reap()
            self._enforce_deadlines()
            self._beat()
        return self._leave()

    # taking work

    def _take_work(self) -> None:
        if self._inbox and not self._stops:
            for batch in self._inbox.read_new():
                self._work.claim(batch)

    def _is_done(self) -> bool:
        if self._work.waiting or self._attempts:
            self._idle_since = time.monotonic()
            return False
        if self._inbox is None or self._inbox.closed or self._stops:
            return True
        idle = time.monotonic() - self._idle_since
        return idle > self._spec.idle_s or (idle > 1 and self._inbox.is_abandoned())

    def _timeout(self) -> float:
        return TICK_S

    # starting attempts

    def _fill_slots(self) -> None:
        waiting = self._work.waiting
        for pending in list(_first(waiting, len(self._free))):
            importer = self._crew.free(pending.boot)
            self._listen_to_new_importers()
            if importer is not None:
                waiting.popleft()
                self._start(pending, importer)

    def _start(self, pending: Pending, importer: Importer) -> None:
        slot = self._free.pop()
        order = Order(
            task=pending.task, attempt=pending.attempt, overrides=self._work.overrides(pending.task),
            sweep=str(self._paths.root), env=self._variables(pending, slot), threads=self._spec.threads,
            job_id=str(pending.task), nice=self._spec.nice,
        )  # fmt: skip
        ours, theirs = channel_pair()
        attempt = Attempt(order, slot, importer, ours, oom_kills())
        self._attempts[order.key] = attempt
        self._selector.register(ours.socket, selectors.EVENT_READ, lambda: self._hear(attempt))
        importer.order(self._crew.ask(), order, theirs)

    def _variables(self, pending: Pending, slot: int) -> dict[str, str | None]:
        spec = self._spec
        found: dict[str, str | None] = {
            **threads.task_share(os.environ, spec.threads), **spec.env,
            "HSM_SWEEP_ID": self._sweep_id, "HSM_TASK_ID": str(pending.task), "HSM_ATTEMPT": str(pending.attempt),
            "HSM_SOURCE": spec.source,
        }  # fmt: skip
        if spec.gpus is not None:
            found["CUDA_VISIBLE_DEVICES"] = spec.gpus[slot // spec.tasks_per_gpu] if spec.gpus else ""
        return found

    # hearing of them

    def _listen_to_new_importers(self) -> None:
        registered = self._selector.get_map()
        for importer in self._crew.importers:
            if not importer.dismissed and importer.channel.socket.fileno() not in registered:
                self._listen(importer)

    def _listen(self, importer: Importer) -> None:
        self._selector.register(
            importer.channel.socket, selectors.EVENT_READ, lambda: self._hear_importer(importer)
        )

    def _hear_importer(self, importer: Importer) -> None:
        messages = importer.channel.receive()
        if messages is None:
            self._selector.unregister(importer.channel.socket)
            return
        for message in messages:
            if message["said"] == "ready":
                self._welcome(importer, message)
            elif message["said"] == "exit":
                self._ended(message["key"], message)

    def _welcome(self, importer: Importer, message: Message) -> None:
        launch = importer.boot.parent.name
        self._crew.greet(importer, message)
        if importer.dismissed:
            self._selector.unregister(importer.channel.socket)
        self._journal.append(
            events.ready(launch, str(self._crew.mode), message["threads"], message["seconds"])
        )

    def _hear(self, attempt: Attempt) -> None:
        if attempt.order.key not in self._attempts:
            return  # it ended while this turn of the loop was under way
        messages = attempt.channel.receive()
        if messages is None:
            self._selector.unregister(attempt.channel.socket)
            if self._crew.mode == "none":
                self._ended(attempt.order.key, {"code": 0})
            return
        for message in messages:
            if message["said"] == "start":
                self._started(attempt, message)
            else:
                attempt.said = message

    def _started(self, attempt: Attempt, message: Message) -> None:
        attempt.pid = message["pid"]
        order = attempt.order
        self._journal.append(
            events.start(
                order.task, order.attempt, directory=message["dir"], suffix=message["suffix"], slot=attempt.slot,
                pid=message["pid"], host=this_host(),
            )
        )  # fmt: skip
        attempt.channel.send({"go": True})

    # their end

    def _reap(self) -> None:
        for importer in list(self._crew.importers):
            if (exited := importer.reap()) is not None:
                self._bury(importer, exited)

    def _bury(self, importer: Importer, exited: Message) -> None:
        """An importer's process has ended: its attempts with it, and if it never got ready, the launch."""
        self._crew.importers.remove(importer)
        if not importer.dismissed:
            self._hear_importer_out(importer)
        if importer.ready is None and not importer.dismissed:
            self._give_up(importer, exited)
        for key in list(importer.keys):
            attempt = self._attempts[key]
            self._hear_out(attempt)
            if self._crew.mode == "fork" and attempt.said is None and not attempt.ended_for:
                self._lose(attempt, exited)
            else:
                self._ended(key, exited)
        if importer.ready and not importer.dismissed:
            self._bereavements += 1
            if self._bereavements >= PATIENCE:
                self._give_up(importer, exited)

    def _hear_importer_out(self, importer: Importer) -> None:
        if importer.channel.socket.fileno() in self._selector.get_map():
            while importer.channel.socket.fileno() in self._selector.get_map():
                self._hear_importer(importer)
        importer.channel.close()

    def _hear_out(self, attempt: Attempt) -> None:
        """Read what an ended process had still said."""
        while (messages := attempt.channel.receive()) is not None:
            for message in messages:
                if message["said"] == "start" and attempt.pid is None:
                    self._started(attempt, message)
                elif message["said"] == "end":
                    attempt.said = message

    def _ended(self, key: str, exited: Message) -> None:
        attempt = self._attempts[key]
        self._hear_out(attempt)
        self._clean_up(attempt)
        ending = judge(attempt, exited, oom_kills())
        self._record(attempt, ending.state, ending.reason, ending.message, ending.details)
        self._bereavements = 0

    def _lose(self, attempt: Attempt, exited: Message) -> None:
        self._clean_up(attempt)
        message = f"the process that it was forked from ended first (code {exited['code']}, signal {exited['signal']})"
        self._record(attempt, "lost", None, message, {"evidence": message})

    def _record(
        self,
        attempt: Attempt,
        state: events.State,
        reason: events.Reason | None,
        message: str,
        details: Message,
    ) -> None:
        order = attempt.order
        self._failures += state != "completed"
        if attempt.ended_for != "superseded":
            self._journal.append(
                events.end(order.task, order.attempt, state, reason, message, wall=attempt.wall, **details)
            )

    def _clean_up(self, attempt: Attempt) -> None:
        """Free the slot; nothing that the attempt started may live on."""
        key = attempt.order.key
        if attempt.channel.socket.fileno() in self._selector.get_map():
            self._selector.unregister(attempt.channel.socket)
        attempt.channel.close()
        attempt.importer.keys.discard(key)
        del self._attempts[key]
        self._free.append(attempt.slot)
        if attempt.pid is not None and self._crew.mode != "none":
            kill_group(attempt.pid, signal.SIGKILL)
        marks = {
            name: str(attempt.order.env[name]) for name in ("HSM_SWEEP_ID", "HSM_TASK_ID", "HSM_ATTEMPT")
        }
        kill_orphans({importer.pid for importer in self._crew.importers}, marks)

    def _give_up(self, importer: Importer, exited: Message) -> None:
        """The app can't be imported: its tasks fail, each with its own line."""
        output = _tail(self._log, importer.log_offset)
        message = f"the app could not be imported (code {exited['code']}, signal {exited['signal']}): {_last_line(output)}"
        self._journal.append(events.broken(importer.boot.parent.name, message, output))
        hopeless = [pending for pending in self._work.waiting if pending.boot == importer.boot]
        for pending in hopeless:
            self._journal.append(events.end(pending.task, pending.attempt, "failed", "launch", message))
            self._work.waiting.remove(pending)
        self._failures += len(hopeless)

    # ending them

    def _on_stop(self) -> None:
        """TERM: end all tasks; a second one: at once."""
        self._stops += 1
        self._cancel(None)

    def _cancel(self, spans: tuple[Span, ...] | None) -> None:
        def is_meant(task: int) -> bool:
            return spans is None or any(span.first <= task < span.first + span.count for span in spans)

        for pending in [pending for pending in self._work.waiting if is_meant(pending.task)]:
            self._work.waiting.remove(pending)
            self._journal.append(events.cancel(pending.task, pending.attempt))
        for attempt in list(self._attempts.values()):
            if is_meant(attempt.order.task):
                self._end(attempt, "cancelled")

    def _end(self, attempt: Attempt, why: str) -> None:
        """TERM now, KILL after the grace time; asked again: KILL now."""
        if attempt.ended_for and self._stops < 2:
            return
        number = signal.SIGKILL if attempt.ended_for else signal.SIGTERM
        attempt.ended_for = attempt.ended_for or why
        attempt.kill_at = time.monotonic() + self._spec.grace_s
        self._signal(attempt, number)

    def _signal(self, attempt: Attempt, number: int) -> None:
        if self._crew.mode == "fork":
            attempt.importer.channel.send({"ask": "kill", "key": attempt.order.key, "signal": number})
        else:
            kill_group(attempt.importer.pid, number)

    def _enforce_deadlines(self) -> None:
        limit = self._spec.task_timeout_s
        now = time.monotonic()
        for attempt in list(self._attempts.values()):
            if attempt.kill_at is not None and now >= attempt.kill_at:
                attempt.kill_at = now + 1.0
                self._signal(attempt, signal.SIGKILL)
            elif limit and not attempt.ended_for and now - attempt.began >= limit:
                self._end(attempt, "walltime")

    # saying that we live

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._synced_at >= SYNC_S:
            self._journal.flush()
            self._journal.sync()
            self._synced_at = now
        if now - self._beat_at < self._spec.beat_s:
            return
        self._beat_at = now
        self._journal.append(events.beat())
        for spans in self._requests.read_new(self._work.launch):
            self._cancel(spans)
        for span in self._fences.read_new():
            self._yield_to(span)

    def _yield_to(self, later: Span) -> None:
        for attempt in list(self._attempts.values()):
            task = attempt.order.task
            if later.first <= task < later.first + later.count and attempt.order.attempt < later.attempt:
                self._end(attempt, "superseded")

    def _leave(self) -> int:
        for importer in self._crew.importers:
            if not importer.dismissed:
                self._crew.dismiss(importer)
        deadline = time.monotonic() + self._spec.grace_s
        while self._crew.importers and time.monotonic() < deadline:
            self._crew.importers = [importer for importer in self._crew.importers if importer.reap() is None]
            time.sleep(0.01)
        kill_orphans(set())
        while not self._journal.flush() and time.monotonic() < deadline + 60:
            time.sleep(1.0)
        self._journal.seal()
        return 1 if self._failures else 0


def _first(waiting, count):  # type: ignore[no-untyped-def]
    return [pending for pending, _ in zip(waiting, range(count))]


def _held_lock(name: str):  # type: ignore[no-untyped-def]
    """A file on local disk, locked by this process and by all that inherit it."""
    folder = Path(tempfile.gettempdir()) / f"hsm-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    stream = open(folder / f"{name}.lock", "w")
    fcntl.flock(stream, fcntl.LOCK_EX)
    return stream


def _tail(log: Path, offset: int) -> str:
    with open(log, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(offset, size - 8000))
        return stream.read().decode("utf-8", "replace").strip()


def _last_line(text: str) -> str:
    return text.splitlines()[-1] if text else "it printed nothing"


def _wake_on_signals(selector: selectors.BaseSelector, on_stop) -> socket.socket:  # type: ignore[no-untyped-def]
    """Turn signals into readable bytes, so that the loop hears of them at once."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)

    def drain() -> None:
        for number in ours.recv(64):
            if number == signal.SIGTERM:
                on_stop()

    selector.register(ours, selectors.EVENT_READ, drain)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN: the app's processes would inherit that
    on_stop.__self__._kept = theirs
    return ours
