"""How return values and exceptions are told."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_core.store.files import read_json
from hsm_core.store.layout import TaskPaths
from hsm_core.store.outcomes import Owner, read_outcome
from hsm_core.worker.task.json_value import project, shown
from hsm_core.worker.task.outcome import TRACE_LIMIT, completed, explain, failed, write_outcome

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Scalar:
    shape = ()

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        return self.value


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@given(JSON)
def test_what_json_holds_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    files = TaskPaths(tmp_path_factory.mktemp("task"))
    content = completed(value)
    assert content["exact"]
    files.hsm.mkdir()
    write_outcome(files, Owner("s", 3, 1), content, None)
    assert read_json(files.outcome)["value"] == value


HIDDEN = "<Hostile that can't be shown>"
SHOWN: dict[str, tuple[object, object]] = {
    "scalar": (Scalar(2.5), 2.5),
    "scalar of something": (Scalar(Hostile()), HIDDEN),
    "tuple": ((1, 2), [1, 2]),
    "keys": ({1: {2: 3}}, {"1": {"2": 3}}),
    "path": (Path("a"), "PosixPath('a')"),
    "hostile": (Hostile(), HIDDEN),
    "hostile inside": ({"a": Hostile()}, {"a": HIDDEN}),
    "function": (lambda: 1, "<function <lambda>>"),
    "object inside": ({"a": [Scalar(Hostile)]}, {"a": [f"<class '{__name__}.Hostile'>"]}),
    "method": (Scalar(1).item, f"<bound method Scalar.item of <{__name__}.Scalar object>>"),
    "huge": (10**5000, "<int that can't be shown>"),
}


@pytest.mark.parametrize(("value", "projection"), SHOWN.values(), ids=SHOWN)
def test_what_json_does_not_hold_is_shown(value: object, projection: object) -> None:
    assert project(value)[0] == projection


def test_a_value_that_holds_itself_is_shown() -> None:
    value: list[object] = []
    value.append(value)
    found, exact = project(value)
    assert not exact
    assert "[[...]]" in str(found)


def test_an_address_in_a_text_is_the_texts() -> None:
    assert shown("crash <f at 0x12>", 100) == "'crash <f at 0x12>'"


def test_a_long_repr_is_cut() -> None:
    assert shown("x" * 1000, 10) == "'xxxxxxxxx…"


def failure_of(error: BaseException) -> dict[str, Any]:
    try:
        raise error
    except type(error) as caught:
        return failed(explain(caught))


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (ValueError("no"), "exception", "ValueError: no"),
        (OSError(errno.ENOSPC, "full"), "disk", "OSError: [Errno 28] full"),
        (OSError(errno.ENOENT, "none"), "exception", "FileNotFoundError: [Errno 2] none"),
        (MemoryError(), "oom", "MemoryError"),
        (type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch.cuda"})("CUDA"), "oom",
         "torch.cuda.OutOfMemoryError: CUDA"),
        (SystemExit("bye"), "exception", "the task called sys.exit('bye')"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_exceptions_have_reasons(error: BaseException, reason: str, message: str) -> None:
    found = failure_of(error)
    assert (found["state"], found["reason"], found["message"]) == ("failed", reason, message)
    assert "test_outcome.py" in found["trace"]


def test_a_long_trace_keeps_its_end() -> None:
    found = failure_of(ValueError("x" * 20_000 + "the end"))
    assert len(found["trace"]) < TRACE_LIMIT + 20
    assert found["trace"].endswith("the end\n")


@pytest.mark.parametrize(
    ("sweep", "task", "attempt", "state", "is_read"),
    [
        ("s", 3, 1, "completed", True),
        ("s", 3, 2, "completed", False),
        ("s", 4, 1, "failed", False),
        ("s", 3, 1, "running", False),
        ("another", 3, 1, "completed", False),
    ],
)
def test_only_the_attempts_own_outcome_is_believed(
    tmp_path: Path, sweep: str, task: int, attempt: int, state: str, is_read: bool
) -> None:
    files, owner = TaskPaths(tmp_path), Owner("s", 3, 1)
    assert read_outcome(files, owner) is None
    files.hsm.mkdir()
    write_outcome(files, Owner(sweep, task, attempt), {"state": state}, None)
    assert (read_outcome(files, owner) is not None) == is_read
