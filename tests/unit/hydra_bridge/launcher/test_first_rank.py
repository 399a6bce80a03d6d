"""What those that wait for the first process take for its word, and when they give up."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from hydra.experimental.callback import Callback

import hsm_core.hydra_bridge.launcher.first_rank as module
from hsm_core.hydra_bridge.launcher.first_rank import EndOfSweep, FirstRank, Waiting
from hsm_core.processes.identity import this_process
from tests.waiting import wait_until


def say(path: Path, **fields: Any) -> None:
    word = {**asdict(this_process()), "token": "t", "said": time.time(), "code": None, **fields}
    path.write_text(json.dumps(word))


@pytest.fixture(autouse=True)
def _none_beats_on() -> Iterator[None]:
    """Once it has said how its sweep ended, no thread of the first process is left."""
    before = set(threading.enumerate())
    yield
    wait_until(lambda: set(threading.enumerate()) <= before, 5, "the end of its beats")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "group.json"


@pytest.mark.parametrize("code", [0, 1, 130])
def test_its_word_counts(path: Path, code: int) -> None:
    say(path, code=code)
    assert Waiting(path, 0).wait() == code


def test_the_word_of_an_earlier_group_does_not(path: Path) -> None:
    say(path, code=0, said=time.time() - 10_000)
    found = Waiting(path, 0).wait()
    assert isinstance(found, str)
    assert found.startswith("rank 0 has reported nothing in")
    say(path, start="1", said=time.time() - 10_000)
    assert isinstance(Waiting(path, 0).wait(), str)


def test_what_was_heard_alive_is_believed_however_old(path: Path) -> None:
    waiting = Waiting(path, 0)
    say(path, said=time.time() - 10_000)
    assert waiting.outcome() is None
    say(path, said=time.time() - 10_000, code=3)
    assert waiting.outcome() == 3


def test_a_dead_one_is_given_up(path: Path) -> None:
    say(path, start="1")
    found = Waiting(path, 0).wait()
    assert isinstance(found, str)
    assert "ended without reporting its result" in found


def test_one_on_another_machine_is_given_up_when_it_falls_silent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = Waiting(path, 0)
    say(path, host="elsewhere")
    assert waiting.outcome() is None
    now = time.monotonic()
    monkeypatch.setattr("time.monotonic", lambda: now + module.STALE_S + 1)
    os.utime(path, (1, 1))  # a beat, by whatever clock
    assert waiting.outcome() is None
    monkeypatch.setattr("time.monotonic", lambda: now + 2 * module.STALE_S + 2)
    found = waiting.outcome()
    assert isinstance(found, str)
    assert "nothing from rank 0 on elsewhere" in found


def test_the_first_says_how_it_ends(path: Path) -> None:
    def code() -> Any:
        return json.loads(path.read_text())["code"]

    first = FirstRank(path)
    assert code() is None
    first._leave()
    assert code() == 1  # nobody said that it went well
    first = FirstRank(path)
    first.will_exit(130)
    first._leave()
    assert code() == 130
    for raised, expected in ((None, 0), (SystemExit(3), 3), (ValueError(), 1)):
        first = FirstRank(path)
        with contextlib.suppress(BaseException):
            try:
                if raised:
                    raise raised
            finally:
                EndOfSweep(first).on_multirun_end(config=None)
        first._leave()
        assert code() == expected


def test_tasks_take_nothing_of_it_along(path: Path) -> None:
    ending = EndOfSweep(FirstRank(path))
    assert type(cloudpickle.loads(cloudpickle.dumps(ending))) is Callback
    ending.on_multirun_end(config=None)
