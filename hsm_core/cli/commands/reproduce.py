"""hsm reproduce: the commands that bring a task's code and packages back and run it alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click

from hsm_core import parsing
from hsm_core.detect.code import changes_without_git
from hsm_core.errors import HsmError, StoreError
from hsm_core.overrides import comment, joined, joined_without_secrets, quoted
from hsm_core.safe_open import open_regular, user_name
from hsm_core.store.files import MOST_BYTES, Document, read_json
from hsm_core.store.layout import CodePaths, LaunchPaths
from hsm_core.store.record_fields import CODE
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable
from hsm_core.views.lines_to_copy.rerun import change_directory, require_line, rerun_variables, rerun_words
from hsm_core.views.status.sweep_json import enveloped

from ..click_types import examples, json_option, open_sweep, require_tasks, sweep_argument
from ..terminal import say, say_json

#: A whole object name of git's, of either kind.
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: Not ``bin/pip``: a shell reads the path of the interpreter in its first lines, where a double quote ends it.
_PIP = (".venv-again/bin/python", "-m", "pip")
#: Files whose changes are told one by one.
_TOLD = 10


@click.command("reproduce", epilog=examples("hsm reproduce latest 3 > again.sh"))
@sweep_argument
@click.argument("task", type=click.IntRange(min=0))
@json_option
def reproduce(sweep: str, task: int, as_json: bool) -> int:
    """Print commands that run a task again as it was."""
    state = open_sweep(sweep)
    require_tasks(state, [task])
    lines = list(_lines(state, task))
    if as_json:
        say_json(enveloped(sweep=state.record.id, task=task, commands=lines))
    else:
        say("\n".join(lines))
    return 0


def _lines(state: SweepState, task: int) -> Iterator[str]:
    record = state.record
    found = TaskTable(state.paths)[task]
    require_line(record, found)
    words = rerun_words(record, found)
    if not words:
        raise StoreError(
            f"the record of {record.id} does not say how its app is started", evidence=str(state.paths.record)
        )
    places = _code_of(state, task)
    code = _read(places, record.id)
    root, again = code["root"], f"{code['root'].rstrip('/')}-{record.id}"
    known = state.tasks.get(task)
    has_run = known is not None and known.begun is not None
    what = f"attempt {known.attempt} of task {task}" if known and has_run else f"task {task}"
    whose = f"{what} of {record.id}" + ("" if has_run else ", which has not run yet")
    python = quoted(record.versions.get("python", ""))
    yield comment(f"{whose}, of a sweep begun {quoted(record.created)} on {quoted(record.host)}, Python {python}")
    brought = list(_bring_back(state, places, code, again))
    yield from brought or _as_it_is_now(code, what if has_run else "the sweep began")
    base = again if brought else root
    yield change_directory(_moved(record.cwd, root, base))
    yield "python3 -m venv .venv-again"
    yield joined([*_PIP, "install", "-r", str(places.requirements)])
    yield from _installed_from_paths(places)
    first, length = words[0], len(record.app["main"])
    main = [_moved(word, root, base) for word in words[1:length]]
    interpreter = ".venv-again/bin/python" if os.path.isabs(first) else first
    entries = str(record.app.get("pythonpath") or "").split(os.pathsep)
    path = os.pathsep.join(_moved(entry, root, base) for entry in entries)
    yield " ".join([*rerun_variables(record, path), joined_without_secrets([interpreter, *main, *words[length:]])])


def _as_it_is_now(code: Document, since: str) -> Iterator[str]:
    """Yields comments on an app that nothing kept: what has changed in it since it was recorded."""
    root = code["root"]
    yield comment(f"{quoted(root)} was in no git repository: its files are taken as they are now")
    found = changes_without_git(root, code.get("files", {}))
    yield from (comment(f"{quoted(name)} {what} since {since}") for name, what in found[:_TOLD])
    if found[_TOLD:]:
        yield comment(f"… {len(found) - _TOLD} more")


def _code_of(state: SweepState, task: int) -> CodePaths:
    """Returns the code that the task's newest attempt ran; a sweep resumed with changed code recorded it again."""
    known = state.tasks.get(task)
    pair = (task, known.attempt if known else 1)
    for submission in reversed(state.submissions):
        if any(pair in span for span in submission.tasks):
            launch = LaunchPaths(state.paths.hsm / submission.name.partition("/")[0])
            is_resumed = launch.root.name.count("-") > 1
            if is_resumed and os.path.isdir(launch.root) and not os.access(launch.root, os.X_OK):
                raise _private(state, task, launch)
            return launch.code if os.path.isfile(launch.code.code) else state.paths.first_code
    return state.paths.first_code


def _private(state: SweepState, task: int, launch: LaunchPaths) -> HsmError:
    return HsmError(
        f"only {user_name(os.stat(launch.root).st_uid)} can see which code task {task} ran",
        evidence=f"the sweep was resumed, and {launch.root} is private",
        fix=f"hsm command {quoted(state.record.selector)} {task}    # runs it with the code as it is now",
    )


def _read(places: CodePaths, sweep: str) -> Document:
    try:
        found = read_json(places.code)
        return {"untracked": (), **parsing.fields({"root": found.get("root"), **found}, CODE)}
    except (OSError, ValueError) as error:
        raise StoreError(f"the code that {sweep} ran was not recorded", evidence=str(error)) from error


def _bring_back(state: SweepState, places: CodePaths, code: Document, again: str) -> Iterator[str]:
    """Yields lines that restore the app's directory into ``again``; none if nothing kept it."""
    snapshot = _snapshot(state)
    if snapshot is not None:
        yield joined(["cp", "-r", "--", str(snapshot), again])
        yield joined(["chmod", "-R", "u+w", "--", again])
        return
    git = code.get("git") or state.record.git
    if not git:
        return
    yield joined(["git", "-C", code["root"], "worktree", "add", "--detach", "--", again, _commit(git)])
    if places.patch.exists():
        yield joined(["git", "-C", again, "apply", "--", str(places.patch)])
    for name in code["untracked"]:
        yield comment(
            f"git did not know {quoted(name)}, copy it from {quoted(code['root'])} if the task needs it"
        )


def _commit(git: Document) -> str:
    """Returns the recorded commit, if git itself can have written it.

    Raises:
        StoreError: it is something else, which git might take for an option or a branch.
    """
    found = str(git.get("commit"))
    if not _COMMIT.fullmatch(found):
        raise StoreError("the record names no commit", evidence=f"it has {quoted(found)}")
    return found


def _snapshot(state: SweepState) -> Path | None:
    """Returns the copy of the app that all tasks of a frozen sweep ran from."""
    try:
        name = parsing.path_inside(read_json(state.paths.launch(0).boot).get("snapshot") or "")
    except (OSError, ValueError):
        return None
    return state.paths.snapshots / name if name else None


def _installed_from_paths(places: CodePaths) -> Iterator[str]:
    """Yields packages that no index has; the record lists them for pip as comments."""
    try:
        with open_regular(places.requirements, most=MOST_BYTES) as stream:
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except (OSError, StoreError):
        return
    for line in lines:
        name, _, url = line.removeprefix("# ").partition(" from ")
        if line.startswith("# ") and url.startswith("file://"):
            again = joined([*_PIP, "install", url])
            yield f"{again}    {comment(f'{quoted(name)}, as it is there now')}"
        elif line.startswith("# "):
            yield comment(f"{quoted(name)} was installed from {quoted(url)}")


def _moved(path: str, root: str, base: str) -> str:
    """Returns a path of the app in the directory that was restored; other paths stay as they are."""
    inside = os.path.relpath(path, root) if os.path.isabs(path) else ".."
    return path if inside.split("/")[0] == ".." else os.path.normpath(os.path.join(base, inside))
