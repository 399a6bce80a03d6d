"""Writes text and errors to a terminal, as far as it can show them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from hsm_core.errors import HsmError
from hsm_core.overrides import quoted
from hsm_core.text import printable

#: What a shell gets for a program that Ctrl-C ended.
INTERRUPTED = 130


def colour_on(stream: TextIO) -> bool:
    """Returns whether to use colours: NO_COLOR forbids, FORCE_COLOR and CLICOLOR_FORCE demand; else on terminals."""
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Prints a line for people, whatever it contains; also what the terminal's encoding can't show."""
    _put(f"{printable(text, colours=colour_on(sys.stdout))}\n", sys.stdout)


def write(text: str, clean: Callable[[str], str] = printable) -> None:
    """Prints data: as it is, or on a terminal without what that would obey.

    Args:
        clean: makes it fit for a terminal.
    """
    _put(clean(text) if sys.stdout.isatty() else text, sys.stdout)


def write_raw(text: str) -> None:
    """Prints data as it is, also on a terminal."""
    _put(text, sys.stdout)


def _put(text: str, stream: TextIO) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))


def say_json(value: object) -> None:
    """Prints data for programs, indented."""
    import json

    sys.stdout.write(json.dumps(value, indent=1) + "\n")


def remark(text: str) -> None:
    """Prints a message that is no data."""
    _put(f"{printable(text, colours=colour_on(sys.stderr))}\n", sys.stderr)


def _open_closed() -> None:
    """Opens /dev/null in place of streams that the caller closed (``>&-``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the process ends


def _of_disk(error: OSError) -> HsmError:
    """Returns what is wrong with a file, and how to see why."""
    name, why = str(error.filename or "a file"), error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        return HsmError(f"{name} is missing", evidence=why)
    if isinstance(error, PermissionError):
        return HsmError(f"you have no access to {name}", evidence=why, fix=f"ls -ld {quoted(os.path.dirname(name))}")
    return HsmError(f"the disk refuses {name}", evidence=why)


def guarded(action: Callable[[], int]) -> int:
    """Runs a command; prints expected trouble without a traceback.

    Returns:
        the exit code.
    """
    _open_closed()
    try:
        code = action()
        sys.stdout.flush()
        return code
    except HsmError as error:
        from .typed_line import told

        remark(f"error: {told(error)}")
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        remark(f"error: {_of_disk(error)}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
