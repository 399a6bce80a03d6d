"""Explains in plain words what was typed wrong, and suggests the line that was meant."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from hsm_core.store.sweeps.catalogue import entries
from hsm_core.store.sweeps.selector import FIRST_STEP
from hsm_core.store.sweeps.sweep_root import sweep_root

from .typed_line import retyped, with_sweep

#: Click's words, and ours.
_WORDS = (
    (re.compile(r" is not a valid (?:integer range|integer|int range)\.?$"), " is not a whole number, such as 3"),
    (re.compile(r" is not a valid (?:float range|float)\.?$"), " is not a number, such as 1.5"),
    (re.compile(r" is not in the range x>=(\d+(?:\.\d+)?)\.?$"), r" is too small: it must be at least \1"),
    (re.compile(r"^No such option:? '?([^'\s]+?)'?(?:[. ].*)?$"), r"there is no option \1"),
    (re.compile(r"^Invalid value for '\{[^}]*\}': "), ""),
    (re.compile(r"^Invalid value for '?([^':]+)'?: "), r"\1: "),
    (re.compile(r"^Got unexpected extra arguments? \((.*)\)$", re.DOTALL), r"too many arguments: \1"),
)
#: What other tools call an option → its name here, or nothing for what is typed without an option.
_CALLED_ELSEWHERE = {
    "--sort": "--best", "--sort-by": "--best", "--order": "--best", "--order-by": "--best", "--metric": "--best",
    "--filter": "--where", "--query": "--where", "--limit": "--top", "--head": "--top", "-n": "--top",
    "--fields": "--columns", "--cols": "--columns", "--status": "--state", "--reason": "--error",
    "--csv": "--format csv", "--tsv": "--format tsv", "--md": "--format md", "--json": "--format json",
    "--markdown": "--format md", "--failed": "--state failed", "--running": "--state running",
    "--interval": "--watch", "--refresh": "--watch", "-y": "--yes", "--force": "--yes",
}  # fmt: skip
#: An argument that is missing → what it usually is.
_FIRST = {"task": "0"}
#: Arguments that name a sweep.
_SWEEPS = ("sweep", "sweeps")
_SIMILAR = 0.7


def lines_of(error: click.ClickException) -> Iterator[str]:
    """Yields the lines of an error of click's, laid out like all errors."""
    told = _plain(error)
    yield f"error: {told}"
    if isinstance(error, click.BadParameter) and _unknown_choice(error):
        yield f"  because: there are: {', '.join(_choices(error))}"
    if line := _meant(error):
        yield f"  next: {line}"
    elif not re.search("^  (next|fix): ", told, re.MULTILINE):
        context = error.ctx if isinstance(error, click.UsageError) else None
        yield f"  next: {context.command_path if context else 'hsm'} --help"


def _has_none() -> bool:
    """Returns whether the user has no sweep that a line could name."""
    return not sweep_root(Path.cwd()) and not any(entry.is_there for entry in entries())


def _needs_task(error: click.MissingParameter) -> bool:
    """Returns whether the command wants a task's number behind the sweep, which is missing too."""
    params = error.ctx.command.params if error.ctx else []
    return any(param.name == "task" and param.required and isinstance(param, click.Argument) for param in params)


def _first_of(name: str) -> str:
    """Returns what to name where nothing was: for a sweep, the one of this directory, else the newest."""
    if name in _SWEEPS:
        return "." if sweep_root(Path.cwd()) else "latest"
    return _FIRST.get(name, "")


def _plain(error: click.ClickException) -> str:
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        name = str(error.param.name)
        if _lone_task(error):
            return f"task {_lone_task(error)} of which sweep?"
        if isinstance(error.param.type, click.Choice):
            return f"name a {name}: {', '.join(map(str, error.param.type.choices))}"
        if name in _SWEEPS and _has_none():
            return "you have no sweeps yet"
        more = error.format_message().partition("'. ")[2]  # what the type has to say
        name = {"second": "second sweep"}.get(name, name)
        return f"name a {name.removesuffix('s')}{f'; {more}' if more else ''}"
    if isinstance(error, click.BadParameter) and (typed := _unknown_choice(error)):
        param = error.param
        return f"{param.opts[-1] if isinstance(param, click.Option) else param and param.name} can't be '{typed}'"
    told = error.format_message()
    for pattern, words in _WORDS:
        told = pattern.sub(words, told)
    return told


def _lone_task(error: click.MissingParameter) -> str:
    """Returns a number in the place of the sweep, where the task's number is missing; else an empty text."""
    sweep = str(error.ctx.params.get("sweep") or "") if error.ctx and error.param else ""
    return sweep if error.param and error.param.name == "task" and sweep.isdecimal() else ""


def _choices(error: click.BadParameter) -> list[str]:
    """Returns the values that the option or argument may have; none if it may have any."""
    kind = error.param.type if error.param else None
    return [str(choice) for choice in kind.choices] if isinstance(kind, click.Choice) else []


def _unknown_choice(error: click.BadParameter) -> str:
    """Returns the value that was typed where one of a list must stand; else an empty text."""
    typed = re.search(r"'([^']*)' is not one of", error.format_message()) if _choices(error) else None
    return typed[1] if typed else ""


def _meant(error: click.ClickException) -> str:
    """Returns the line that was typed with the word that was meant; empty if that is unknown."""
    if isinstance(error, click.NoSuchOption):
        return _other_option(error)
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        first = error.param.type.choices[0] if isinstance(error.param.type, click.Choice) else ""
        if _lone_task(error):
            return with_sweep(_lone_task(error))
        if error.param.name in _SWEEPS and _has_none():
            return FIRST_STEP
        if error.param.name == "second":
            return ""
        also = f" {_FIRST['task']}" if error.param.name in _SWEEPS and _needs_task(error) else ""
        return retyped("", str(first) or _first_of(str(error.param.name)) + also)
    if isinstance(error, click.BadParameter) and (typed := _unknown_choice(error)):
        near = difflib.get_close_matches(typed, _choices(error), 1, _SIMILAR)
        return retyped(typed, near[0]) if near else ""
    extra = re.search(r"unexpected extra argument \((\S+)\)", error.format_message())
    return retyped(extra[1], "") if extra else ""


def _other_option(error: click.NoSuchOption) -> str:
    typed, words = error.option_name, sys.argv[1:]
    after = words[words.index(typed) + 1 :] if typed in words else ["of ="]
    has_value = bool(after) and not after[0].startswith("-")
    command = error.ctx.command if error.ctx else None
    options = [param for param in command.params if isinstance(param, click.Option)] if command else []
    fit = [name for option in options if _takes(option, has_value) for name in option.opts]
    called = _CALLED_ELSEWHERE.get(typed, "")
    if called.partition(" ")[0] in {name for option in options for name in option.opts}:
        usable = called.partition(" ")[0] in fit or (" " in called and not has_value)
        return retyped(typed, called) if usable else ""
    if typed == "--task" and has_value and command and any(param.name == "task" for param in command.params):
        return retyped(typed, "")
    near = _nearest(typed, fit)
    return retyped(typed, near) if near else ""


def _takes(option: click.Option, has_value: bool) -> bool:
    """Returns whether an option may stand where one with, or without, a value was typed."""
    if option.is_flag:
        return not has_value
    return has_value or isinstance(option.flag_value, str | float)


def _nearest(typed: str, names: Sequence[str]) -> str:
    """Returns the name that begins or ends with the word, or else resembles it; empty if none does."""
    word = typed.lstrip("-")
    bare = {name.lstrip("-"): name for name in names if name.startswith("--")}
    parts = [name for name in bare if len(word) > 1 and (name.startswith(word) or name.endswith(word))]
    near = parts or difflib.get_close_matches(word, bare, n=1, cutoff=_SIMILAR)
    return bare[near[0]] if near else ""
