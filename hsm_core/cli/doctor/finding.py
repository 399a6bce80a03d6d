"""What hsm doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``fix`` is a line to copy."""

    name: str
    level: Literal["ok", "note", "bad"]
    said: str
    fix: str = ""
