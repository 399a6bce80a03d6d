"""hsm-status: shows the user's sweeps, or one of them."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .show_status import Options

#: Seconds between two looks of ``-w`` without a number.
EVERY_S = 2.0
#: The least that may be asked for.
LEAST_S = 0.1


def main() -> int:
    """The console script ``hsm-status``."""
    gc.disable()  # before the imports: a short-lived process has nothing to collect
    from .show_status import show
    from .terminal import guarded

    words = spell_out_watch(sys.argv[1:])
    options = None if "_HSM_STATUS_COMPLETE" in os.environ else read_plain(words)
    if options is None:
        gc.enable()
        from .click_types import run
        from .commands.status import status

        return guarded(lambda: run(status, words, "hsm-status"))
    if options.watch is not None:
        gc.enable()
    return guarded(lambda: show(options))


def spell_out_watch(words: Sequence[str]) -> list[str]:
    """Write ``-w``, ``-w 5`` and ``-w5`` as ``--watch=…``: a sweep's name may follow a plain ``-w``."""
    found: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-w", "--watch"):
            word = f"--watch={rest.pop(0) if rest and _is_number(rest[0]) else EVERY_S}"
        elif word.startswith("-w") and _is_number(word[2:]):
            word = f"--watch={word[2:]}"
        found.append(word)
    return found


def read_plain(words: Sequence[str]) -> Options | None:
    """What the words ask for if they are the usual ones; None leaves them, and their errors, to click.

    Importing click takes as long as reading a large sweep.
    """
    from .show_status import Options

    flags = {"--json": False, "--exit-status": False, "--all": False}
    selector: str | None = None
    watch: float | None = None
    for word in words:
        if word in flags:
            flags[word] = True
        elif word.startswith("--watch=") and _is_number(word[8:]) and float(word[8:]) >= LEAST_S:
            watch = float(word[8:])
        elif selector is None and word and not word.startswith("-"):
            selector = word
        else:
            return None
    return Options(selector, flags["--json"], watch, flags["--exit-status"], flags["--all"])


def _is_number(word: str) -> bool:
    return word.removeprefix("-").replace(".", "", 1).isdecimal()


if __name__ == "__main__":
    sys.exit(main())
