"""Shows what a sweep would do, and does none of it."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hsm_core.model import counted
from hsm_core.overrides import is_of_sweeps, joined

from .sweep_name import sweep_name

_HEAD, _TAIL = 3, 2


def dry_run_lines(
    title: str,
    tasks: Sequence[Sequence[str]],
    excluded: Sequence[tuple[str, int]],
    arguments: Sequence[str],
    preview: Sequence[str],
) -> Iterator[str]:
    """Yields the text of a dry run.

    Args:
        title: the sweep's name and the product of its axes.
        excluded: each condition of ``exclude`` and how many combinations it takes out.
        arguments: the app's overrides as typed.
        preview: what the launcher says it would submit.
    """
    yield f"Sweep {title}"
    for condition, count in excluded:
        yield f'  exclude "{condition}" removes {count}'
    yield from _some(tasks)
    if tasks:
        alone = command_of(sys.orig_argv, arguments, tasks[0])
        yield "to run task 0 alone:"
        yield f"  {alone}" if alone else f"  overrides={[*tasks[0], 'hydra.mode=RUN']!r}"
    yield from preview
    yield "Dry run: nothing was started or written."


def _some(tasks: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yields the first and the last tasks, numbered."""
    count = len(tasks)
    whole = count <= _HEAD + _TAIL
    shown = [*range(count)] if whole else [*range(_HEAD), *range(count - _TAIL, count)]
    width = len(str(count))
    for number in shown:
        if not whole and number == count - _TAIL:
            yield "  …"
        yield f"  #{number:<{width}} {' '.join(tasks[number])}".rstrip()


def leave_no_trace(config: DictConfig) -> None:
    """Sends what the sweeper writes before it launches, ``multirun.yaml``, to a directory that is removed again."""
    directory = tempfile.mkdtemp(prefix="hsm-dry-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = directory


def dry_launch_lines(
    config: DictConfig, job_overrides: Sequence[Sequence[str]], first: int, preview: Sequence[str]
) -> list[str]:
    """Returns the text of a dry run of one call of ``launch``."""
    typed = OmegaConf.to_container(config.hydra.overrides.task)
    assert isinstance(typed, list)
    arguments = [str(text) for text in typed]
    name = sweep_name(config, str(config.hydra.launcher.get("name") or ""))
    title = f"{name}: {_product(job_overrides)}{counted(len(job_overrides), 'task')}"
    if first:
        title += f", from #{first} on"
    return list(dry_run_lines(title, job_overrides, (), arguments, preview))


def _product(job_overrides: Sequence[Sequence[str]]) -> str:
    """Returns ``2 model × 3 lr = ``, if the tasks are such a product; else an empty text."""
    counts: dict[str, set[str]] = {}
    for row in job_overrides:
        for text in row:
            counts.setdefault(text.partition("=")[0], set()).add(text)
    varying = {key: len(values) for key, values in counts.items() if len(values) > 1}
    product = 1
    for count in varying.values():
        product *= count
    if not varying or product != len(job_overrides):
        return ""
    return " × ".join(f"{count} {key}" for key, count in varying.items()) + " = "


#: Options of the interpreter that take a value.
_WITH_VALUE = ("-W", "-X")


def command_of(started: Sequence[str], swept: Sequence[str], task: Sequence[str]) -> str | None:
    """Returns the command line that runs ``task`` in Hydra's single-run mode.

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
    rest = [part for part in started[len(head) :] if part not in dropped and not is_of_sweeps(part)]
    return joined([*head, *rest, *task, "hydra.mode=RUN"])


def _program(started: Sequence[str]) -> Sequence[str]:
    """Returns interpreter and script, ``-m package`` included: that ``-m`` is not Hydra's."""
    words = iter(range(1, len(started)))
    for place in words:
        if started[place] == "-m":
            return started[: place + 2]
        if started[place] in _WITH_VALUE:
            next(words, None)
        elif not started[place].startswith("-"):
            return started[: place + 1]
    return started
