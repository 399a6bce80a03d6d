"""Defines the options that ``hsm resume`` and ``hsm retry`` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from hsm_core.errors import ConfigError
from hsm_core.model import REASONS
from hsm_core.overrides import quoted

from .click_types import TaskNumbers, sweep_argument

_OPTIONS = [
    click.option("--launcher", metavar="NAME", help="Use another launcher than before."),
    click.option(
        "--sources", metavar="LIST", help='Several places at once, such as "local:4,ssh:box1:8,slurm:16".'
    ),
    click.option("--task", "chosen", type=TaskNumbers(), metavar="NUMBERS", help="Only these tasks, such as 3,7-9."),
    click.option(
        "--error", "reason", type=click.Choice(REASONS), metavar="REASON", help="Only tasks with this reason."
    ),
    click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE",
        help="Change a setting of Hydra, such as hydra.launcher.mem_gb=48.",
    ),
    click.option("--allow-changed", is_flag=True, help="Continue even if the code changed."),
    click.option("--force", is_flag=True, help="Continue even if another process seems to run the sweep."),
    click.option("--python", metavar="PATH", help="Use another Python interpreter than before."),
    click.option("--yes", is_flag=True, help="Don't ask, except about changed code."),
    click.option("--dry-run", is_flag=True, help="Only print the command and the tasks."),
]


@dataclass(frozen=True)
class ResumeOptions:
    """Holds what was typed for either of them."""

    launcher: str | None
    chosen: Sequence[int] | None
    reason: str | None
    settings: tuple[str, ...]
    allow_changed: bool
    force: bool
    python: str | None
    yes: bool
    dry_run: bool


def with_options(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return sweep_argument(command)


def resume_options(
    *, sources: str | None, launcher: str | None, settings: tuple[str, ...], **others: Any
) -> ResumeOptions:
    """Returns what was typed; ``--sources`` is a launcher with its field.

    Raises:
        ConfigError: another launcher is named, too.
    """
    if sources is not None:
        if launcher not in (None, "hsm_sources"):
            told = f"--sources is for the launcher hsm_sources, not for {launcher}"
            raise ConfigError(told, fix=f"--sources {quoted(sources)}    # without --launcher")
        entries = sources.strip().removeprefix("[").removesuffix("]")
        launcher, settings = "hsm_sources", (*settings, f"hydra.launcher.sources=[{entries}]")
    return ResumeOptions(launcher=launcher, settings=settings, **others)
