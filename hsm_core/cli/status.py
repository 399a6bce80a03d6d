"""hsm-status: shows the user's sweeps, or one of them."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .show_status import Options


def main() -> int:
    """Runs the console script ``hsm-status``."""
    gc.disable()  # before the imports: a short-lived process has nothing to collect
    from .show_status import show
    from .terminal import guarded
    from .watch_option import spell_out_watch

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


def read_plain(words: Sequence[str]) -> Options | None:
    """Returns the options if the words are the usual ones; None leaves them, and their errors, to click.

    Importing click takes as long as reading a large sweep.
    """
    from .show_status import Options
    from .watch_option import LEAST_S, is_number

    flags = {"--json": False, "--exit-status": False, "--all": False}
    selector: str | None = None
    watch: float | None = None
    for word in words:
        if word in flags:
            flags[word] = True
        elif word.startswith("--watch=") and is_number(word[8:]) and float(word[8:]) >= LEAST_S:
            watch = float(word[8:])
        elif selector is None and word and not word.startswith("-"):
            selector = word
        else:
            return None
    return Options(selector, flags["--json"], watch, flags["--exit-status"], flags["--all"])


if __name__ == "__main__":
    sys.exit(main())
