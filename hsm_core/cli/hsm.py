"""hsm: looks at sweeps, cancels them, reads their logs and results."""

from __future__ import annotations

import difflib
import importlib
import sys

import click

from hsm_core.overrides import joined

from .clicked import run
from .terminal import guarded

#: Command, its module below ``commands`` and its function there.
_COMMANDS = {
    "status": ("status", "status"),
    "monitor": ("status", "monitor"),
    "list": ("status", "listing"),
    "tasks": ("tasks", "tasks"),
    "errors": ("errors", "errors"),
    "logs": ("logs", "logs"),
    "command": ("command", "command"),
    "results": ("results", "results"),
    "export": ("results", "export"),
    "resume": ("resume", "resume"),
    "complete": ("resume", "resume"),
    "retry": ("resume", "retry"),
    "reproduce": ("reproduce", "reproduce"),
    "cancel": ("cancel", "cancel"),
    "wait": ("wait", "wait"),
    "queue": ("queue", "queue"),
    "forget": ("forget", "forget"),
    "doctor": ("doctor", "doctor"),
    "completion": ("completion", "completion"),
}
#: Verbs of older tools, and where they went.
_MOVED = {
    "sweep": "a sweep is started by your own app:  python train.py -m hydra/launcher=hsm_local lr=0.1,0.01",
    "run": "a sweep is started by your own app:  python train.py -m hydra/launcher=hsm_local lr=0.1,0.01",
    "submit": "a sweep is started by your own app:  python train.py -m hydra/launcher=hsm_slurm lr=0.1,0.01",
    "test": "a sweep is tried out by:  python train.py -m … hydra.launcher.dry_run=true",
    "sync": "results are here as soon as a task ends; nothing has to be fetched:  hsm results latest",
    "collect": "results are read where they lie:  hsm results latest",
}
_RENAMED = {"watch": "monitor", "ps": "list", "ls": "list", "log": "logs", "stop": "cancel", "kill": "cancel"}


class LazyGroup(click.Group):
    """Imports a sub-command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"hsm_core.cli.commands.{module}"), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word in _MOVED:
            raise click.UsageError(f"hsm has no '{word}': {_MOVED[word]}", ctx)
        if word in _RENAMED:
            line = joined(["hsm", _RENAMED[word], *args[1:]])
            raise click.UsageError(f"hsm has no '{word}'; it is called {_RENAMED[word]}\n  next: {line}", ctx)
        if word not in _COMMANDS and not word.startswith("-"):
            near = difflib.get_close_matches(word, _COMMANDS, n=1)
            meant = f"\n  next: {joined(['hsm', near[0], *args[1:]])}" if near else ""
            raise click.UsageError(f"hsm has no '{word}'{meant}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    epilog="Examples:  hsm status latest   hsm errors latest   hsm results latest --best val_loss",
)
@click.version_option(package_name="hpc-sweep-manager", prog_name="hsm")
def hsm() -> None:
    """Hyperparameter sweeps of Hydra apps: how they stand, what failed, what came out.

    SWEEP is latest, an id or the start of one, a name, a directory or a scheduler's job id.
    """


def main() -> int:
    """The console script ``hsm``."""
    return guarded(lambda: run(hsm, sys.argv[1:], "hsm"))


if __name__ == "__main__":
    sys.exit(main())
