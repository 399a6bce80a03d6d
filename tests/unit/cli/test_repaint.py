"""Looking again and again: in one place of a terminal, and what runs without being named."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.cli.repaint import Repaint, fitting
from hsm_core.model import Span
from hsm_core.store import events
from tests.unit.cli.test_status import PROGRAM, Shell
from tests.unit.store.making import MadeSweep, complete, real_process, start

SCREEN = "a\nb\nc\nd"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "state")


@pytest.mark.parametrize(
    ("text", "height", "shown"),
    [
        (SCREEN, 24, SCREEN),
        (SCREEN, 5, SCREEN),
        (SCREEN, 4, "a\nb\n+2 more"),
        (SCREEN, 1, "a\n+3 more"),
        ("a" * 25 + "\nb\nc", 5, "a" * 25 + "\n+2 more"),  # three rows of ten
    ],
)
def test_a_screen_that_is_too_small_shows_the_head(text: str, height: int, shown: str) -> None:
    assert fitting(text, 10, height).plain == shown


def test_a_pipe_is_told_changes_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Repaint(again=True) as place:
        for text in ("1 of 2", "1 of 2", "2 of 2"):
            place.show(text)
    assert capsys.readouterr().out == "1 of 2\n\n2 of 2\n"


def test_colours_take_no_room() -> None:
    assert fitting("\x1b[31mred\x1b[0m", 3, 2).plain == "red"


def test_the_passing_of_time_is_no_change(capsys: pytest.CaptureFixture[str]) -> None:
    with Repaint(again=True) as place:
        for text in ("1/3 (59 s ago)  4.7/s", "1/3 (1 h 5 min ago)  3/min", "2/3   (2 h ago)  3/min"):
            place.show(text)
    assert capsys.readouterr().out == "1/3 (59 s ago)  4.7/s\n\n2/3   (2 h ago)  3/min\n"


def watched(shell: Shell, words: list[str], rows: int, until: str, then: object) -> str:
    """What a command writes to a terminal of so many rows; ``then`` is called when a text was seen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    command = [sys.executable, "-c", PROGRAM.format("hsm"), *words]
    said = b""
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**shell.env, "TERM": "xterm"}) as process:
        os.close(theirs)
        is_told = False
        for data in _chunks(ours):
            said += data
            if not is_told and until.encode() in said:
                is_told = True
                assert callable(then)
                then()
        if process.poll() is None and not is_told:
            process.kill()
        process.wait(timeout=60)
    os.close(ours)
    return said.decode()


def _chunks(terminal: int) -> Iterator[bytes]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and select.select([terminal], [], [], 60)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # its other end is closed
            return
        if not data:
            return
        yield data


def test_a_watch_repaints_in_place_and_leaves_the_last_picture(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    with real_process() as (_, identity):
        worker = sweep.worker("w1", identity, [Span(0, 2)])
        complete(worker, 0)
        start(worker, 1)
        words = ["status", "-w", "0.1", "latest"]
        said = watched(shell, words, 4, " more", lambda: worker.append(events.End(1, 1, "completed")))
    assert "\x1b[H" not in said  # the screen above stays
    assert "\x1b[1A" in said
    last = said.rpartition("\x1b[")[2]
    assert f"next: hsm results {sweep.id}" in last
    assert "+" not in re.sub(r"\S*/\S*", "", last)


def test_without_a_name_what_runs_is_monitored(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("hsm", "monitor")
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is running" in done.stderr
    ended = MadeSweep(tmp_path / "ended", name="ended", total=1)
    complete(ended.worker("w1"), 0)
    with real_process() as (_, identity):
        for name in ("one", "two"):
            sweep = MadeSweep(tmp_path / name, name=name, total=1)
            worker = sweep.worker("w1", identity, [Span(0, 1)])
            start(worker, 0)
            if name == "one":
                alone, first = sweep, worker

        def end() -> None:
            first.append(events.End(0, 1, "completed"))
            worker.append(events.End(0, 1, "completed"))

        said = watched(shell, ["monitor", "-w", "0.1"], 24, "next: hsm monitor", end)
    assert alone.id in said
    assert sweep.id in said
    assert ended.id not in said
    assert len(re.findall(r"completed, hsm_local", said)) >= 2
