"""Ctrl-C at a real terminal: the question, what may be answered, and what happens while nobody answers."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.sweeping import SweepingApp, kill
from tests.waiting import wait_until

CTRL_C = "\x03"
QUESTION = "keep [w]atching? "


class Terminal:
    """A launcher, or another command, in the foreground of a terminal of its own, and what it has shown there."""

    def __init__(self, app: SweepingApp, *overrides: str, command: Sequence[str] = ()) -> None:
        self._ours, theirs = pty.openpty()
        self.text = ""
        self.launcher = subprocess.Popen(
            command or app.command(*overrides, "hydra.launcher.on_interrupt=ask", gate=True), cwd=app.folder,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env={**os.environ, "TERM": "xterm"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def shows(self, text: str, times: int = 1) -> bool:
        self._read()
        return self.text.count(text) >= times

    def ask(self, times: int = 1) -> None:
        """Press Ctrl-C and wait for the question."""
        self.type(CTRL_C)
        wait_until(lambda: self.shows(QUESTION, times), what="the question")

    def end(self) -> int:
        """Wait for the end; returns the exit code."""
        wait_until(lambda: self._read() or self.launcher.poll() is not None, what="the launcher's end")
        self._read()
        return self.launcher.returncode

    def hang_up(self) -> None:
        os.close(self._ours)
        self._ours = -1

    def close(self) -> None:
        if self.launcher.poll() is None:
            self.launcher.kill()
        self.launcher.wait()
        if self._ours >= 0:
            self.hang_up()

    def _read(self) -> None:
        with suppress(OSError):  # nobody has it open any more
            while select.select([self._ours], [], [], 0)[0] and (data := os.read(self._ours, 65536)):
                self.text += data.decode(errors="replace")


@pytest.fixture
def app(weird_tmp_path: Path) -> Iterator[SweepingApp]:
    app = SweepingApp(weird_tmp_path)
    yield app
    app.open_gate()


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    found: list[Terminal] = []
    yield found
    for terminal in found:
        terminal.close()


@pytest.fixture
def terminal(app: SweepingApp, terminals: list[Terminal]) -> Terminal:
    """Two tasks that run, and a third that waits."""
    terminals.append(Terminal(app, "x=range(3)"))
    app.wait_for_begun(2)
    return terminals[0]


@pytest.mark.parametrize("keys", ["c\n", CTRL_C], ids=["c", "Ctrl-C"])
def test_c_or_a_second_ctrl_c_at_the_question_cancels(app: SweepingApp, terminal: Terminal, keys: str) -> None:
    terminal.ask()
    terminal.type(keys)
    assert terminal.end() == 130
    assert app.states() == {"cancelled": 3}
    assert "ending the tasks (Ctrl-C again kills them)" in terminal.text


def test_a_third_ctrl_c_kills(app: SweepingApp, terminals: list[Terminal]) -> None:
    terminals.append(Terminal(app, "x=0,1", "deaf=true", "hydra.launcher.grace_s=600"))
    app.wait_for_begun(2)
    terminals[0].ask()
    terminals[0].type(CTRL_C)
    wait_until(lambda: terminals[0].shows("ending the tasks"), what="the second Ctrl-C")
    terminals[0].type(CTRL_C)
    assert terminals[0].end() == 130
    assert "killing the tasks" in terminals[0].text
    assert app.states() == {"cancelled": 2}


def test_d_leaves_the_tasks_to_go_on(app: SweepingApp, terminal: Terminal) -> None:
    terminal.ask()
    terminal.type("d\n")
    assert terminal.end() == 130
    assert "3 tasks run without this process" in terminal.text
    app.open_gate()
    wait_until(lambda: app.states() == {"completed": 3})


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_told_to_end_while_the_question_stands_it_leaves(
    app: SweepingApp, terminal: Terminal, number: int, code: int
) -> None:
    terminal.ask()
    terminal.launcher.send_signal(number)
    assert terminal.end() == code
    assert "3 tasks run without this process" in terminal.text
    app.open_gate()
    wait_until(lambda: app.states() == {"completed": 3})


def test_a_terminal_that_is_closed_leaves_them_too(app: SweepingApp, terminal: Terminal) -> None:
    terminal.ask()
    terminal.hang_up()
    wait_until(lambda: terminal.launcher.poll() is not None, what="the launcher's end")
    assert terminal.launcher.returncode == 129
    assert app.states() == {"running": 2, "queued": 1}
    assert '"detach"' in next(app.state().paths.events.glob("conductor-*")).read_text()
    app.open_gate()
    wait_until(lambda: app.states() == {"completed": 3})


def test_a_question_that_nobody_answers_is_given_up_when_all_has_ended(app: SweepingApp, terminal: Terminal) -> None:
    terminal.ask()
    asked = len(terminal.text)
    app.open_gate()
    assert terminal.end() == 0
    assert app.states() == {"completed": 3}
    assert terminal.text[asked:].startswith("\r\n")
    assert "3 completed" in terminal.text[asked:]


@pytest.mark.parametrize("answer", ["w\n", "\x04"], ids=["w", "end of input"])
def test_to_watch_goes_on_and_the_next_ctrl_c_asks_anew(
    app: SweepingApp, terminal: Terminal, answer: str
) -> None:
    terminal.ask()
    terminal.type(answer)
    drawn = terminal.text.count(" running")
    wait_until(lambda: terminal.shows(" running", drawn + 1), what="the live line again")
    terminal.ask(times=2)
    terminal.type(answer)
    app.open_gate()
    assert terminal.end() == 0
    assert app.states() == {"completed": 3}


def test_while_it_stands_a_lost_worker_is_replaced_and_nothing_is_drawn_over_it(
    app: SweepingApp, terminals: list[Terminal]
) -> None:
    terminals.append(Terminal(app, "x=range(3)", "hydra.launcher.slots=1"))
    app.wait_for_begun(1)
    terminal = terminals[0]
    terminal.ask()
    asked = len(terminal.text)
    kill(app.worker_pid())
    app.wait_for_begun(2)
    told = "\r\na worker died; 2 tasks go to a new one\r\nCtrl-C: [c]ancel the tasks"
    wait_until(lambda: terminal.shows(told) and terminal.shows(QUESTION, 2), what="the words, and the question again")
    assert terminal.text[asked:].count("\n") == 2
    assert terminal.text.endswith(QUESTION)
    terminal.type("c\n")
    assert terminal.end() == 130
    assert app.states() == {"lost": 1, "cancelled": 2}


def test_ctrl_c_in_hsm_resume_cancels_and_says_so(app: SweepingApp) -> None:
    assert app.run("x=1,2,3", "hydra.launcher.detach=true", gate=True).returncode == 0
    app.wait_for_begun(2)
    words = [sys.executable, "-m", "hsm_core.cli.hsm", "resume", str(app.sweep)]
    terminal = Terminal(app, command=words)
    wait_until(lambda: terminal.shows("2 running"), what="the resumed sweep")
    terminal.type(CTRL_C)
    assert terminal.end() == 130
    assert terminal.shows("3 cancelled"), terminal.text
    assert app.states() == {"cancelled": 3}
    terminal.close()
