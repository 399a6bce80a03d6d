"""Serves pages of sweeps on this machine's own address, to whoever has the token; it only reads."""

from __future__ import annotations

import hmac
import html
import json
import secrets
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from hsm_core.errors import HsmError
from hsm_core.store.sweeps import catalogue
from hsm_core.views.report.page import page
from hsm_core.views.status.sweep_list import read_listed

from .feed import Feed

#: Names by which a browser may call this machine; any other is of somebody who had it pointed here.
_NAMES = ("localhost", "127.0.0.1")
#: Pages that may be open at once; sweeps on the list; seconds between two signs of life.
_OPEN, _LISTED, _ALIVE = 50, 20, 15.0
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LIST_POLICY = "default-src 'none'; style-src 'none'; base-uri 'none'; form-action 'none'"


class PageServer(ThreadingHTTPServer):
    """The server of ``hsm web``.

    Args:
        port: 0: any that is free.

    Attributes:
        token: what a request must bring.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.token = secrets.token_urlsafe(24)
        self.seats = threading.BoundedSemaphore(_OPEN)
        self._feeds: dict[str, Feed] = {}
        self._lock = threading.Lock()

    def add(self, feed: Feed) -> None:
        """Serves a sweep that is not on the user's list as well."""
        self._feeds[feed.id] = feed

    def feed(self, identifier: str) -> Feed | None:
        """Returns what follows a sweep; None if there is no such sweep.

        Raises:
            HsmError: it can't be read.
        """
        with self._lock:
            if identifier not in self._feeds:
                entry = next(
                    (one for one in catalogue.entries() if one.id == identifier and one.is_there), None
                )
                if entry is None:
                    return None
                self._feeds[identifier] = Feed(entry.place)
            return self._feeds[identifier]


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 60

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if not self._is_from_here() or not self._has_token(asked):
            self._answer(b"not allowed: use the address that hsm web printed\n", status=HTTPStatus.FORBIDDEN)
            return
        words = parts.path.strip("/").split("/")
        try:
            self._serve(words, asked)
        except (HsmError, OSError) as error:
            if isinstance(error, ConnectionError):
                return
            self._answer(f"{error}\n".encode(), status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _serve(self, words: list[str], asked: dict[str, list[str]]) -> None:
        if words == [""]:
            self._answer(self._list().encode(), "text/html", policy=_LIST_POLICY)
            return
        feed = self.server.feed(words[1]) if words[0] == "sweep" and len(words) in (2, 3) else None
        match words[2:] if feed else None:
            case []:
                assert feed is not None
                self._answer(page(feed.id, feed.whole(), live=True).encode(), "text/html")
            case ["content"]:
                assert feed is not None
                self._answer(json.dumps(feed.whole(), allow_nan=False).encode(), "application/json")
            case ["events"]:
                assert feed is not None
                self._stream(feed, _number(asked.get("since", ["0"])[0]))
            case _:
                self._answer(b"not found\n", status=HTTPStatus.NOT_FOUND)

    def _is_from_here(self) -> bool:
        """Returns whether the user or a page of ours asks, not one whose name was pointed to this machine."""
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        return host.partition(":")[0] in _NAMES and origin in (None, f"http://{host}")

    def _has_token(self, asked: dict[str, list[str]]) -> bool:
        given = asked.get("token", [""])[0].encode("utf-8", "replace")
        return hmac.compare_digest(given, self.server.token.encode())

    def _stream(self, feed: Feed, since: int) -> None:
        if not self.server.seats.acquire(blocking=False):
            self._answer(b"too many pages are open\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            self._head(HTTPStatus.OK, "text/event-stream")
            since = max(since, _number(self.headers.get("Last-Event-ID", "0")))
            said, first = time.monotonic(), True
            while True:
                delta = feed.delta(-1 if first and since >= feed.version else since)
                if delta is not None:
                    since, first = _number(str(delta["version"])), False
                    self.wfile.write(f"id: {since}\nevent: delta\ndata: {json.dumps(delta)}\n\n".encode())
                    said = time.monotonic()
                elif time.monotonic() - said > _ALIVE:
                    self.wfile.write(b": alive\n\n")
                    said = time.monotonic()
                time.sleep(0.25)
        except ConnectionError:
            return
        finally:
            self.server.seats.release()

    def _list(self) -> str:
        rows = []
        for item in map(read_listed, catalogue.entries()[:_LISTED]):
            counts = item.view.counts if item.view else {}
            told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or item.trouble
            link = f"/sweep/{quote(item.entry.id, safe='')}?token={self.server.token}"
            name = html.escape(item.entry.id)
            phase = item.view.phase if item.view else ""
            rows.append(f'<tr><td><a href="{link}">{name}</a><td>{phase}<td>{html.escape(told)}')
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10">'
            f"<title>hsm</title><h1>Your sweeps</h1><table>{''.join(rows)}</table></html>"
        )

    def _answer(
        self, data: bytes, kind: str = "text/plain", status: HTTPStatus = HTTPStatus.OK, policy: str = ""
    ) -> None:
        self._head(status, kind, len(data), policy)
        self.wfile.write(data)

    def _head(self, status: HTTPStatus, kind: str, length: int | None = None, policy: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if policy:
            self.send_header("Content-Security-Policy", policy)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet: requests have the token in them."""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
