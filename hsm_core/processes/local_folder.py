"""Makes a folder for this user on this machine's own disk, for what other machines must not see."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def own_folder() -> Path:
    """Returns the folder; never one that another user put in our way.

    Raises:
        OSError: local disk refuses.
    """
    folder = Path(tempfile.gettempdir()) / f"hsm-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return Path(tempfile.mkdtemp(prefix="hsm-"))
    return folder
