"""Writes the page: one file with its style, its script and its data, which loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib.resources import files

#: What a page may show; ``all`` shows everything.
KINDS = ("all", "completion", "errors")


def page(title: str, content: Mapping[str, object], kind: str = "all", *, live: bool = False) -> str:
    """Returns a page as HTML.

    Args:
        content: see ``content.content``; any text in it may come from anybody.
        kind: one of ``KINDS``.
        live: it asks the server that it came from for what is new.
    """
    script, style = _part("report.js"), _part("report.css")
    policy = _policy_of(script, style, "'self'" if live else "'none'")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}</style></head>\n"
        f'<body data-kind="{html.escape(kind)}" data-live="{"yes" if live else "no"}">\n'
        '<main id="page"><noscript>This page needs JavaScript.</noscript></main>\n'
        f'<script type="application/json" id="content">{embedded(content)}</script>\n'
        f"<script>{script}</script></body></html>\n"
    )


def embedded(content: Mapping[str, object]) -> str:
    """Returns JSON that can stand in a script element: nothing in it ends that, or begins a comment."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace").decode("utf-8")


def _policy_of(script: str, style: str, connect: str) -> str:
    """Returns the policy by which only this script and this style count, whatever else gets into the page."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; connect-src {connect}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (files(__package__) / "page_parts" / name).read_text(encoding="utf-8")
