"""Provides a host that runs nothing: it records what it was asked, and answers as a test has told it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hsm_core.hosts.interface import Done, Found
from hsm_core.model import ProcessIdentity

#: What a command prints, with exit code 0; or how it ends; or what tells from its argv how it ends.
Reply = str | Done | Callable[[Sequence[str]], Done]


@dataclass
class Call:
    """A command that was run, or started."""

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None


@dataclass
class RecordingHost:
    """Answers by the longest beginning of a command line that it knows; another command is not there.

    Args:
        replies: by how the command line begins: ``{"squeue -r": "…"}``.
        files_there: what lies there.
    """

    replies: dict[str, Reply] = field(default_factory=dict)
    files_there: dict[Path, bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "ann"
    name: str = "recorded"
    settings: Mapping[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    started: list[Call] = field(default_factory=list)
    signals: list[tuple[ProcessIdentity, int]] = field(default_factory=list)
    dead: dict[ProcessIdentity, str] = field(default_factory=dict)

    def which(self, command: str) -> str | None:
        return f"/usr/bin/{command}" if any(line.split()[0] == command for line in self.replies) else None

    def run(
        self, argv: Sequence[str], timeout_s: float, *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Done:  # fmt: skip
        self.calls.append(Call(tuple(argv), cwd, env))
        line = " ".join([argv[0].rpartition("/")[2], *argv[1:]])
        known = max((start for start in self.replies if (line + " ").startswith(start + " ")), key=len, default=None)
        if known is None:
            raise FileNotFoundError(2, "No such file or directory", argv[0])
        reply = self.replies[known]
        if isinstance(reply, str):
            return Done(tuple(argv), 0, reply, "")
        return replace(reply if isinstance(reply, Done) else reply(argv), argv=tuple(argv))

    def start(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> ProcessIdentity:
        self.started.append(Call(tuple(argv), None, env))
        return ProcessIdentity("recorded", "boot", len(self.started), "0")

    def signal(self, process: ProcessIdentity, number: int) -> None:
        self.signals.append((process, number))

    def evidence_of_death(self, process: ProcessIdentity) -> str | None:
        return self.dead.get(process)

    def end_leftovers(self, journal: Path) -> list[int]:
        return []

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        if path not in self.files_there:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return self.files_there[path][offset:][: None if size < 0 else size]

    def write(self, path: Path, data: bytes) -> None:
        self.files_there[path] = data

    def append(self, path: Path, offset: int, data: bytes) -> None:
        self.files_there[path] = self.files_there.get(path, b"")[:offset] + data

    def overwrite(self, path: Path, data: bytes) -> None:
        self.files_there[path] = data + self.files_there[path][len(data) :]

    def clock(self) -> float:
        return time.monotonic()

    def files(self, folder: Path) -> list[Found]:
        inside = [path for path in self.files_there if folder in path.parents]
        return [Found(path.relative_to(folder), "file", len(self.files_there[path]), 0, 0o600) for path in inside]

    def push(self, copies: Mapping[Path, Path]) -> None:
        for here, there in copies.items():
            self.write(there, here.read_bytes())

    def pull(self, copies: Mapping[Path, Path]) -> None:
        for there, here in copies.items():
            here.write_bytes(self.read(there))

    def close(self) -> None:
        """It holds nothing."""
