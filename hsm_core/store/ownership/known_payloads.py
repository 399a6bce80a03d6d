"""Remembers, in the user's own state folder, which launches the user made: no other is loaded unasked."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from hsm_core.errors import StoreError
from hsm_core.overrides import quoted
from hsm_core.safe_open import MOST_PICKLED, append_to, read_own

from ..layout import LaunchPaths, state_home
from ..sweeps.catalogue import make_state_home

#: The variable whose value accepts one launch, by its digest.
ACCEPT = "HSM_ACCEPT"


def note_payload(launch: LaunchPaths) -> None:
    """Remembers a launch that this user has just written; a state folder that can't be written remembers nothing.

    Raises:
        OSError, StoreError: the launch can't be read.
    """
    _note(_read(launch)[0])


def require_known(launch: LaunchPaths) -> bytes:
    """Requires that a launch is, byte for byte, one that this user made or has accepted.

    Returns:
        Its pickled config, as it was read and found to be that.

    Raises:
        OSError: it can't be read.
        StoreError: it is another one; the message has the line that accepts it.
    """
    digest, config = _read(launch)
    if digest in _known():
        return config
    if os.environ.get(ACCEPT) == digest:
        _note(digest)
        return config
    raise StoreError(
        f"{launch.root} holds an app that you neither made nor accepted: it is not loaded",
        evidence=f"its digest {digest} is not in {_file()}: others changed or made its files, or you did, "
        "with another XDG_STATE_HOME",
        fix=f"{ACCEPT}={digest} hsm resume {quoted(str(launch.root.parents[1]))}    # if you trust who wrote them",
    )


def _read(launch: LaunchPaths) -> tuple[str, bytes]:
    """Returns the digest of what is loaded of a launch, and its config."""
    found, data = sha256(), b""
    for path in (launch.boot, launch.payload, launch.config):
        data = read_own(path, most=MOST_PICKLED)
        found.update(sha256(data).digest())
    return found.hexdigest(), data


def _known() -> set[str]:
    try:
        return set(read_own(_file()).decode("ascii", "replace").split("\n"))
    except FileNotFoundError:
        return set()


def _note(digest: str) -> None:
    try:
        make_state_home()
        with append_to(_file()) as stream:
            stream.write(f"{digest}\n".encode("ascii"))
    except OSError:
        return  # whoever resumes the sweep is asked


def _file() -> Path:
    return state_home() / "payloads"
