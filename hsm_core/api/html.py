"""Writes what a notebook shows of a sweep and of its results; all text in it is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from hsm_core.model import State
from hsm_core.results.formats.export import show
from hsm_core.results.table import Table
from hsm_core.views.text import clean

#: Lines of a table that a notebook shows.
_MOST_LINES = 60


def sweep_html(identifier: str, state: str, counts: Mapping[State, int], directory: str) -> str:
    """Returns a sweep in a few lines."""
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no tasks"
    return f"<div><b>{_text(identifier)}</b> {_text(state)}: {_text(told)}<br><code>{_text(directory)}</code></div>"


def table_html(table: Table) -> str:
    """Returns a table; of a long one, its first lines and how many more there are."""
    head = "".join(f"<th>{_text(name)}</th>" for name in table.columns)
    lines = [
        "".join(f"<td>{_text(show(line[name])) if name in line else ''}</td>" for name in table.columns)
        for line in table.lines[:_MOST_LINES]
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    left = len(table.lines) - len(lines)
    more = f"<p>… and {left} more</p>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _text(text: str) -> str:
    return escape(clean(text))
