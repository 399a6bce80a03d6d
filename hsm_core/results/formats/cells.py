"""Makes text harmless in a table that another program will open: a spreadsheet, a page from Markdown."""

from __future__ import annotations

import re

from hsm_core.text import UNSEEN, escaped

#: How a spreadsheet's formula begins, in full width too; some programs skip a tab or a line end before it.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_OF_MARKDOWN = re.compile(r"[\\`*|\[\]]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_OF_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def harmless(value: object) -> object:
    """Returns a value for a cell of CSV: text that a spreadsheet would compute gets a ``'`` before it.

    Numbers stay as they are, also those in text, such as ``-1e-3``.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _is_number(value):
        return value
    return f"'{value}"


def markdown(text: str) -> str:
    """Returns text for a cell of Markdown that shows it as it is, in one line: no mark-up, HTML or links."""
    seen = UNSEEN.sub(lambda match: " " if match[0] in "\n\t" else escaped(match[0]), text)
    marked = _OF_MARKDOWN.sub(lambda match: f"\\{match[0]}", seen)
    return re.sub("[&<>]", lambda match: _OF_HTML[match[0]], marked)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and not UNSEEN.search(text)
