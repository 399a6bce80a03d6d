"""What a terminal can show, and how text and errors get there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from hsm_core.errors import HsmError

#: What a shell gets for a program that Ctrl-C ended.
INTERRUPTED = 130


def colour_on(stream: TextIO) -> bool:
    """NO_COLOR switches off, FORCE_COLOR and CLICOLOR_FORCE on; else terminals have colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


#: The width of what is no terminal: nothing is cut there.
UNLIMITED = 1_000_000


def columns() -> int:
    """The terminal's width, or what COLUMNS says; in a pipe or a file there is no limit."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(40, int(os.environ["COLUMNS"]))
    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        return UNLIMITED


def say(text: str) -> None:
    """Print a line of data, also what the terminal's encoding can't show."""
    write(f"{text}\n")


def write(text: str) -> None:
    """Print data as it is, but for what the terminal's encoding can't show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def say_json(value: object) -> None:
    """Print data for programs, indented."""
    import json

    sys.stdout.write(json.dumps(value, indent=1) + "\n")


def remark(text: str) -> None:
    """Print a message that is no data."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _open_closed() -> None:
    """What is said to a stream that the caller closed (``>&-``) goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the process ends


def guarded(action: Callable[[], int]) -> int:
    """Run a command; expected trouble is told without a traceback.

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
        remark(
            f"error: {error.filename or 'a file'} can't be read or written\n  because: {error.strerror or error}"
        )
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
