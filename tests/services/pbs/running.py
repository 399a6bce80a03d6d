"""One job on its node: a login shell that runs the spooled script, its limits, its output."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .knobs import Knobs, read_knobs
from .processes import note, session_of, signal_session

Report = Callable[[dict[str, Any]], None]
SIGNALLED = 256  # a top process that a signal ended: 256 + its number
WALLTIME = {"pbspro": -29, "torque": -11}


@dataclass(frozen=True)
class Order:
    """What a node is told to run. ``out`` and ``err`` are where the output goes at the end; see ``outputs``."""

    id: str
    run: int
    uid: int
    gid: int
    groups: list[int]
    script: str
    shell: str
    environ: dict[str, str]
    home: str
    out: str
    err: str
    joined: str
    live: bool
    umask: int
    walltime_s: float | None


class Run:
    """A job's processes, from the shell's start to the delivery of its output."""

    def __init__(self, base: Path, node: Path, order: Order, report: Report) -> None:
        self.base, self.node, self.order, self.report = base, node, order, report
        self.killed = ""
        self.discarded = False
        self.began = time.monotonic()
        self.process: subprocess.Popen[bytes] | None = None
        self.kill_at: float | None = None

    @property
    def knobs(self) -> Knobs:
        return read_knobs(self.base)

    def spool(self, suffix: str) -> Path:
        return self.node / "spool" / f"{self.order.id}{suffix}"

    @property
    def scratch(self) -> Path:
        """The job's TMPDIR; it goes with the job. An array's has brackets in its name."""
        return self.node / "tmp" / f"pbs.{self.order.id}"

    @property
    def noted(self) -> Path:
        return self.node / "pids" / f"{self.order.id}.{self.order.run}"

    def start(self) -> None:
        """Start the shell; the rest goes on in a thread."""
        script = self.node / "jobs" / f"{self.order.id}.SC"
        script.write_bytes(self.order.script.encode("utf-8", "surrogateescape"))
        script.chmod(0o700)
        self.own(script)
        self.scratch.mkdir(mode=0o700, exist_ok=True)
        self.own(self.scratch)
        out, err = self.streams()
        self.process = subprocess.Popen(
            ["-" + os.path.basename(self.order.shell)],
            executable=self.order.shell,
            stdin=subprocess.PIPE, stdout=out, stderr=err,
            cwd=self.order.home, env=self.order.environ, umask=self.order.umask, start_new_session=True,
            **self.identity(),
        )  # fmt: skip
        os.close(out)
        if err != out:
            os.close(err)
        note(self.noted, self.process.pid)
        self.feed(script)
        self.report({"report": "started", "session": self.process.pid} | self.name)
        threading.Thread(target=self.follow, daemon=True).start()

    def feed(self, script: Path) -> None:
        """A PBS shell reads from its standard input which file to run, and then finds that at its end."""
        assert self.process
        assert self.process.stdin
        escaped = str(script).replace("[", "\\[").replace("]", "\\]")
        try:
            self.process.stdin.write(escaped.encode() + b"\n")
            self.process.stdin.close()
        except BrokenPipeError:  # a shell that has ended, such as /bin/false
            return

    @property
    def name(self) -> dict[str, Any]:
        return {"id": self.order.id, "run": self.order.run}

    def identity(self) -> dict[str, Any]:
        if os.geteuid() or not self.order.uid:
            return {}
        return {"user": self.order.uid, "group": self.order.gid, "extra_groups": self.order.groups}

    def own(self, path: Path) -> None:
        if not os.geteuid():
            os.chown(path, self.order.uid, self.order.gid)

    def streams(self) -> tuple[int, int]:
        """Files for standard output and error; the same one where they are joined."""
        if self.order.joined:
            both = self.open(self.order.out if self.order.joined == "oe" else self.order.err, ".OU")
            return both, both
        return self.open(self.order.out, ".OU"), self.open(self.order.err, ".ER")

    def open(self, final: str, suffix: str) -> int:
        path = Path(final) if self.order.live else self.spool(suffix)
        if not path.parent.is_dir():
            path = self.spool(suffix)
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND, 0o600)
        if path != Path("/dev/null"):
            os.fchmod(file, 0o666 & ~self.order.umask)
            self.own(path)
        return file

    def follow(self) -> None:
        """Wait for the end, enforce limits, deliver."""
        assert self.process
        while not self.over():
            try:
                self.process.wait(self.pause())
            except subprocess.TimeoutExpired:
                continue
            if self.kill_at is not None and session_of(self.process.pid):
                time.sleep(0.02)
        signal_session(self.process.pid, signal.SIGKILL)
        self.noted.unlink(missing_ok=True)
        if self.discarded:  # a later run may have this node, and this id, by now
            return
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.report({"report": "exiting"} | self.name)
        stageout = self.deliver_all()
        ended = {"report": "ended", "status": self.status(), "killed": self.killed, "stageout": stageout}
        self.report(ended | self.name)

    def pause(self) -> float:
        return 0.05 if self.kill_at is not None else self.knobs.walltime_check_s

    def over(self) -> bool:
        """Whether the job is over; after TERM, PBS Pro gives those that outlive the shell until KILL."""
        assert self.process
        self.check_walltime()
        if self.kill_at is not None and time.monotonic() > self.kill_at:
            signal_session(self.process.pid, signal.SIGKILL)
        if self.process.poll() is None:
            return False
        patient = self.kill_at is not None and self.knobs.flavour == "pbspro"
        return not patient or not session_of(self.process.pid)

    def check_walltime(self) -> None:
        limit, used = self.order.walltime_s, time.monotonic() - self.began
        if limit is None or used <= limit or self.killed:
            return
        words = f"=>> PBS: job killed: walltime {round(used)} exceeded limit {round(limit)}\n"
        log = self.open_log()
        with log.open("a") as file:
            file.write(words)
        self.end("walltime")

    def open_log(self) -> Path:
        final = {"": self.order.err, "oe": self.order.out, "eo": self.order.err}[self.order.joined]
        spooled = self.spool(".OU" if self.order.joined else ".ER")
        return spooled if spooled.exists() else Path(final)

    def end(self, why: str, at_once: bool = False) -> None:
        """TERM to all processes, KILL some time later to those that are left."""
        assert self.process
        self.killed = self.killed or why
        if self.kill_at is None or at_once:
            self.kill_at = time.monotonic() + (0 if at_once else self.knobs.kill_delay_s)
        signal_session(self.process.pid, signal.SIGKILL if at_once else signal.SIGTERM)

    def discard(self) -> None:
        """Kill it and say nothing: the server knows better."""
        self.discarded = True
        self.end("discarded", at_once=True)

    def status(self) -> int:
        assert self.process
        code = self.process.returncode
        code = code if code >= 0 else SIGNALLED - code
        return WALLTIME[self.knobs.flavour] if self.killed == "walltime" else code

    def deliver_all(self) -> int:
        """Copy spooled output to where it belongs; 0 if that failed."""
        time.sleep(self.knobs.delivery_s)
        one = self.order.out if self.order.joined == "oe" else self.order.err
        wanted = {".OU": one if self.order.joined else self.order.out, ".ER": self.order.err}
        spooled = [(self.spool(suffix), Path(final)) for suffix, final in wanted.items()]
        delivered = [self.deliver(source, final) for source, final in spooled if source.exists()]
        return int(all(delivered))

    def deliver(self, source: Path, final: Path) -> bool:
        if final == Path("/dev/null"):
            source.unlink()
            return True
        try:
            shutil.copyfile(source, final)
        except OSError:
            time.sleep(self.knobs.missing_directory_s)
            source.rename(self.node / "undelivered" / source.name)
            return False
        final.chmod(0o666 & ~self.order.umask)
        self.own(final)
        source.unlink()
        return True
