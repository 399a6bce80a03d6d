"""Shows what a sweep would do, and does none of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from hsm_core.plan.command import command_of

_HEAD, _TAIL = 3, 2


def dry_run_lines(
    title: str,
    tasks: Sequence[Sequence[str]],
    excluded: Sequence[tuple[str, int]],
    arguments: Sequence[str],
    preview: Sequence[str],
) -> Iterator[str]:
    """The text of a dry run.

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
    """The first and the last tasks, numbered."""
    count = len(tasks)
    whole = count <= _HEAD + _TAIL
    shown = [*range(count)] if whole else [*range(_HEAD), *range(count - _TAIL, count)]
    width = len(str(count))
    for number in shown:
        if not whole and number == count - _TAIL:
            yield "  …"
        yield f"  #{number:<{width}} {' '.join(tasks[number])}".rstrip()
