"""Renders the scripts that run on a node from templates, a user's own among them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted

TEMPLATES = Path(__file__).with_name("templates")


def render(name: str, values: Mapping[str, object], own: Path | None = None) -> str:
    """Renders one of our templates, or a user's own file that extends it.

    Args:
        name: of our template: ``pbs.sh.j2``.
        values: what it may name; a name that is not among them is an error.
        own: the user's template; ``{% extends "pbs.sh.j2" %}`` finds ours, other names its own directory.

    Raises:
        ConfigError: the template can't be read or rendered.
    """
    try:
        environment = _environment(own)
        template = environment.from_string(own.read_text("utf-8")) if own else environment.get_template(name)
        return template.render(values)
    except (TemplateError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"can't render the script template {own or name}",
            evidence=_where(error) + str(error),
            fix=f"hsm's template, to start from: {TEMPLATES / name}",
        ) from error


@cache
def _environment(own: Path | None) -> Environment:
    """Returns an environment that finds our templates first: a user's file of the same name can extend ours."""
    folders = [TEMPLATES, *([own.absolute().parent] if own else [])]
    environment = Environment(  # nosec B701  # scripts for a shell, not HTML; values go through the filter quote
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["quote"] = quote
    return environment


def quote(value: object) -> str:
    """Quotes any text as one word of shell, in one line."""
    return quoted(str(value))


def _where(error: Exception) -> str:
    return f"line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
