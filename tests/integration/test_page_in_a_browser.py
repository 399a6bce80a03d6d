"""The page that shows sweeps, in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from hsm_core.results.rows import Row
from hsm_core.views.report.content import table_columns
from hsm_core.views.report.importance import importance
from hsm_core.views.report.page import page as page_text
from hsm_core.views.report.task_facts import TaskFacts
from tests.unit.store.making import MadeSweep, complete, fail, start

pytestmark = pytest.mark.browser
OURS = ("file:", "blob:", "http://localhost:")
SCRIPT = "</script><script>window.evil = 1</script><img src=x onerror='window.evil = 1'>"


@pytest.fixture(scope="module")  # not session: an event loop goes on while it lives
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab; errors of its scripts and requests to anywhere else fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab, faults = context.new_page(), []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    tab.on("request", lambda one: None if one.url.startswith(OURS) else faults.append(one.url))
    yield tab
    context.close()
    assert not faults


def made(count: int) -> str:
    rows = [
        Row("s-1", task, 1, "failed" if task % 10 == 9 else "completed",
            {"lr": 10.0 ** -(task % 4 + 1), "model": ("cnn", "mlp", SCRIPT)[task % 3], "seed": task},
            {} if task % 10 == 9 else {"loss": (task * 37 % count) / count + task % 4})
        for task in range(count)
    ]  # fmt: skip
    facts = [
        TaskFacts("s-1", row.task, row.state, "local", "n1", 1e9 + row.task, 1e9 + row.task + 9, 9.0)
        for row in rows
    ]
    return page_text("s-1", {
        "made": "now", "metric": "loss", "mode": "min", "importance": asdict(importance(rows, "loss")),
        "sweeps": [{"id": "s-1", "description": SCRIPT, "tags": [], "command": SCRIPT, "directory": "/d", "git": {},
                    "user": "u", "host": "h", "created": "c", "launcher": "l", "versions": {},
                    "counts": {"completed": count}}],
        "failures": [{"count": 3, "reason": "exception", "cause": SCRIPT, "message": SCRIPT, "where": "",
                      "example": 9, "next": "", "nodes": [], "log": SCRIPT}],
        "best": {"sweep": "s-1", "task": 0, "value": 0.0, "parameters": [["lr", 0.1]], "line": "python train.py"},
        "curves": [{"sweep": "s-1", "task": 0, "points": [[1, 2.0], [2, 1.0]]}],
        "sources": [], "columns": table_columns(rows, facts),
    })  # fmt: skip


def shown(tab: Any) -> int:
    return int(tab.locator("#shown").text_content().split()[0])


def test_the_page(tab: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(made(200), encoding="utf-8")
    tab.goto(file.as_uri())
    assert tab.evaluate("window.evil") is None
    assert SCRIPT in tab.locator(".failure").text_content()
    assert shown(tab) == 200
    heads = tab.locator("#rows .head button")
    loss = heads.all_text_contents().index("loss")

    heads.nth(loss).click()  # sorting sorts
    cells = [line.locator("span").nth(loss).text_content() for line in tab.locator("#rows .row").all()[:8]]
    assert [float(cell) for cell in cells] == sorted(map(float, cells))

    tab.fill("#filter", "lr<0.05 cnn")  # filters filter
    assert shown(tab) == len([task for task in range(200) if task % 4 and task % 3 == 0])
    tab.fill("#filter", "")
    tab.select_option("#states", "failed")
    assert shown(tab) == 20
    tab.get_by_role("button", name="clear").click()
    assert shown(tab) == 200

    canvas = tab.locator("#parallel")  # brushing chooses
    canvas.scroll_into_view_if_needed()
    tab.wait_for_selector("#parallel[data-drawn=yes]")
    box = canvas.bounding_box()
    tab.mouse.move(box["x"] + 50, box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 50, box["y"] + 70, steps=5)
    tab.mouse.up()
    tab.locator("#shown", has_text="50 of").wait_for()
    tab.locator("#rows .row").first.click()
    assert "hsm logs s-1" in tab.locator("#details").text_content()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[MadeSweep, str]]:
    """A sweep of four tasks, two of them running, and the address of its live page."""
    made = MadeSweep(tmp_path / "s", total=4, metric=(("loss", "min"),))
    line = [sys.executable, "-m", "hsm_core.cli.hsm", "web", made.id]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        try:
            yield made, served.stdout.readline().strip()
        finally:
            served.send_signal(signal.SIGINT)
            assert served.wait(10) == 0


def test_a_failure_appears_within_two_seconds(tab: Any, live: tuple[MadeSweep, str]) -> None:
    made, address = live
    worker = made.worker("w1")
    complete(worker, 0)
    start(worker, 1)
    made.files(1).stdout.write_text(f"epoch 3\n{SCRIPT}\n")
    tab.goto(address)
    tab.locator("#running", has_text="task 1").wait_for()
    assert SCRIPT in tab.locator("#running").text_content()

    made.files(2).stderr.write_text(f"Traceback\n{SCRIPT}\n")
    fail(worker, 2, f"ValueError: {SCRIPT}")
    begin = time.monotonic()
    tab.wait_for_selector(".failure", timeout=10_000)
    took = time.monotonic() - begin
    assert SCRIPT in tab.locator(".failure pre").last.text_content()
    assert tab.evaluate("window.evil") is None
    assert "1 failed" in tab.locator("#counts-0").text_content()
    assert took < 2 or os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    tab.locator(".failure summary").click()
    tab.locator("#filter").press_sequentially("0.")
    outcome = {"sweep": made.id, "task": 3, "attempt": 1, "state": "completed", "value": 0.125, "exact": True}
    made.files(3).outcome.write_text(json.dumps(outcome))
    complete(worker, 1, 3)  # it is over: the results are read at once
    tab.locator("#rows", has_text="0.125").wait_for()
    tab.locator("#filter").press("Backspace")
    assert tab.locator("#filter").input_value() == "0"
    assert tab.evaluate("document.activeElement.id") == "filter"
    assert "3 completed" in tab.locator("#counts-0").text_content()


@pytest.mark.slow
@pytest.mark.parametrize(("count", "seconds"), [(1000, 3), (10_000, 5)])
def test_large_pages_open_fast(tab: Any, tmp_path: Path, count: int, seconds: float) -> None:
    file = tmp_path / "report.html"
    file.write_text(made(count), encoding="utf-8")
    begin = time.monotonic()
    tab.goto(file.as_uri())
    assert shown(tab) == count
    tab.locator("#parallel").scroll_into_view_if_needed()
    tab.wait_for_selector("#parallel[data-drawn=yes]")
    took = time.monotonic() - begin
    if count > 1500:
        assert "1500 of" in tab.locator("#parallel-told").text_content()
    assert took < seconds * 3  # a machine that is shared
    print(count, took)
