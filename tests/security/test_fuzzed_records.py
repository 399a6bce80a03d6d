"""Records with arbitrary values in arbitrary places: readers refuse in their own words, and views show the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsm_core.errors import StoreError, VersionMismatch
from hsm_core.processes.identity import this_boot, this_host
from hsm_core.results.rows import rows
from hsm_core.store.claims import read_claim
from hsm_core.store.event_codec import from_line
from hsm_core.store.lease import living_conductor
from hsm_core.store.outcomes import owner_of
from hsm_core.store.record import read_record
from hsm_core.store.requests import RequestReader, asked_to_end
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.submission import read_submission
from hsm_core.store.tasks import TaskTable
from hsm_core.views.event_log import EventLog
from hsm_core.views.failures.by_cause import group_failures
from hsm_core.views.status.sweep_json import sweep_json
from hsm_core.views.status.sweep_text import sweep_text
from hsm_core.views.status.sweep_view import read_view
from hsm_core.views.task_list import task_lines
from tests.security.corpus import LINES, PLACES, Sweep, compact, lease_content, make_good

#: Examples of each property, each time and in the long run.
_FEW, _MANY = 40, 2000
_HARD = st.sampled_from([
    0, -1, 1, 2**31, 2**63, 10**13, 10**300, 1e308, -0.5, "", "..", "/", "../../etc", "a\0b", "\ud800", "\x1b[31m",
    "launch-0/submit-0", "launch-0", "completed", "failed", "lost", "running", this_host(), this_boot(), "{id}",
    [[0, 1, 1]], [[0, 10**13, 1]], [[5, 1, 2]], [["a"]], {}, {"host": 1},
])  # fmt: skip
VALUES = st.recursive(
    _HARD | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, good: dict[str, Any]) -> dict[str, Any]:
    """A good object of which some members are others, or missing, or more."""
    found = dict(good)
    for name in draw(st.lists(st.sampled_from(sorted(good)), max_size=3)):
        if draw(st.booleans()) or name in ("e", "t", "a"):
            found[name] = draw(VALUES) if name != "e" else found[name]
        else:
            found.pop(name, None)
    return {**found, **draw(st.dictionaries(st.text(max_size=4), VALUES, max_size=1))}


LINE = st.sampled_from(sorted(LINES)).flatmap(lambda tag: changed({**LINES[tag], "at": 5.0, "s": 1}))
#: Written as our writers do, which is scanned; or with spaces, which is parsed; or torn.
WRITTEN = st.one_of(
    LINE.map(compact), LINE.map(lambda line: json.dumps(line).encode()), LINE.map(lambda line: compact(line)[:-9]),
    st.binary(max_size=40),
)  # fmt: skip


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    top = tmp_path_factory.mktemp("fuzzed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(top / "state"))
        yield make_good(top / "sweep")


def often(examples: int) -> settings:
    """The same examples each time where they are few."""
    return settings(
        max_examples=examples, deadline=None, derandomize=examples <= 2 * _FEW, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def _look(sweep: Sweep) -> None:
    """Read and show all of it, as the commands do."""
    state = SweepState(sweep.root)
    view = read_view(state)
    assert sweep_text(view)
    json.dumps(sweep_json(view))
    [str(line) for line in EventLog(state.paths).read_new()]
    group_failures(state)
    try:
        list(task_lines(state, list(TaskTable(state.paths)), width=None))
        list(rows(state))
    except StoreError as error:
        assert "can't be read" in error.problem  # noqa: PT017


def try_lines(sweep: Sweep, lines: list[bytes]) -> None:
    for line in lines:
        with suppress(KeyError, ValueError):
            from_line(line)
    data = b"".join(line.replace(b"\n", b" ") + b"\n" for line in lines)
    sweep.paths.journal("zz-1").write_bytes(compact({**LINES["worker"], "s": 0}) + b"\n" + data)
    try:
        _look(sweep)
    except VersionMismatch as error:
        assert "format" in error.problem  # noqa: PT017
    finally:
        sweep.paths.journal("zz-1").unlink()


def try_record(sweep: Sweep, data: bytes) -> None:
    good = sweep.paths.record.read_bytes()
    sweep.paths.record.write_bytes(data)
    try:
        read_record(sweep.paths)
        _look(sweep)
    except (StoreError, VersionMismatch) as error:
        assert str(sweep.root) in str(error)  # noqa: PT017
    finally:
        sweep.paths.record.write_bytes(good)


def try_others(sweep: Sweep, place: str, data: bytes) -> None:
    path = PLACES[place](sweep)
    good = path.read_bytes() if path.exists() else None
    path.write_bytes(data)
    try:
        _look(sweep)
        living_conductor(sweep.paths)
        owner_of(sweep.files(1))
        asked_to_end(sweep.paths)("launch-0", 1)
        RequestReader(sweep.paths).read_new("launch-0")
        for read in (lambda: read_submission(sweep.paths, "launch-0/submit-0"), lambda: _claim(sweep)):
            with suppress(StoreError, ValueError):
                read()
    finally:
        path.write_bytes(good) if good is not None else path.unlink()


def _claim(sweep: Sweep) -> None:
    read_claim(sweep.paths.claim("launch-0/submit-0/0"))


OTHERS = ("tasks", "lease", "request", "submission", "outcome", "claim")


def _good(sweep: Sweep, place: str) -> dict[str, Any]:
    if place == "lease":
        return lease_content(released=False, host=this_host(), boot=this_boot())
    if place == "request":
        return {"ask": "cancel", "tasks": [[5, 1, 1]], "launches": ["launch-0"]}
    if place == "tasks":
        return {"task": 0, "overrides": ["lr=0"]}
    found: dict[str, Any] = json.loads(PLACES[place](sweep).read_bytes())
    return found


def _properties(examples: int, sweep: Sweep) -> None:
    @often(2 * examples)
    @given(st.lists(WRITTEN, max_size=6))
    def lines(found: list[bytes]) -> None:
        try_lines(sweep, found)

    @often(examples)
    @given(changed(json.loads(sweep.paths.record.read_bytes())))
    def record(found: dict[str, Any]) -> None:
        try_record(sweep, json.dumps(found).encode())

    @often(examples)
    @given(st.sampled_from(OTHERS).flatmap(lambda place: st.tuples(st.just(place), changed(_good(sweep, place)))))
    def others(found: tuple[str, dict[str, Any]]) -> None:
        try_others(sweep, found[0], json.dumps(found[1]).encode() + b"\n")

    for one in (lines, record, others):
        one()


def test_whatever_is_written_the_readers_refuse_in_their_own_words(sweep: Sweep) -> None:
    _properties(_FEW, sweep)


@pytest.mark.slow
def test_the_same_for_long(sweep: Sweep) -> None:
    _properties(_MANY, sweep)


def test_the_sweep_is_as_good_as_before(sweep: Sweep) -> None:
    state = SweepState(Path(sweep.root))
    state.refresh()
    assert state.counts()["completed"] == 3
    assert state.bad_lines == 0
