"""What is sent by value keeps the names of its files, its line numbers and its source."""

from __future__ import annotations

import linecache
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hsm_core.hydra_bridge.task.pickling import dumps

SOURCE = """
def outer(word):
    class Net:
        def run(self):
            return [inner(word) for _ in range(1)]
    def inner(text):
        raise ValueError(text)  # here it goes wrong
    return Net
"""


def made(filename: str) -> Callable[[str], Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(SOURCE, filename, "exec"), names)
    found: Callable[[str], Any] = names["outer"]
    return found


def frames(net: Any) -> list[tuple[str, int | None, str, str | None]]:
    with pytest.raises(ValueError, match="bad") as caught:
        net().run()
    return [
        (at.filename, at.lineno, at.name, at.line)
        for at in traceback.extract_tb(caught.value.__traceback__)[1:]
    ]


def test_tracebacks_name_file_line_and_source(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SOURCE)
    kept = pickle.loads(dumps(made(str(script))("bad")))
    assert frames(kept) == frames(made(str(script))("bad"))
    assert frames(kept)[-1] == (str(script), 7, "inner", "raise ValueError(text)  # here it goes wrong")


def test_source_that_lies_in_no_file_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = "<ipython-input-7>"
    monkeypatch.setattr(linecache, "cache", {cell: (len(SOURCE), None, SOURCE.splitlines(True), cell)})
    pickled = dumps(made(cell)("bad"))
    monkeypatch.setattr(linecache, "cache", {})
    assert frames(pickle.loads(pickled))[-1] == (
        cell,
        7,
        "inner",
        "raise ValueError(text)  # here it goes wrong",
    )


def test_what_would_be_too_large_is_refused_before_it_is_copied() -> None:
    assert dumps(b"x" * 1000, limit=2000)
    with pytest.raises(ValueError, match="it is larger than 1 MiB"):
        dumps([bytes(2**20)], limit=2**20)
