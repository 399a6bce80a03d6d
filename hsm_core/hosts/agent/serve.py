"""Runs on the host: answers the calls that come over standard input; dies with the channel, what it started does not.

Standard library only: it travels as source, see ``carried.py``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from hsm_core.hosts.files import append_at, digest_of, finish_part, write_part
from hsm_core.hosts.interface import Patience
from hsm_core.hosts.local import LocalHost
from hsm_core.model import ProcessIdentity
from hsm_core.processes.identity import CALLED, this_boot, this_host

from .messages import MOST_ANSWER, SENTINEL, Head, Message, Unpacker, pack

Answer = tuple[Head, bytes]
_READ = 1 << 16


def main(timing: str) -> None:
    """Serves this machine until the channel ends, or its other end has fallen silent; then ends what still runs.

    Args:
        timing: JSON: the host's name in hexadecimal, seconds between two signs of life, and of silence after which
            nobody is there.
    """
    times = json.loads(timing)
    os.environ[CALLED] = bytes.fromhex(times["name"]).decode()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what prints by accident disturbs no message
    agent = Agent(answers, beat_s=float(times["beat_s"]), silent_s=float(times["silent_s"]))
    try:
        agent.serve(sys.stdin.buffer)
    except OSError:
        pass  # the channel broke
    finally:
        agent.host.close()
        os._exit(0)


class Agent:
    """Answers calls, each in a thread of its own.

    Args:
        answers: where answers are written.
        beat_s: seconds between two signs of life.
        silent_s: seconds without a word from the other end after which it is taken for gone.
    """

    def __init__(self, answers: BinaryIO, *, beat_s: float, silent_s: float) -> None:
        self._answers, self._beat_s, self._silent_s = answers, beat_s, silent_s
        self._presses = 0
        self.host = LocalHost(Patience(presses=lambda: self._presses))
        self._lock = threading.Lock()
        self._heard = time.monotonic()
        self._calls: dict[str, Callable[[Head, bytes], Answer]] = {
            "run": self._run, "start": self._start, "signal": self._signal, "death": self._death,
            "leftovers": self._leftovers, "which": self._which, "read": self._read, "write": self._write,
            "append": self._append, "files": self._files, "put": self._put, "put_part": self._put_part,
            "finish": self._finish, "drop": self._drop, "sizes": self._sizes, "get": self._get,
            "overwrite": self._overwrite, "clock": self._clock, "digest": self._digest,
        }  # fmt: skip

    def serve(self, calls: BinaryIO) -> None:
        """Answers until nothing more comes."""
        self._send(self._hello(), SENTINEL)
        threading.Thread(target=self._beat, daemon=True).start()
        unpacker = Unpacker(begun=True)
        while data := calls.read1(_READ):  # type: ignore[attr-defined]  # a BufferedReader
            self._heard = time.monotonic()
            for message in unpacker.feed(data):
                self._take(message)

    def _hello(self) -> bytes:
        head = {
            "host": this_host(), "boot": this_boot(), "user": self.host.user, "python": sys.executable,
            "version": list(sys.version_info[:3]), "home": os.path.expanduser("~"), "pid": os.getpid(),
        }  # fmt: skip
        return pack(head, json.dumps(dict(self.host.environment)).encode())

    def _beat(self) -> None:
        while time.monotonic() - self._heard < self._silent_s:
            with suppress(OSError):
                self._send(pack({"beat": 1}))
            time.sleep(self._beat_s)
        self.host.close()
        os._exit(0)

    def _take(self, message: Message) -> None:
        if "press" in message.head:
            self._presses += 1
        elif "id" in message.head:
            threading.Thread(target=self._answer, args=(message,), daemon=True).start()

    def _answer(self, message: Message) -> None:
        head: Head
        try:
            head, body = self._calls[message.head["call"]](message.head, message.body)
            if len(body) > MOST_ANSWER:
                raise OSError(f"the answer has {len(body)} bytes, of {MOST_ANSWER} at most")
        except (OSError, ValueError, KeyError, TypeError) as error:
            head, body = _error(error), b""
        with suppress(OSError):
            self._send(pack({**head, "id": message.head["id"]}, body))

    def _send(self, data: bytes, before: bytes = b"") -> None:
        with self._lock:
            self._answers.write(before + data)
            self._answers.flush()

    def _run(self, head: Head, body: bytes) -> Answer:
        cwd = Path(head["cwd"]) if head["cwd"] is not None else None
        done = self.host.run(head["argv"], head["timeout_s"], cwd=cwd, env=head["env"], stdin=body)
        out = done.out.encode()
        return {"code": done.code, "out": len(out)}, out + done.err.encode()

    def _start(self, head: Head, body: bytes) -> Answer:
        process = self.host.start(head["argv"], head["env"], Path(head["log"]))
        return {"process": [process.host, process.boot, process.pid, process.start]}, b""

    def _signal(self, head: Head, body: bytes) -> Answer:
        self.host.signal(ProcessIdentity(*head["process"]), head["number"])
        return {}, b""

    def _death(self, head: Head, body: bytes) -> Answer:
        return {"evidence": self.host.evidence_of_death(ProcessIdentity(*head["process"]))}, b""

    def _leftovers(self, head: Head, body: bytes) -> Answer:
        return {"killed": self.host.end_leftovers(Path(head["journal"]))}, b""

    def _which(self, head: Head, body: bytes) -> Answer:
        return {"path": self.host.which(head["command"])}, b""

    def _read(self, head: Head, body: bytes) -> Answer:
        return {}, self.host.read(Path(head["path"]), head["offset"], head["most"])

    def _write(self, head: Head, body: bytes) -> Answer:
        self.host.write(Path(head["path"]), body)
        return {}, b""

    def _append(self, head: Head, body: bytes) -> Answer:
        append_at(Path(head["path"]), head["offset"], body)
        return {}, b""

    def _overwrite(self, head: Head, body: bytes) -> Answer:
        self.host.overwrite(Path(head["path"]), body)
        return {}, b""

    def _clock(self, head: Head, body: bytes) -> Answer:
        return {"ms": int(1000 * self.host.clock())}, b""

    def _files(self, head: Head, body: bytes) -> Answer:
        found = self.host.files(Path(head["folder"]))
        rows = [[str(one.name), one.kind, one.size, one.changed_ns, one.mode, one.target] for one in found]
        return {}, json.dumps(rows).encode()

    def _put(self, head: Head, body: bytes) -> Answer:
        """Writes small files; the body holds them one after the other."""
        for (name, part, size, mode), data in zip(head["parts"], _split(body, head["parts"]), strict=True):
            try:
                write_part(Path(part), 0, data, mode)
                finish_part(Path(part), Path(name), size)
            except OSError:
                Path(part).unlink(missing_ok=True)
                raise
        return {}, b""

    def _put_part(self, head: Head, body: bytes) -> Answer:
        write_part(Path(head["part"]), head["offset"], body, head["mode"])
        return {}, b""

    def _finish(self, head: Head, body: bytes) -> Answer:
        try:
            finish_part(Path(head["part"]), Path(head["path"]), head["length"])
        except FileNotFoundError:  # an answer that was lost on its way: it has its name already
            if os.stat(head["path"]).st_size != head["length"]:
                raise
        return {}, b""

    def _drop(self, head: Head, body: bytes) -> Answer:
        Path(head["part"]).unlink(missing_ok=True)
        return {}, b""

    def _sizes(self, head: Head, body: bytes) -> Answer:
        found = [os.stat(path) for path in json.loads(body)]
        return {}, json.dumps([[one.st_size, one.st_mtime_ns, one.st_mode & 0o777] for one in found]).encode()

    def _digest(self, head: Head, body: bytes) -> Answer:
        return {"digest": digest_of(Path(head["path"]), head["offset"], head["length"])}, b""

    def _get(self, head: Head, body: bytes) -> Answer:
        """Reads pieces of files; a piece that is shorter now makes the whole answer shorter."""
        return {}, b"".join(self.host.read(Path(path), offset, size) for path, offset, size in json.loads(body))


def _split(body: bytes, parts: Sequence[Sequence[Any]]) -> list[bytes]:
    pieces, place = [], 0
    for part in parts:
        pieces.append(body[place : place + part[2]])
        place += part[2]
    return pieces


def _error(error: Exception) -> Head:
    told: Head = {"error": type(error).__name__, "text": str(error)}
    if isinstance(error, OSError) and error.errno is not None:
        told |= {"errno": error.errno, "text": error.strerror or ""}
        told["file"] = None if error.filename is None else os.fsdecode(error.filename)
    return told
