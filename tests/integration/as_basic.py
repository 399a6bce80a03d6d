"""Writes a small app, runs it under Hydra's basic launcher and under hsm_local, and compares file by file.

Compared are Hydra's files and the app's own (without times of day), the exit code, and what the tasks printed:
under hsm_local that lies in their logs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

from .apps.comparing import Ran, run_both

_TIME = re.compile(rb"\d{4}-\d\d-\d\d([ T_]\d\d[:-]\d\d[:-]\d\d([,.]\d+)?)?")
#: Lines in which Hydra's launcher, and Hydra at its start, tell what they do.
_OF_HYDRA = re.compile(rb".*(\[HYDRA\]|\[hydra\._internal\.core_plugins\.basic_launcher\]).*\n(=*\n)*")
ON_13 = version("hydra-core").startswith("1.3")


@dataclass(frozen=True)
class Both:
    """One app, run twice.

    Args:
        folder: where the app lies; its sweep is in ``sweep`` there.
        ours: of hsm_local, the run whose files are still there.
    """

    folder: Path
    basic: Ran
    ours: Ran

    def same(self) -> None:
        """Assert that Hydra's files and the app's own are the same, and that both succeeded or none did."""
        assert bool(self.ours.code) == bool(self.basic.code), self.ours.err
        assert sorted(self.ours.files) == sorted(self.basic.files)
        assert self.basic.files
        for name, content in self.basic.files.items():
            if not name.endswith(".pickle"):  # those hold the launcher's own fields
                _same(self.ours.files[name], content, name)

    def same_output(self, *, stderr: bool = True) -> None:
        """Assert that the tasks printed the same, in the order of their numbers."""
        _same(self.output("stdout"), self.basic.out.encode(), "stdout")
        if stderr:
            _same(self.output("stderr"), self.basic.err.encode(), "stderr")

    def output(self, stream: str) -> bytes:
        """What our tasks printed, in the order of their numbers."""
        logs = (self.folder / "sweep").glob(f"*/.hsm/{stream}.log")
        return b"".join(log.read_bytes() for log in sorted(logs, key=lambda log: int(log.parts[-3])))


def run_as_basic(
    folder: Path, files: Mapping[str, str], *overrides: str, command: Sequence[str] = ("app.py",),
    env: Mapping[str, str] | None = None, ours: Sequence[str] = (),
) -> Both:  # fmt: skip
    """Write an app and run a sweep of it under both launchers.

    Args:
        files: the app's files, by path: each with its text, which may be indented.
        command: what follows ``python``.
        ours: overrides of ``hydra.launcher``, for hsm_local only.
    """
    write_app(folder, files)
    where = folder / "sweep"
    words = ["hydra.sweep.dir=sweep", *overrides]
    return Both(folder, *run_both([sys.executable, *command], folder, where, words, env, ours))


def write_app(folder: Path, files: Mapping[str, str]) -> None:
    """Write files; Hydra 1.4 doesn't want to hear of a version base, Hydra 1.3 does."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = text if ON_13 else text.replace("version_base=None, ", "")
        path.write_text(dedent(text).lstrip("\n"))


def hsm(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of ours, in the app's folder."""
    return subprocess.run(
        [sys.executable, "-m", "hsm_core.cli.hsm", *words], cwd=folder, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip


def _same(ours: bytes, theirs: bytes, name: str) -> None:
    texts = [_comparable(text).decode("utf-8", "backslashreplace") for text in (theirs, ours)]
    lines = [text.splitlines() for text in texts]
    told = "\n".join([name, *unified_diff(*lines, "basic", "hsm_local", lineterm="", n=1)])
    assert texts[0] == texts[1], told


def _comparable(told: bytes) -> bytes:
    """Without the lines in which Hydra's launcher tells what it does, and without times."""
    return _TIME.sub(b"TIME", _OF_HYDRA.sub(b"", told))
