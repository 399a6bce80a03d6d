"""hsm: shows, resumes and cancels sweeps, and reads their logs and results."""

from __future__ import annotations

import difflib
import importlib
import sys

import click

from hsm_core.overrides import joined

from .click_types import examples, run
from .terminal import guarded

#: What a user wants → command, its module below ``commands`` and its function there.
_GROUPS = {
    "See how sweeps stand": {
        "status": ("status", "status"),
        "monitor": ("status", "monitor"),
        "list": ("status", "listing"),
        "queue": ("queue", "queue"),
        "wait": ("wait", "wait"),
    },
    "Find out what happened": {
        "tasks": ("tasks", "tasks"),
        "errors": ("errors", "errors"),
        "logs": ("logs", "logs"),
        "results": ("results.show", "results"),
        "compare": ("results.compare", "command"),
        "plot": ("results.plot", "plot"),
        "export": ("results.export", "export"),
        "report": ("pages.report", "report"),
        "web": ("pages.web", "web"),
    },
    "Machines behind SSH": {
        "pull": ("pull", "pull"),
        "clean": ("clean", "clean"),
    },
    "Finish, repeat or end a sweep": {
        "resume": ("resume", "resume"),
        "complete": ("resume", "resume"),
        "retry": ("resume", "retry"),
        "cancel": ("cancel", "cancel"),
        "sources": ("sources", "sources"),
        "forget": ("forget", "forget"),
    },
    "Run one task alone": {
        "command": ("command", "command"),
        "reproduce": ("reproduce", "reproduce"),
    },
    "Set up": {
        "doctor": ("doctor", "doctor"),
        "completion": ("completion", "completion"),
    },
}
_COMMANDS = {name: place for group in _GROUPS.values() for name, place in group.items()}
#: Verbs of older tools, and where they went.
_MOVED = {
    "sweep": "your own app starts a sweep:  python train.py -m hydra/launcher=hsm_local seed=1,2",
    "run": "your own app starts a sweep:  python train.py -m hydra/launcher=hsm_local seed=1,2",
    "submit": "your own app starts a sweep:  python train.py -m hydra/launcher=hsm_slurm seed=1,2",
    "test": "to try a sweep out:  python train.py -m … hydra.launcher.dry_run=true",
    "sync": "results are here when a task ends; files that stayed on their machine come by:  hsm pull latest",
    "collect": "to see results:  hsm results latest",
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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] in ([], ["help"]):  # hsm, hsm help, hsm help resume
            args = [*args[1:2], "--help"]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, _COMMANDS))
        for title, group in _GROUPS.items():
            rows = [(name.ljust(widest), self._brief(ctx, name, formatter.width - widest - 6)) for name in group]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _brief(self, ctx: click.Context, name: str, room: int) -> str:
        first = next(other for other, place in _COMMANDS.items() if place == _COMMANDS[name])
        found = self.get_command(ctx, name)
        assert found is not None
        return found.get_short_help_str(room) if first == name else f"Same as {first}."

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
    epilog=examples("hsm help resume", "hsm status latest", "hsm results latest --best val_loss"),
)
@click.version_option(package_name="hpc-sweep-manager", prog_name="hsm")
def hsm() -> None:
    """See, finish and evaluate hyperparameter sweeps of Hydra apps.

    SWEEP is latest, an id or the start of one, a name, a directory, or a job id of Slurm or PBS.
    """


def main() -> int:
    """Runs the console script ``hsm``."""
    return guarded(lambda: run(hsm, sys.argv[1:], "hsm"))


if __name__ == "__main__":
    sys.exit(main())
