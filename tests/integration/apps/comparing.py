"""Runs an app under Hydra's basic launcher and under hsm_local, and compares what they wrote."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

APPS = Path(__file__).parent
#: Logs without the time of day.
PLAIN_LOG = "hydra.job_logging.formatters.simple.format='[%(name)s][%(levelname)s] %(message)s'"


@dataclass(frozen=True)
class Ran:
    """One run of an app."""

    code: int
    out: str
    err: str
    files: dict[str, bytes]

    def same_as(self, other: Ran) -> None:
        """Assert that both wrote the same files with the same content."""
        assert (self.code, self.err if self.code else "") == (other.code, other.err if other.code else "")
        assert sorted(self.files) == sorted(other.files)
        assert self.files
        for name, content in self.files.items():
            assert other.files[name] == content, name


def run_both(
    command: Sequence[str],
    cwd: Path,
    sweep: Path,
    overrides: Sequence[str],
    env: Mapping[str, str] | None = None,
    ours: Sequence[str] = (),
) -> tuple[Ran, Ran]:
    """Run under ``basic``, then under ``hsm_local``.

    Args:
        command: starts the app; sweep: where its sweep directory will be, which is moved away in between.
        ours: overrides of hydra.launcher for ours only.
    """
    basic = _run(command, cwd, sweep, "basic", overrides, env)
    shutil.rmtree(sweep)
    return basic, _run(command, cwd, sweep, "hsm_local", [*overrides, *ours], env)


def _run(
    command: Sequence[str], cwd: Path, sweep: Path, launcher: str, overrides: Sequence[str],
    env: Mapping[str, str] | None,
) -> Ran:  # fmt: skip
    done = subprocess.run(
        [*command, "-m", f"hydra/launcher={launcher}", *overrides], cwd=cwd,
        env={**os.environ, **(env or {})}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=120, check=False,
    )  # fmt: skip
    assert sweep.is_dir(), done.stderr
    return Ran(done.returncode, done.stdout, done.stderr, files_of(sweep))


def files_of(sweep: Path) -> dict[str, bytes]:
    """What an app's tasks wrote: without our own, hidden ones, and what Hydra writes of launcher and sweeper."""
    found = {}
    for path in sorted(sweep.rglob("*")):
        name = path.relative_to(sweep)
        if path.is_file() and ".hsm" not in name.parts:
            content = path.read_bytes()
            found[str(name)] = _neutral(content) if path.name in ("hydra.yaml", "multirun.yaml") else content
    return found


def _neutral(content: bytes) -> bytes:
    """A ``hydra.yaml`` without the nodes of launcher and sweeper and without their names."""
    text = re.sub(r"^  (launcher|sweeper):\n(    .*\n)*", "", content.decode(), flags=re.M)
    return re.sub(
        r"^ *(- hydra[/.](launcher|sweeper)[=.]|hydra/(launcher|sweeper): ).*\n", "", text, flags=re.M
    ).encode()


def python(script: Path | str) -> list[str]:
    return [sys.executable, str(script)]


def hydra_text(path: Path | str) -> str:
    """A value as Hydra's grammar reads it back."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
