"""Writes the line that resumes a sweep, also where hsm can't start its app again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from hsm_core.overrides import hydra_text, is_kept_by_resume, joined
from hsm_core.store.record import SweepRecord
from hsm_core.text import task_ranges

from .rerun import config_flags, saved_line


def resume_line(record: SweepRecord, settings: str = "") -> str:
    """Returns the line that runs what is left of a sweep.

    Args:
        settings: further overrides of Hydra as ``--set`` takes them, quoted for a shell; a comment may follow.
    """
    return _line(record, "resume", [], settings)


def retry_line(record: SweepRecord, reason: str = "", settings: str = "", tasks: Sequence[int] = ()) -> str:
    """Returns the line that runs failed tasks again: all, or those with this reason; ``settings`` as above.

    Args:
        tasks: run only these, by their numbers; then the reason isn't named.
    """
    which = ["--task", task_ranges(tasks)] if tasks else ["--error", reason] if reason else []
    return _line(record, "retry", which, settings, tasks)


def by_hand(record: SweepRecord, asked: Sequence[str]) -> str:
    """Returns how to resume a sweep whose app hsm can't start: its program once it has a file, or a call.

    Args:
        asked: overrides for this time.
    """
    kept = [text for text in record.overrides.get("hydra", ()) if is_kept_by_resume(text)]
    words = [*kept, *record.launcher_fields, *asked, "hydra.launcher.allow_changed=true"]
    if not record.app.get("under_main"):
        return f"launch(Config, task, multirun=True, overrides={words})    # in your code"
    name = f"hydra.job.name={hydra_text(str(record.app['name']))}"  # the file's differs
    return saved_line(record, ["-m", *config_flags(record), *words, name])


def why_by_hand(record: SweepRecord) -> str:
    """Returns why hsm can't start a sweep's app again."""
    how = "its program has no file" if record.app.get("under_main") else "it was started by a call in Python"
    return f"hsm can't start {record.id} again: {how}"


def _line(record: SweepRecord, verb: str, options: Sequence[str], settings: str, tasks: Sequence[int] = ()) -> str:
    if record.can_start_again:
        line = joined(["hsm", verb, record.selector, *options])
        return f"{line} --set {settings}" if settings else line
    typed, mark, note = settings.partition("    # ")
    again = ["hydra.launcher.retry_failed=true"] if verb == "retry" else []
    again += [f"hydra.launcher.only_tasks={hydra_text(task_ranges(tasks))}"] if tasks else []
    more = [word for word in shlex.split(typed) if word != "--set"]
    place = f"hydra.launcher.resume={hydra_text(record.selector)}"
    asked = [f"hydra/launcher={record.launcher}", place, *again, *more]
    return by_hand(record, asked) + (f"; {note}" if mark else "")
