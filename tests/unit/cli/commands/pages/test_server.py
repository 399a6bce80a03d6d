"""Who is served by ``hsm web``, and what comes over it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hsm_core.cli.commands.pages.feed import Feed
from hsm_core.cli.commands.pages.server import PageServer
from tests.unit.store.making import MadeSweep, complete, fail, start


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeSweep:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # its list has no sweep of other tests
    made = MadeSweep(tmp_path / "s", total=3, metric=(("loss", "min"),))
    complete(made.worker("w1"), 0)
    return made


@pytest.fixture
def server() -> Iterator[PageServer]:
    server = PageServer(0)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server: PageServer, path: str, **headers: str) -> tuple[int, str]:
    port = server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(headers.pop("method", "GET"), path, headers={"Host": f"localhost:{port}", **headers})
    answer = connection.getresponse()
    assert "unsafe" not in (answer.getheader("Content-Security-Policy") or "")
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_only_who_has_the_token_is_served(server: PageServer, made: MadeSweep) -> None:
    port, token = server.server_address[1], f"token={server.token}"
    page = f"/sweep/{made.id}"
    status, text = ask(server, f"/?{token}")
    assert status == 200
    assert made.id in text
    status, text = ask(server, f"{page}?{token}", Origin=f"http://localhost:{port}")
    assert status == 200
    assert server.token not in text
    for path in ("/", page, f"{page}/content", f"{page}/events", f"{page}?token=", f"{page}?{token}x"):
        assert ask(server, path)[0] == 403
    assert ask(server, f"{page}?{token}", Host="evil.example")[0] == 403
    assert ask(server, f"{page}?{token}", Origin="http://evil.example")[0] == 403
    assert ask(server, f"{page}?{token}", Origin="http://localhost:1")[0] == 403
    assert ask(server, f"{page}?{token}", method="POST")[0] == 501
    for path in ("/sweep/..%2F..%2Fetc", "/sweep/none", f"{page}/content/x", "/etc/passwd"):
        assert ask(server, f"{path}?{token}")[0] == 404


def test_the_stream_tells_all_at_first_and_then_what_is_new(server: PageServer, made: MadeSweep) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request("GET", f"/sweep/{made.id}/events?token={server.token}", headers={"Host": "localhost"})
    stream = connection.getresponse()

    def delta() -> Any:
        while not (line := stream.readline()).startswith(b"data: "):
            assert line
        return json.loads(line[6:])

    first = delta()
    assert first["counts"] == {"completed": 1, "pending": 2}
    assert first["states"] == [[0, "completed"]]
    fail(made.worker("w2"), 1, "ValueError: no")
    second = delta()
    assert second["states"] == [[1, "failed"]]
    assert second["failures"][0]["cause"] == "ValueError: no"
    assert second["version"] > first["version"]
    connection.close()


def test_results_are_read_again_at_once_when_the_sweep_is_over(
    made: MadeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hsm_core.cli.commands.pages.feed._LOOK", 0.0)
    monkeypatch.setattr("hsm_core.cli.commands.pages.feed._SHARE", 1e9)
    feed = Feed(made.paths.place)
    feed.delta(0)
    before = feed.whole()
    start(made.worker("w2"), 1)
    assert (feed.delta(feed.version) or {})["content"] == before["content"]  # too soon to read all again
    assert feed.whole() is before
    complete(made.worker("w3"), 1, 2)
    feed.delta(0)
    assert feed.whole() is not before
