"""Names the GPUs of a worker's machine for the record, while the app is being imported."""

from __future__ import annotations

import shutil
import subprocess

#: Seconds that a driver which does not answer may cost.
_TIMEOUT_S = 2.0


class GpuQuestion:
    """Asks ``nvidia-smi`` without waiting for it."""

    def __init__(self) -> None:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        self._asked: subprocess.Popen[str] | None = None
        if shutil.which(command[0]):
            nothing = subprocess.DEVNULL
            self._asked = subprocess.Popen(
                command, stdin=nothing, stdout=subprocess.PIPE, stderr=nothing, text=True
            )

    def answer(self) -> list[str]:
        """Returns the names of the GPUs; none if there is no answer in time."""
        if self._asked is None:
            return []
        try:
            names, _ = self._asked.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._asked.kill()
            self._asked.communicate()
            return []
        return names.splitlines() if self._asked.returncode == 0 else []
