"""Every kind of event is written and read back, whoever wrote the line and in whatever order."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from random import Random

import pytest

from hsm_core.model import ProcessIdentity, Span
from hsm_core.store import events
from hsm_core.store.event_codec import Event, OtherFormat, from_line
from hsm_core.store.layout import FORMAT
from hsm_core.store.state.line_scan import parsed, scan
from hsm_core.store.state.sweep_state import SweepState
from tests.unit.store.making import MadeSweep

ME = ProcessIdentity("node-ü", "boot", 7, "12")
SPANS = (Span(0, 2), Span(5, 1, 3))
FULL: list[Event] = [
    events.WorkerHead("w1", ME, "slurm", "7_0", "/tmp/lock", 2, "w.log", {"mem_gb": 1.5, "queue": "a"}, "n1"),
    events.Claimed("launch-0/submit-0/1", SPANS),
    events.Ready("launch-0", "fork", 1, 0.5, ("a note",), ("A100",), ("a thread",)),
    events.Broken("launch-0", "no module", "Traceback"),
    events.Start(0, 1, "0 'ü\n", "-1", 1, 12, "node"),
    events.End(
        0, 1, "failed", "exception", "bad\n\u2028", "ValueError", "train.py:3", "Traceback", "unkept", 1, 9,
        1.5, 0.5, 2.0, 3, 60.0, True,
    ),
    events.End(1, 2, "completed"),
    events.End(1, 2, "cancelled", "cancelled"),
    events.Beat(),
    events.Warned(),
    events.Expired(3600.0),
    events.Trouble("the disk was full"),
    events.ConductorHead("conductor-a", ME, "hsm"),
    events.SourceAdded("login1/slurm", "queue", "login1", {"scheduler": "slurm"}),
    events.SourceStanding("box1", "disabled", "node failure"),
    events.Submit("launch-0/submit-0", "demo-abc", SPANS, "slurm", 3, 4),
    events.HandedOver("launch-0/submit-0", "7", ME),
    events.Refusal("launch-0/submit-0", "no", "sbatch: exit code 1", "sinfo", "partition", ("a", "b"), "slurm"),
    events.Withdrawn("launch-0/submit-0", "too many"),
    events.Waits("2 tasks wait"),
    events.Gone(SPANS, "lost", "node", "Slurm says NODE_FAIL", "n1"),
    events.Lost(0, 1, "process 7 is gone", True),
    events.Cancel(0, 1),
    events.Interrupted("kill"),
    events.Assigned("launch-0/submit-0/0"),
    events.Seal(),
]  # fmt: skip
KINDS = [value for value in vars(events).values() if isinstance(value, type) and issubclass(value, Event)]


def ids(event: Event) -> str:
    return event.tag


def shuffled(event: Event, random: Random) -> bytes:
    """The line of another writer: keys in another order, some unknown ones, spaces."""
    more = {"x": {"e": "end", "t": 9}, "later": [1, None], "z": None}
    items = [*{**event.to_json(), "s": 3, **more}.items()]
    random.shuffle(items)
    return json.dumps(dict(items)).encode() + b"\n"


def test_every_kind_is_tried() -> None:
    assert {type(event) for event in FULL} == set(KINDS) - {Event}


@pytest.mark.parametrize("event", FULL, ids=ids)
def test_what_is_written_is_read_back_by_everybody(event: Event) -> None:
    line = event.to_line(4)
    assert from_line(line) == event
    keys = list(json.loads(line))
    assert (keys[0], keys[-1]) == ("e", "s")
    for seed in range(20):
        assert from_line(shuffled(event, Random(seed))) == event


@pytest.mark.parametrize("event", FULL, ids=ids)
def test_a_field_of_another_type_is_damage(event: Event) -> None:
    for key in event.to_json():
        line = {**event.to_json(), key: {"neither": 1}}
        if key == "format":
            assert isinstance(from_line(json.dumps(line).encode()), OtherFormat)
        elif key not in ("resources", "settings"):
            with pytest.raises((KeyError, TypeError, ValueError)):
                from_line(json.dumps(line).encode())


@pytest.mark.parametrize("event", FULL, ids=ids)
def test_a_line_needs_no_more_than_its_kind_does(event: Event) -> None:
    needed = {column.name: getattr(event, column.name) for column in event.columns if column.name in event.needed}
    least = type(event)(**needed, at=0.0)
    line = json.loads(least.to_line(0))
    assert "at" not in line
    assert from_line(json.dumps(line).encode()) == least
    for key in least.to_json().keys() - {"e", "at", "format"}:
        with pytest.raises((KeyError, TypeError, ValueError)):
            from_line(json.dumps({name: value for name, value in line.items() if name != key}).encode())


def test_events_are_frozen_and_know_their_fields() -> None:
    event = events.Cancel(0, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.task = 2  # type: ignore[misc]
    for wrong in ({"task": 0}, {"task": 0, "attempt": 1, "lr": 1}):
        with pytest.raises(TypeError, match="task, attempt, at"):
            events.Cancel(**wrong)
    with pytest.raises(TypeError):
        events.Cancel(0, 1, 2.0)  # type: ignore[misc]
    assert dataclasses.replace(event, task=3, at=1.0) == events.Cancel(3, 1, at=1.0)
    assert event != events.Cancel(0, 2)
    assert repr(events.Cancel(0, 1, at=2.0)) == "Cancel(at=2.0, task=0, attempt=1)"


@pytest.mark.parametrize("number", [FORMAT + 1, None])
def test_a_writer_of_another_format_is_told_from_a_damaged_line(number: int | None) -> None:
    line = b'{"e":"worker","name":"w","format":%s}' % json.dumps(number).encode()
    found = from_line(line)
    assert isinstance(found, OtherFormat)
    assert found.format == ("?" if number is None else str(number))


# the scan


def test_starts_and_ends_as_they_are_written_stay_bytes() -> None:
    for event in FULL:
        ((line, end, task, attempt, state),) = scan(event.to_line(0))
        is_known = isinstance(event, (events.Start, events.End))
        assert bool(task) == is_known
        if isinstance(event, (events.Start, events.End)):
            said = event.state.encode() if isinstance(event, events.End) else b""
            assert (int(task), int(attempt), state) == (event.task, event.attempt, said)
            assert bool(end) == isinstance(event, events.End)
            assert parsed(line) == event


@pytest.mark.parametrize("seed", range(20))
def test_lines_in_another_order_mean_the_same(tmp_path: Path, seed: int) -> None:
    said = [
        *(events.Start(number, 1, str(number)) for number in range(6)),
        *(events.End(number, 1, "completed", wall=1.0) for number in (0, 1)),
        events.End(2, 1, "failed", "exception", "no"),
        events.End(3, 1, "cancelled", "cancelled"),
        events.Lost(4, 1, "gone"),
        events.Seal(),
    ]
    known = []
    for number, order in enumerate((None, Random(seed))):
        sweep = MadeSweep(tmp_path / str(number), total=6)
        written = [event.to_line(0) if order is None else shuffled(event, order) for event in said]
        head = events.WorkerHead("w1", ME, "local", "", "", 1).to_line(0)
        sweep.paths.journal("w1").write_bytes(b"".join([head, *written]))
        state = SweepState(sweep.root)
        state.refresh()
        assert state.bad_lines == 0
        assert state.writers["w1"].sealed
        known.append([(state.state_of(n), state.tasks[n].last, state.tasks[n].begun) for n in range(6)])
    assert known[0] == known[1]
    assert [one[0] for one in known[0]] == ["completed", "completed", "failed", "cancelled", "lost", "lost"]
