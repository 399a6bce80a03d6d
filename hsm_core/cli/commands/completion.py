"""hsm completion: what a shell needs so that Tab knows commands, options and sweeps."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..click_types import examples
from ..terminal import say

_WHERE = {
    "bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish",
}  # fmt: skip


@click.command("completion", epilog=examples("echo 'eval \"$(hsm completion bash)\"' >> ~/.bashrc"))
@click.argument("shell", type=click.Choice(list(_WHERE)))
def completion(shell: str) -> int:
    """Print the completion script for your shell."""
    from ..hsm import hsm
    from .status import status

    kind = get_completion_class(shell)
    assert kind is not None
    for command, name in ((hsm, "hsm"), (status, "hsm-status")):
        variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
        say(kind(command, {}, name, variable).source())
    return 0
