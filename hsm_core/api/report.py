"""Writes down, from within a task, how far it is: a line of metrics a step."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from numbers import Real

FILE = "metrics.jsonl"


def report(metrics: Mapping[str, object] | None = None, *, step: int | None = None, **more: object) -> None:
    """Appends a line to ``metrics.jsonl`` in the task's directory; outside of hsm it does nothing.

    Of a task with several ranks, the first one writes.

    Args:
        metrics: numbers by name, for names that are no Python words; or give them as arguments.
        step: of the training, counted by the app; the learning curve is drawn over it.
        more: further metrics; what has ``item()``, as scalars of numpy and torch have, is turned into a number.

    Raises:
        TypeError: a metric is neither a number nor text.
        OSError: the line can't be written.

    >>> for step in range(3):
    ...     report(step=step, loss=1 / (step + 1))
    """
    directory = os.environ.get("HSM_TASK_DIR")
    if not directory or os.environ.get("HSM_RANK", "0") != "0":
        return
    found = {name: _plain(name, value) for name, value in {**(metrics or {}), **more}.items()}
    line = json.dumps(found if step is None else {"step": _plain("step", step), **found}) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(os.path.join(directory, FILE), flags, 0o666)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def _plain(name: str, value: object) -> object:
    """Returns a value that JSON has."""
    item = getattr(value, "item", None)
    if callable(item):
        value = item()  # raises where there are several
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"the metric {name!r} is of type {type(value).__name__}: report a number")
