"""Shares what all commands that click reads need: the SWEEP argument, number lists, and how they are run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from hsm_core.errors import ConfigError, SweepNotFound
from hsm_core.model import Span, spans
from hsm_core.overrides import quoted
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.sweeps import catalogue
from hsm_core.text import UNLIMITED, read_task_ranges

from .find_sweep import find_sweep
from .terminal import INTERRUPTED, remark
from .typed_line import with_sweep
from .usage_errors import lines_of


def run(command: click.Command, words: Sequence[str] | None, name: str) -> int:
    """Runs a command line; returns the exit code."""
    shown: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": UNLIMITED}
    try:
        return int(command.main(words, prog_name=name, standalone_mode=False, **shown) or 0)
    except click.ClickException as error:
        remark("\n".join(lines_of(error)))
        return error.exit_code
    except click.Abort:
        return INTERRUPTED


def examples(*lines: str) -> str:
    """Returns the end of a command's help: lines to copy, which no terminal's width breaks."""
    return "\n  ".join(["\b\nExamples:" if lines[1:] else "\b\nExample:", *lines])


#: Of a list of numbers: no sweep has more, and all of them together still fit into memory.
_MOST_TASKS = 1_000_000


class SweepName(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A sweep as typed: ``latest``, an id or the start of one, a name, a directory or a job id; Tab completes it."""

    name = "sweep"

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "hsm-status lists them, latest is the newest"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        known = catalogue.entries()
        words = dict.fromkeys(["latest", *(entry.id for entry in known), *(entry.name for entry in known)])
        plain = [word for word in words if shlex.quote(word) == word]  # the ids say the others, too
        return [CompletionItem(word) for word in plain if word.startswith(incomplete)]


class TaskNumbers(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Task numbers as typed: ``3``, ``3,7-9``."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        try:
            for part, span in read_task_ranges(str(value)):
                if not span or len(span) > _MOST_TASKS:
                    self.fail(f"'{part}' names {'no task' if not span else 'too many tasks'}", param, ctx)
                found += span
        except ValueError:
            self.fail(f"'{value}' is not a list of tasks, such as 3,7-9", param, ctx)
        return tuple(dict.fromkeys(found))


SWEEP = SweepName()
sweep_argument = click.argument("sweep", type=SWEEP)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def agree(question: str, otherwise: str) -> None:
    """Asks at the terminal; returns if the answer is yes.

    Args:
        otherwise: what is said, and is so, if it is no.

    Raises:
        click.exceptions.Exit: it is no; with 1.
        click.Abort: Ctrl-C, or the input is closed.
    """
    if not click.confirm(question, err=True):
        remark(otherwise)
        raise click.exceptions.Exit(1)


def require_yes(question: str, yes: bool, otherwise: str) -> None:
    """Asks at the terminal, unless the answer was typed as ``--yes``; see ``agree``.

    Raises:
        ConfigError: there is no terminal to answer from.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} Without a terminal, this needs --yes", fix="add --yes", instead=("", "--yes"))
    agree(question, otherwise)


def open_sweep(selector: str, *, to_act: bool = False) -> SweepState:
    """Returns the sweep that is meant, read as it is now.

    Args:
        to_act: see ``find_sweep``; also where a dry run says what would be done.

    Raises:
        HsmError: none fits, or it can't be read.
    """
    state = find_sweep(selector, to_act=to_act)
    state.refresh()
    return state


def open_whole(selector: str) -> SweepState:
    """Returns the sweep where a task's number may follow; a number alone is a task whose sweep was left out.

    Raises:
        HsmError: none fits, or it can't be read.
    """
    if not selector.isdecimal():
        return open_sweep(selector)
    told = SweepNotFound(f"task {selector} of which sweep?", fix=with_sweep(selector))
    if Path(selector).exists():
        raise told  # a task's directory, of the sweep in which this was typed
    try:
        return open_sweep(selector)
    except SweepNotFound:
        raise told from None


def open_each(selectors: Sequence[str]) -> list[SweepState]:
    """Returns the sweeps that are meant, each once and in their order, with what schedulers say about their jobs.

    Raises:
        HsmError: for one of them none fits, or it can't be read.
    """
    states = {state.record.id: state for state in map(open_sweep, selectors)}
    for state in states.values():
        ask_schedulers(state)
    return list(states.values())


def open_asked(selector: str) -> SweepState:
    """Returns the sweep with what schedulers say about its jobs; remarks if one did not answer.

    Raises:
        HsmError: none fits, or it can't be read.
    """
    state = open_sweep(selector)
    ask_schedulers(state)
    return state


def ask_schedulers(state: SweepState) -> None:
    """Adds what schedulers say about a sweep's jobs to its state; remarks if one did not answer."""
    from .ask_schedulers import JobQuestions

    if trouble := JobQuestions()(state):
        remark(trouble)


def require_tasks(state: SweepState, numbers: Sequence[int]) -> tuple[Span, ...]:
    """Returns the tasks as spans, at their newest attempts.

    Raises:
        ConfigError: the sweep has no such task.
    """
    for number in numbers:
        if number >= state.total:
            fix = f"hsm tasks {quoted(state.record.selector)}"
            raise ConfigError(f"{state.record.id} has no task {number}: it has {state.total}", fix=fix)
    tried = state.tasks
    return spans((number, tried[number].attempt if number in tried else 1) for number in sorted(numbers))
