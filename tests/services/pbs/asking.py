"""What tests ask of a PBS, by its own commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

from .pbs import Pbs
from .transcript import state


def submit(pbs: Pbs, text: str, *options: object) -> str:
    """The native id of a job with this script."""
    Path("job.sh").write_text(f"#!/bin/bash\n{text}\n")
    done = pbs.run("qsub", *options, "job.sh")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def shown(pbs: Pbs, native_id: str, *options: str) -> dict[str, Any]:
    """What qstat's JSON says of one job; empty if it says nothing."""
    said = json.loads(pbs.run("qstat", *options, "-f", "-F", "json", native_id).stdout)
    found: dict[str, Any] = said.get("Jobs", {}).get(native_id, {})
    return found


def ended(pbs: Pbs, native_id: str) -> dict[str, Any]:
    wait_until(lambda: state(pbs, native_id) == "F", what=f"the end of {native_id}")
    return shown(pbs, native_id, "-x")


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
