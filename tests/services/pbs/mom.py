"""A node's own process (PBS calls it MoM): runs what the server orders, and reports until it is believed."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .processes import end_noted, signal_session
from .running import Order, Run
from .wire import connect, packed

FOLDERS = {"jobs": 0o755, "spool": 0o755, "aux": 0o755, "pids": 0o755, "undelivered": 0o755, "tmp": 0o1777}
START_FAILED = -2


class Mom:
    """Jobs of one node by (id, run), and what the server has not yet acknowledged."""

    def __init__(self, base: Path, name: str) -> None:
        self.base, self.name = base, name
        self.node = base / "nodes" / name
        self.runs: dict[tuple[str, int], Run] = {}
        self.untold: list[dict[str, Any]] = []
        self.server: socket.socket | None = None
        self.lock = threading.Lock()

    def begin(self) -> None:
        """Make the node's directories, and kill what an earlier process of this node left running."""
        for name, mode in FOLDERS.items():
            (self.node / name).mkdir(parents=True, exist_ok=True)
            (self.node / name).chmod(mode)
        self.end_all()

    def serve(self) -> None:
        """Obey the server; look for it again when it goes down. Ends, with its jobs, when its starter dies."""
        starter = os.getppid()
        while os.getppid() == starter:
            try:
                self.server = connect(self.base)
            except OSError:
                time.sleep(0.05)
                continue
            self.introduce()
            try:
                with self.server.makefile("rb") as orders:
                    for line in orders:
                        self.obey(json.loads(line))
            except ConnectionError:
                pass
            self.server.close()
        self.end_all()

    def end_all(self) -> None:
        for noted in (self.node / "pids").iterdir():
            end_noted(noted)

    def introduce(self) -> None:
        with self.lock:
            running = [list(key) for key in self.runs]
            self.say({"do": "mom", "node": self.name, "pid": os.getpid(), "running": running})
            for report in self.untold:
                self.say(report)

    def say(self, message: dict[str, Any]) -> None:
        """Tell the server; one that is down is told again when it is back."""
        try:
            if self.server:
                self.server.sendall(packed(message))
        except OSError:
            return

    def report(self, message: dict[str, Any]) -> None:
        with self.lock:
            if message["report"] == "ended":
                self.untold.append(message)
            self.say(message)

    def obey(self, order: dict[str, Any]) -> None:
        key = (order["id"], order["run"])
        run = self.runs.get(key)
        if order["do"] == "start":
            self.start(Order(**order["order"]))
        elif order["do"] == "believed":
            with self.lock:
                self.runs.pop(key, None)
                self.untold = [r for r in self.untold if (r["id"], r["run"]) != key]
        elif run and order["do"] == "discard":
            with self.lock:
                self.runs.pop(key, None)
                self.untold = [r for r in self.untold if (r["id"], r["run"]) != key]
            run.discard()
        elif run and order["do"] == "end":
            run.end("qdel", at_once=order["at_once"])
        elif run and run.process and order["do"] == "signal":
            signal_session(run.process.pid, order["number"])

    def start(self, order: Order) -> None:
        run = Run(self.base, self.node, order, self.report)
        self.runs[order.id, order.run] = run
        try:
            run.start()
        except OSError:  # no home directory, no shell
            failed = {"report": "ended", "status": START_FAILED, "killed": "", "stageout": 1}
            self.report(failed | run.name)


def main() -> None:
    mom = Mom(Path(sys.argv[1]), sys.argv[2])
    mom.begin()
    (mom.node / "pid").write_text(str(os.getpid()))
    mom.serve()


if __name__ == "__main__":
    main()
