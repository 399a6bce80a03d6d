"""Makes a folder for this user on this machine's own disk, for what other machines must not see."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hsm_core.safe_open import why_not_own


def own_folder() -> Path:
    """Returns the folder; never one that another user put in our way, or can write.

    Raises:
        OSError: local disk refuses.
    """
    return next(filter(_is_made, _places()), None) or Path(tempfile.mkdtemp(prefix="hsm-"))


def _places() -> Iterator[Path]:
    """Yields where it may be, the best first: the second one ends with the last session of its user."""
    yield Path(tempfile.gettempdir()) / f"hsm-{os.geteuid()}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        yield Path(runtime) / "hsm"


def _is_made(folder: Path) -> bool:
    """Returns whether the folder is there, or could be made, and is this user's alone."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = os.stat(folder, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and not why_not_own(found)
