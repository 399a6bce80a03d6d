"""Writes text and errors to a terminal, as far as it can show them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from hsm_core.errors import HsmError

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
    """Prints a line of data, also what the terminal's encoding can't show."""
    write(f"{text}\n")


def write(text: str) -> None:
    """Prints data as it is, except for what the terminal's encoding can't show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def say_json(value: object) -> None:
    """Prints data for programs, indented."""
    import json

    sys.stdout.write(json.dumps(value, indent=1) + "\n")


def remark(text: str) -> None:
    """Prints a message that is no data."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _open_closed() -> None:
    """Opens /dev/null in place of streams that the caller closed (``>&-``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the process ends


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
        remark(
            f"error: {error.filename or 'a file'} can't be read or written\n  because: {error.strerror or error}"
        )
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
