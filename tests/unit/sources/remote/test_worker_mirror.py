"""What a worker on another machine says is shown here once it is true here, and nothing waits for others' files."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from hsm_core.hosts import mirror
from hsm_core.hosts.local import LocalHost
from hsm_core.model import ProcessIdentity
from hsm_core.processes.lock import lock_if_free
from hsm_core.sources.remote import journal_copy
from hsm_core.sources.remote import worker_mirror as module
from hsm_core.sources.remote.staying import Staying
from hsm_core.sources.remote.worker_mirror import SMALL, Copying, WorkerMirror
from hsm_core.sources.remote.worker_words import WorkerWords
from hsm_core.sources.source_thread import SourceThread
from hsm_core.store import events
from hsm_core.store.event_codec import Event
from hsm_core.store.journal import JournalReader
from hsm_core.store.layout import SweepPaths
from hsm_core.store.left_there import LeftThere, read_left, tasks_with_left
from tests.waiting import wait_until

ME = ProcessIdentity("ssh:box1", "boot", 7, "1")
HEAD = events.WorkerHead("box1-abcdefgh", ME, "box1", "", "/tmp/lock", 2)
SEAL = events.Seal()
LARGE = "x" * (SMALL + 1)


class Slow(LocalHost):
    """A host that keeps large files back until it is told otherwise."""

    name = "ssh:box1"

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.pulled = threading.Event(), list[str]()
        self.gate.set()

    def pull(self, copies: Mapping[Path, Path]) -> None:
        self.pulled += [path.name for path in copies]
        if any(path.name == "model.ckpt" for path in copies):
            assert self.gate.wait(20.0)
        super().pull(copies)


class There:
    """A worker's files on the host, and what comes of them here."""

    def __init__(self, tmp_path: Path) -> None:
        self.host, self.there, self.here = Slow(), SweepPaths(tmp_path / "there"), SweepPaths(tmp_path / "here")
        self.there.make_directories()
        self.here.make_directories()
        self._number, self.staying = 0, Staying()
        self.mirror = self.another()

    def another(self) -> WorkerMirror:
        words = WorkerWords("box1-abcdefgh", "box1", "ssh:box1")
        copying = Copying(SourceThread("small"), SourceThread("large"), self.staying)
        made = WorkerMirror(self.here, self.host, self.there.root, words, copying)
        made.given["launch-0/submit-0"] = {(number, 1) for number in range(9)}
        return made

    def say(self, *said: Event) -> None:
        with open(self.there.journal("box1-abcdefgh"), "ab") as file:
            for event in said:
                file.write(event.to_line(self._number))
                self._number += 1

    def write(self, task: int, name: str, text: str = "x") -> None:
        path = self.there.root / str(task) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def shown(self) -> list[str]:
        """Returns what readers see: kinds, and the tasks of starts and ends."""
        found = JournalReader(self.here.journal("box1-abcdefgh")).read_new()
        return [f"{event.tag} {getattr(event, 'task', '')}".strip() for event in found]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[There]:
    made = There(tmp_path)
    yield made
    made.host.gate.set()


def two_tasks_the_first_of_which_is_large(worker: There) -> None:
    worker.host.gate.clear()
    worker.write(0, "model.ckpt", LARGE)
    worker.write(1, "score.txt")
    worker.say(HEAD, events.Start(0, 1, "0"), events.Start(1, 1, "1"), events.End(0, 1, "completed"))
    worker.say(events.Beat(), events.End(1, 1, "completed"), events.Start(2, 1, "2"))


def test_what_other_tasks_say_does_not_wait_for_a_large_file(worker: There) -> None:
    two_tasks_the_first_of_which_is_large(worker)
    worker.mirror.bring_home(2.0)
    wait_until(lambda: worker.mirror.bring_home() or "end 1" in worker.shown())
    assert sorted(worker.shown()) == ["beat", "end 1", "start 0", "start 1", "start 2", "worker"]
    assert worker.mirror.coming == 1
    worker.host.gate.set()
    wait_until(lambda: worker.mirror.bring_home() or "end 0" in worker.shown())
    assert (worker.here.root / "0" / "model.ckpt").read_text() == LARGE
    assert worker.mirror.coming == 0


def test_small_files_are_here_at_once(worker: There) -> None:
    worker.write(1, "score.txt")
    worker.say(HEAD, events.Start(1, 1, "1"), events.End(1, 1, "completed"), SEAL)
    worker.mirror.bring_home(5.0)
    assert worker.shown() == ["worker", "start 1", "end 1", "seal"]
    assert worker.mirror.sealed
    assert worker.here.came("box1-abcdefgh").read_bytes() == worker.there.journal("box1-abcdefgh").read_bytes()


def test_the_last_line_waits_for_all_others(worker: There) -> None:
    two_tasks_the_first_of_which_is_large(worker)
    worker.say(SEAL)
    worker.mirror.bring_home(0.5)
    assert "seal" not in worker.shown()
    assert not worker.mirror.sealed
    worker.host.gate.set()
    wait_until(lambda: worker.mirror.bring_home() or worker.mirror.sealed)
    assert worker.shown()[-2:] == ["end 0", "seal"]


def test_a_later_process_goes_on_and_shows_each_line_once(worker: There) -> None:
    two_tasks_the_first_of_which_is_large(worker)
    worker.mirror.bring_home(0.5)
    other = worker.another()
    worker.host.gate.set()
    wait_until(lambda: other.bring_home() or "end 0" in worker.shown())
    worker.mirror.bring_home(5.0)
    assert sorted(worker.shown()) == ["beat", "end 0", "end 1", "start 0", "start 1", "start 2", "worker"]


def test_a_line_that_was_torn_here_is_shown_again(worker: There) -> None:
    worker.write(1, "score.txt")
    worker.say(HEAD, events.Start(1, 1, "1"), events.End(1, 1, "completed"))
    worker.mirror.bring_home(5.0)
    journal = worker.here.journal("box1-abcdefgh")
    journal.write_bytes(journal.read_bytes()[:-5])
    worker.another().bring_home(5.0)
    assert worker.shown() == ["worker", "start 1", "end 1"]


def test_while_another_process_brings_it_home_this_one_only_reads(worker: There) -> None:
    worker.say(HEAD, events.Start(1, 1, "1"))
    with lock_if_free("journal-box1-abcdefgh") as is_ours:
        assert is_ours
        worker.mirror.bring_home()
    assert not worker.here.journal("box1-abcdefgh").exists()
    worker.mirror.bring_home()
    assert worker.shown() == ["worker", "start 1"]


def test_what_cannot_be_fetched_keeps_back_its_own_task_only(worker: There) -> None:
    worker.write(0, "score.txt")
    worker.write(1, "score.txt")
    (worker.here.root / "0").mkdir()
    (worker.here.root / "0" / "score.txt").mkdir()  # in the way
    worker.say(HEAD, events.Start(0, 1, "0"), events.Start(1, 1, "1"))
    worker.say(events.End(0, 1, "completed"), events.End(1, 1, "completed"))
    with pytest.raises(OSError, match=r"score\.txt"):
        worker.mirror.bring_home(5.0)
    assert worker.shown() == ["worker", "start 0", "start 1", "end 1"]
    (worker.here.root / "0" / "score.txt").rmdir()

    def is_home() -> bool:
        with suppress(OSError):  # it may have been tried again before that
            worker.mirror.bring_home(5.0)
        return "end 0" in worker.shown()

    wait_until(is_home)


def test_a_dead_workers_files_come_before_it_is_said_to_be_dead(worker: There) -> None:
    worker.host.gate.clear()
    worker.write(0, "model.ckpt", LARGE)
    worker.say(HEAD, events.Start(0, 1, "0"))
    worker.mirror.bring_home()
    assert not worker.mirror.bring_rest()
    worker.host.gate.set()
    wait_until(worker.mirror.bring_rest)
    assert (worker.here.root / "0" / "model.ckpt").is_file()


def test_of_a_dead_workers_logs_nothing_is_asked_any_more(worker: There) -> None:
    worker.write(0, ".hsm/stdout.log", "of the first attempt")
    worker.say(HEAD, events.Start(0, 1, "0"))
    worker.mirror.bring_home()
    wait_until(worker.mirror.bring_rest)
    worker.write(0, ".hsm/stdout.log", "of the second attempt, which another worker has")
    worker.mirror.bring_home()


def test_what_is_excluded_stays_and_is_counted(worker: There) -> None:
    worker.staying = Staying(("*.ckpt",), 4)
    for name in ("a.ckpt", "sub/b.ckpt", "score.txt"):
        worker.write(0, name)
    worker.write(0, "large.txt", "more than four")
    worker.say(HEAD, events.Start(0, 1, "0"), events.End(0, 1, "completed"))
    worker.another().bring_home(5.0)
    assert worker.shown() == ["worker", "start 0", "end 0"]
    assert {path.name for path in (worker.here.root / "0").rglob("*") if path.is_file()} == {"score.txt"}
    assert tasks_with_left(worker.here) == [0]
    assert read_left(worker.here, 0) == LeftThere("box1", 3, 16)


def test_a_journal_without_end_is_fetched_a_part_at_a_time(worker: There, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 100)
    monkeypatch.setattr(mirror, "PIECE", 100)
    worker.say(HEAD, *[events.Beat()] * 20)
    assert not worker.mirror.bring_rest()
    assert 0 < len(worker.shown()) < 21
    wait_until(worker.mirror.bring_rest)
    assert len(worker.shown()) == 21
    monkeypatch.setattr(journal_copy, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="no worker writes"):
        worker.mirror.bring_home()
