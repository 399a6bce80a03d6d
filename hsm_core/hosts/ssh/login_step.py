"""Names the steps of a login: how far it came and by what, and the one that only a person can take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from hsm_core.errors import HostClosed

from .ssh_config import Target

Kind = Literal["connection", "host key", "login"]
#: In their order, on each machine that is passed.
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Step:
    """A step that was taken.

    Args:
        host: the machine, as its user or the SSH configuration names it.
        said: what was seen: an address, a key, what it was accepted for.
    """

    kind: Kind
    host: str
    said: str


#: Is told each step once it is taken.
Tell = Callable[[Step], object]


def ignore(_: Step) -> None:
    """Does nothing with a step."""


def needs_login(target: Target, evidence: str, login: str) -> HostClosed:
    """Says that only a person can log in: hsm then goes through the connection that the person opened.

    Args:
        login: the ssh command that goes there.
    """
    first = "then" if target.control_path else "with ControlMaster auto and ControlPath ~/.ssh/%C configured, and"
    return HostClosed(
        f"{target.name} wants more than a key: log in yourself, and let hsm use that connection", evidence=evidence,
        fix=f"{login.replace('ssh ', 'ssh -fN ', 1)}    # {first} transport: openssh",
    )  # fmt: skip
