"""What a task returned is kept as far as it can be, in bounded time and space."""

from __future__ import annotations

import pickle
import signal
import time
from contextlib import suppress
from typing import Any

import pytest

from hsm_core.worker.task.returned import keep


class Endless:
    """Its code does not end, however it is interrupted."""

    def _go_on(self) -> Any:
        until = time.monotonic() + 5  # if it is not interrupted
        while time.monotonic() < until:
            with suppress(Exception):  # as careless code does
                time.sleep(1)

    __repr__ = __reduce__ = _go_on


def test_a_value_whose_code_never_ends_is_let_go() -> None:
    before = signal.getsignal(signal.SIGALRM)
    began = time.monotonic()
    content, pickled = keep({"a": 1, "b": Endless()}, pickle.dumps, patience_s=0.2)
    assert time.monotonic() - began < 4
    assert (content["state"], content["exact"], pickled) == ("completed", False, None)
    assert content["warning"] == "its return value can't be kept: TookTooLong: it took more than 0.2 s"
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    "value", [list(range(300_000)), {"a": [list(range(200_000))]}, "x" * 2_000_000, ["x" * 2_000, "y" * 999_999]],
    ids=["list", "nested", "text", "texts"],
)  # fmt: skip
def test_a_large_value_is_pickled_and_only_its_beginning_is_shown(value: object) -> None:
    content, pickled = keep(value, pickle.dumps)
    assert pickled is not None
    assert pickle.loads(pickled) == value
    assert not content["exact"]
    assert len(content["value"]) <= 501
    assert len(content["repr"]) <= 2001
    assert "warning" not in content


def test_what_json_holds_needs_no_pickle() -> None:
    value = {"a": [1, None, 2.5, "é"], "b": {"c": True}}
    content, pickled = keep(value, lambda _: b"not called")
    assert (content, pickled) == ({"state": "completed", "value": value, "exact": True}, None)
