"""The command that runs one task of a sweep alone."""

from __future__ import annotations

from collections.abc import Sequence

from hsm_core.overrides import joined

_ALONE = ("hydra.mode=", "hydra/launcher=", "hydra/sweeper=", "hydra.launcher", "hydra.sweeper")
#: Options of the interpreter that take a value.
_WITH_VALUE = ("-W", "-X")


def command_of(started: Sequence[str], swept: Sequence[str], task: Sequence[str]) -> str | None:
    """What to type to run ``task`` in Hydra's single-run mode.

    Args:
        started: the whole command line of the sweep, interpreter first (``sys.orig_argv``).
        swept: overrides of the app that were typed, as Hydra lists them (``hydra.overrides.task``).
        task: overrides of the task.

    Returns:
        None if the sweep was not started from this command line.
    """
    if not set(swept) <= set(started):
        return None
    dropped = {"-m", "--multirun", *swept}
    head = _program(started)
    rest = [part for part in started[len(head) :] if part not in dropped]
    rest = [part for part in rest if not part.lstrip("+~").startswith(_ALONE)]
    return joined([*head, *rest, *task, "hydra.mode=RUN"])


def _program(started: Sequence[str]) -> Sequence[str]:
    """Interpreter and script, ``-m package`` included: its ``-m`` is not Hydra's."""
    words = iter(range(1, len(started)))
    for place in words:
        if started[place] == "-m":
            return started[: place + 2]
        if started[place] in _WITH_VALUE:
            next(words, None)
        elif not started[place].startswith("-"):
            return started[: place + 1]
    return started
