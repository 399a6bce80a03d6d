"""What a worker on another machine says is checked before it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.errors import HostTrouble
from hsm_core.hosts.interface import Found, Kind
from hsm_core.model import ProcessIdentity, Span
from hsm_core.sources.remote.worker_words import WorkerWords, is_result
from hsm_core.store import events
from hsm_core.store.event_codec import Event

WORDS = WorkerWords("box1-abcdefgh", "box1", "ssh:box1")
GIVEN = {"launch-0/submit-0": {(0, 1), (1, 1)}}
ME = ProcessIdentity("ssh:box1", "boot", 7, "1")


def heard(*said: Event) -> list[Event]:
    return list(WORDS.checked(b"".join(one.to_line(number) for number, one in enumerate(said)), GIVEN))


def test_all_that_a_worker_says_of_its_own_tasks_is_believed() -> None:
    said = [
        events.WorkerHead("box1-abcdefgh", ME, "box1", "", "/tmp/lock", 2),
        events.Claimed("launch-0/submit-0/0", (Span(0, 2, 1),)),
        events.Ready("launch-0", "fork", 1, 0.1), events.Start(0, 1, "0"), events.Start(1, 1, "model=a/1"),
        events.Beat(), events.Trouble("the disk was full"), events.End(0, 1, "completed"),
        events.Lost(1, 1, "killed", final=True), events.Cancel(1, 1), events.Seal(),
    ]  # fmt: skip
    assert heard(*said) == said


@pytest.mark.parametrize(
    "said",
    [
        events.End(2, 1, "completed"), events.Start(0, 2, "0"), events.Cancel(5, 1), events.Lost(0, 9, "so"),
        events.Claimed("launch-0/submit-0/0", (Span(0, 3, 1),)),
        events.Claimed("launch-0/submit-1/0", (Span(0, 1, 1),)), events.Claimed("launch-0/submit-1/0", ()),
        events.Claimed("launch-0/submit-0/0", ()), events.Start(0, 1, ""), events.Start(0, 1, "."),
        events.Start(0, 1, "/etc"), events.Start(0, 1, "../other"), events.Start(0, 1, ".hsm/launch-0"),
        events.Start(0, 1, "0/.hsm"),
        events.WorkerHead("box1-other", ME, "box1", "", "", 2),
        events.WorkerHead("box1-abcdefgh", ME, "slurm", "", "", 2),
        events.WorkerHead("box1-abcdefgh", ProcessIdentity("laptop", "boot", 7, "1"), "box1", "", "", 2),
        events.SourceAdded("box1", "host", "ssh:box1", {"ssh_config": "/home/me/sweep/0/config"}),
        events.Submit("launch-0/submit-1", "t", (Span(0, 1, 9),), "box1"), events.Withdrawn("launch-0/submit-0", ""),
        events.HandedOver("launch-0/submit-0", "x"), events.Gone((Span(0, 1, 1),), "failed", "oom", ""),
        events.ConductorHead("conductor-x", ME), events.Assigned("launch-0/submit-0/0"),
    ],
    ids=lambda one: one.tag,
)  # fmt: skip
def test_what_is_not_a_workers_to_say_is_refused(said: Event) -> None:
    with pytest.raises(HostTrouble):
        heard(said)


@pytest.mark.parametrize(
    "line",
    [
        b'{"e":"end","t":0,"a":1,"state":"completed","at":1.0,"t":1,"s":3}',
        b'{"e":"end","t":0,"a":1,"state":"completed","nonsense,"s":3}',
        b'{"e":"end","t":7,"a":1,"state":"completed","at":"no time","s":3}',
    ],
)
def test_a_line_that_a_quick_reader_takes_for_something_else_is_refused(line: bytes) -> None:
    with pytest.raises(HostTrouble):
        list(WORDS.checked(line + b"\n", GIVEN))


def test_a_torn_line_says_nothing() -> None:
    assert list(WORDS.checked(b'{"e":"end","t":0,"a":1,"sta\n\n', GIVEN)) == []


def found(name: str, kind: Kind = "file") -> Found:
    return Found(Path(name), kind, 1, 1, 0o644)


@pytest.mark.parametrize(
    "name",
    [
        "model.pt", "sub/model.pt", ".hydra/config.yaml", ".hsm/outcome.json", ".hsm/outcome-3.pkl",
        ".hsm/stdout.log", ".hsm/stderr-12.log", ".hsm/attempt-1/.hsm/stdout.log", ".hsm/attempt-1/train.log",
        ".hsm/attempt-2-7/.hydra/config.yaml",
    ],
)  # fmt: skip
def test_what_a_task_left_comes_home(name: str) -> None:
    assert is_result(found(name))


@pytest.mark.parametrize(
    "name",
    [
        ".hsm/checkpoint.pkl", ".hsm/checkpoint-3.pkl", ".hsm/sweep.json", ".hsm/launch-0/payload.pkl",
        "sub/.hsm/sweep.json", "sub/.hsm/outcome.json", ".hsm/attempt-1/.hsm/checkpoint.pkl",
        ".hsm/attempt-1/.hsm/sweep.json", ".hsm/attempt-1/sub/.hsm/sweep.json", ".hsm/secrets.json",
    ],
)  # fmt: skip
def test_what_a_later_process_would_load_or_take_for_a_sweep_stays_there(name: str) -> None:
    assert not is_result(found(name))


def test_a_link_in_our_folder_stays_there() -> None:
    assert not is_result(found(".hsm/outcome.json", "link"))
    assert is_result(found("best.pt", "link"))
