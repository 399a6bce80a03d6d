"""Tells whether this machine ends a user's processes when the user logs out."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path


def kills_at_logout() -> bool:
    """Returns whether systemd is set to (``KillUserProcesses``) and the user does not linger."""
    if not Path("/run/systemd/system").is_dir() or not shutil.which("busctl"):
        return False
    manager = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
    if _ask("busctl", "get-property", *manager, "KillUserProcesses") != "b true":
        return False
    return _ask("loginctl", "show-user", getpass.getuser(), "-p", "Linger") != "Linger=yes"


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
