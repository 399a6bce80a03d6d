"""The server's process: answers commands, starts jobs on nodes, remembers what happened across its own death."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from . import lifecycle
from .admission import Asked, admit
from .answers import answer
from .jobs import EXITING, RUNNING, STARTING, Element, Job
from .knobs import node_names, read_knobs
from .memory import Memory
from .scheduling import Room, choose, starts
from .starting import order
from .wire import Message, Told, packed, server_socket

TURN_S = 0.05


class Server:
    """Jobs by number, nodes by name, and the connections to them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.knobs = read_knobs(base)
        self.memory = Memory(base / "server")
        self.jobs, self.changed = self.memory.jobs, self.memory.changed
        self.nodes: dict[str, socket.socket] = {}
        self.down_since = dict.fromkeys(node_names(self.knobs), time.time())
        self.waiting = selectors.DefaultSelector()
        self.partial: dict[socket.socket, bytes] = {}
        self.busy = False
        self.starter = os.getppid()

    # talking

    def serve(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            address = server_socket(self.base)
            Path(address).unlink(missing_ok=True)
            listener.bind(address)
            os.chmod(address, 0o777)
            listener.listen(128)
            self.waiting.register(listener, selectors.EVENT_READ)
            while os.getppid() == self.starter:  # who started it ends it, even by dying
                for key, _ in self.waiting.select(TURN_S if self.busy else 0.5):
                    self.hear(listener, key.fileobj)  # type: ignore[arg-type]
                self.turn()

    def hear(self, listener: socket.socket, source: socket.socket) -> None:
        if source is listener:
            connection, _ = listener.accept()
            self.partial[connection] = b""
            self.waiting.register(connection, selectors.EVENT_READ)
            return
        try:
            data = source.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self.hang_up(source)
            return
        *lines, self.partial[source] = (self.partial[source] + data).split(b"\n")
        for line in lines:
            self.understand(source, json.loads(line))

    def hang_up(self, source: socket.socket) -> None:
        """A node whose process ends is down at once."""
        self.waiting.unregister(source)
        self.partial.pop(source, None)
        source.close()
        for name, connection in list(self.nodes.items()):
            if connection is source:
                del self.nodes[name]
                self.down_since[name] = time.time()

    def understand(self, source: socket.socket, message: Message) -> None:
        if "report" in message:
            self.reported(message)
        elif message["do"] == "mom":
            self.node_came(source, message)
        else:
            self.reply(source, message)

    def reply(self, source: socket.socket, message: Message) -> None:
        """Answer a command; what it changed is on disk before it hears so."""
        self.knobs = read_knobs(self.base)
        said = (
            self.submit(source, message)
            if message["do"] == "qsub"
            else answer(self, message, user_of(source))
        )
        self.memory.save()
        source.setblocking(True)
        with contextlib.suppress(OSError):  # a command that was killed while it waited
            source.sendall(packed(said))

    def tell(self, node: str, message: Message) -> None:
        if node in self.nodes:
            with contextlib.suppress(OSError):
                self.nodes[node].sendall(packed(message))

    # jobs

    def submit(self, source: socket.socket, message: Message) -> Message:
        """Accept a job or refuse it; its number is used up either way."""
        seq = self.memory.next_number()
        try:
            job = admit(Asked(self.knobs, message, user_of(source), self.jobs), seq)
        except Told as told:
            return {"out": "", "err": told.words, "rc": told.code}
        self.jobs[seq] = job
        self.changed.add(seq)
        quiet = "z" in job.options
        return {"out": "" if quiet else job.native_id(self.knobs.server) + "\n", "err": "", "rc": 0}

    def turn(self) -> None:
        """Start what may start, see what time has brought, forget what is over."""
        self.knobs = read_knobs(self.base)
        now = time.time()
        self.establish(now)
        self.give_up_nodes(now)
        if lifecycle.settle_dependencies(self.jobs):
            self.changed.update(self.jobs)
        self.start_all(now)
        for seq in lifecycle.forgotten(self.knobs, self.jobs):
            del self.jobs[seq]
            self.changed.add(seq)
        self.busy = any(True for job in self.jobs.values() if not job.finished)
        self.memory.save()

    def establish(self, now: float) -> None:
        for job in self.jobs.values():
            for element in job.live if not job.finished else ():
                if element.substate == STARTING and now > element.began + self.knobs.established_s:
                    element.substate = RUNNING
                    self.changed.add(job.seq)

    def give_up_nodes(self, now: float) -> None:
        """Jobs of a node that stays away go back to the queue, though they may live."""
        for node, since in self.down_since.items():
            if now > since + self.knobs.node_fail_requeue_s:
                self.take_back(node, set())

    def take_back(self, node: str, still_running: set[tuple[str, int]]) -> None:
        for job in self.jobs.values():
            for element in [e for e in job.live if e.state in "RE" and e.node == node]:
                if (job.native_id(self.knobs.server, element.index), element.run_count) in still_running:
                    continue
                self.changed.add(job.seq)
                if job.rerunnable:
                    lifecycle.requeued(element)
                else:
                    lifecycle.element_ended(job, element, lifecycle.NODE_LOST, "")

    def start_all(self, now: float) -> None:
        room = Room.of(self.knobs, self.nodes, self.jobs)
        for job in self.jobs.values():
            chosen = choose(self.knobs, room, job)
            while not isinstance(chosen, str):
                element, node = chosen
                self.start(job, element, node, now)
                if element.state == "R":
                    room.take(node, job)
                chosen = choose(self.knobs, room, job)
            if chosen:
                self.explain(job, chosen)

    def explain(self, job: Job, why: str) -> None:
        waiting: Job | Element = job if job.array else job.elements[None]
        began = job.array and job.comment.startswith("Job Array ")
        if waiting.comment != why and not began:
            waiting.comment = why
            self.changed.add(job.seq)

    def start(self, job: Job, element: Element, node: str, now: float) -> None:
        self.changed.add(job.seq)
        if self.knobs.failing_starts:
            element.run_count += 1
            lifecycle.start_failed(self.knobs.server, job, element)
            return
        starts(job, element, node, now)
        self.memory.save()  # a job that runs is never unknown
        self.order(node, job, element, {"do": "start", "order": order(self.base, self.knobs, job, element)})

    def order(self, node: str, job: Job, element: Element, message: Message) -> None:
        native_id = job.native_id(self.knobs.server, element.index)
        self.tell(node, {"id": native_id, "run": element.run_count} | message)

    # nodes

    def node_came(self, source: socket.socket, message: Message) -> None:
        """A node is up: of its jobs it keeps those that are still meant to run there."""
        node = message["node"]
        self.nodes[node] = source
        self.down_since.pop(node, None)
        running = {(native_id, run) for native_id, run in message["running"]}
        for native_id, run in running:
            job, element = self.element(native_id)
            if not (
                job
                and element
                and element.state in "RE"
                and element.run_count == run
                and element.node == node
            ):
                self.tell(node, {"do": "discard", "id": native_id, "run": run})
        self.take_back(node, running)

    def element(self, native_id: str) -> tuple[Job | None, Element | None]:
        seq, _, rest = native_id.partition(".")[0].partition("[")
        job = self.jobs.get(int(seq))
        index = int(rest[:-1]) if rest else None
        return job, job.elements.get(index) if job else None

    def reported(self, message: dict[str, Any]) -> None:
        """A node says how a job gets on; a word on an earlier run of it is not heeded."""
        job, element = self.element(message["id"])
        if job and element and element.run_count == message["run"] and element.state in "RE":
            self.changed.add(job.seq)
            if message["report"] == "exiting":
                element.state, element.substate = "E", EXITING
            if message["report"] == "ended":
                killed = message["killed"]
                lifecycle.element_ended(job, element, message["status"], killed, message["stageout"])
        self.memory.save()
        if message["report"] == "ended":
            for node in self.nodes:
                self.tell(node, {"do": "believed", "id": message["id"], "run": message["run"]})


def user_of(source: socket.socket) -> int:
    """The user id of whoever is at the other end."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getuid()
    found = source.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", found)[1]
    return uid


def main() -> None:
    server = Server(Path(sys.argv[1]))
    server.memory.load()
    server.serve()


if __name__ == "__main__":
    main()
