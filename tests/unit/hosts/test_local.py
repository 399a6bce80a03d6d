"""A command is run to its end, or to that of its user's patience."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import hsm_core.hosts.interface as module
from hsm_core.hosts.interface import Host, Patience
from hsm_core.hosts.local import LocalHost
from hsm_core.testing.host import HostContract


def test_one_that_does_not_end_in_time_is_killed_and_what_it_said_is_kept() -> None:
    done = LocalHost().run(["sh", "-c", "echo so far; exec sleep 60"], 0.5)
    assert (done.code, done.out) == (None, "so far\n")


def test_whoever_wants_to_leave_is_not_kept_for_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience()
    host = LocalHost(patience)
    monkeypatch.setattr(module, "LEAVING_S", 0.3)
    began = time.monotonic()
    with patience.of(lambda: time.monotonic() - began > 0.5, print):
        done = host.run(["sh", "-c", "echo so far; exec sleep 60"], 60.0)
    assert (done.code, done.out) == (None, "so far\n")
    assert time.monotonic() - began < 30


def test_what_ends_soon_is_not_broken_off() -> None:
    patience = Patience()
    host = LocalHost(patience)
    with patience.of(lambda: True, print):
        done = host.run(["sh", "-c", "sleep 0.3; echo done; exit 3"], 60.0)
    assert (done.code, done.out) == (3, "done\n")


def test_after_a_look_others_have_their_time_again() -> None:
    patience = Patience()
    host = LocalHost(patience)
    with patience.of(lambda: True, print):
        pass
    assert host.run(["sleep", str(module.LEAVING_S + 0.5)], 60.0).code == 0


def test_of_what_is_slow_its_user_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience()
    host = LocalHost(patience)
    monkeypatch.setattr(module, "SLOW_S", 0.3)
    told: list[str] = []
    with patience.of(lambda: False, told.append):
        for seconds in ("1", "0", "1"):
            assert host.run(["sleep", seconds], 60.0).code == 0
    assert told == ["waiting for sleep: no answer for 0 s (limit 60 s)"]


class TestLocalHost(HostContract):
    @pytest.fixture
    def host(self) -> Host:
        return LocalHost()

    @pytest.fixture
    def folder(self, weird_tmp_path: Path) -> Path:
        return weird_tmp_path.resolve()
