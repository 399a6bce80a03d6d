"""Tasks on disk, and who may run a batch of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_core.errors import StoreError, SweepExists, VersionMismatch
from hsm_core.model import Span, Task
from hsm_core.processes.identity import this_process
from hsm_core.store.claims import Claim, claim_batch, is_claimed_again
from hsm_core.store.files import read_json, to_json, write_atomically
from hsm_core.store.layout import FORMAT
from hsm_core.store.record import create_record, read_record
from hsm_core.store.requests import RequestReader, request_cancel
from hsm_core.store.sweeps.sweep_root import sweep_root
from hsm_core.store.tasks import TaskTable, write_tasks
from tests.unit.store.making import MadeSweep


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.lists(st.text(), max_size=3), max_size=5))
def test_overrides_are_read_back_exactly(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sweep = MadeSweep(tmp_path_factory.mktemp("t") / "s", total=len(rows), task_overrides=rows)
    table = TaskTable(sweep.paths)
    assert list(table) == [Task(number, tuple(row)) for number, row in enumerate(rows)]
    assert [table[number] for number in range(len(table))] == list(table)


def test_tasks_of_several_launches_are_one_sequence(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=None, task_overrides=[["a=0"], ["a=1"]])
    write_tasks(sweep.paths, 2, [["a=2"], ["a=3"]])
    table = TaskTable(sweep.paths)
    assert len(table) == 4
    assert table[3] == Task(3, ("a=3",))
    assert [task.number for task in table[1:3]] == [1, 2]
    with pytest.raises(IndexError, match="has 4"):
        table[4]


def test_a_damaged_line_is_an_error_that_names_the_task(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=3)
    path = sweep.paths.task_lines(0)
    path.write_bytes(path.read_bytes().replace(b'"task":1', b'"task":9'))
    table = TaskTable(sweep.paths)
    assert table[0].overrides == ("lr=0",)
    with pytest.raises(StoreError, match="task 1"):
        table[1]


def test_tasks_that_fail_to_be_written_leave_nothing(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1)

    def broken() -> object:
        yield ["a=1"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_tasks(sweep.paths, 1, broken())  # type: ignore[arg-type]
    assert sorted(os.listdir(sweep.paths.tasks)) == ["0.jsonl", "0.offsets"]


def test_a_batch_is_claimed_once(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    facts = {"native_id": "1", "restart": 0, "process": this_process()}
    assert claim_batch(sweep.paths, "launch-0/submit-0/0", worker="w1", **facts)  # type: ignore[arg-type]
    assert not claim_batch(sweep.paths, "launch-0/submit-0/0", worker="w2", **facts)  # type: ignore[arg-type]
    assert not claim_batch(sweep.paths, "launch-0/submit-0/0", worker="w1", **facts)  # type: ignore[arg-type]
    assert claim_batch(sweep.paths, "launch-0/submit-0/1", worker="w2", **facts)  # type: ignore[arg-type]
    assert read_json(sweep.paths.claim("launch-0/submit-0/0"))["worker"] == "w1"


def test_only_the_same_job_run_again_can_claim_a_batch_again(tmp_path: Path) -> None:
    sweep, batch = MadeSweep(tmp_path / "s"), "launch-0/submit-0/0"

    def claim(worker: str, native_id: str, restart: int) -> Claim | None:
        me = this_process()
        return claim_batch(sweep.paths, batch, worker=worker, native_id=native_id, restart=restart, process=me)

    first = claim("w1", "680_3", 0)
    assert first is not None
    assert not is_claimed_again(sweep.paths, batch, first)
    assert claim("w2", "680_3", 0) is None
    assert claim("w3", "681_3", 1) is None
    again = claim("w4", "680_3", 2)
    assert again is not None
    assert [earlier.worker for earlier in again.earlier] == ["w1"]
    assert claim("w5", "680_3", 1) is None
    assert is_claimed_again(sweep.paths, batch, first)


def test_a_second_sweep_in_a_directory_is_refused_with_the_line_to_resume(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    with pytest.raises(SweepExists) as caught:
        create_record(sweep.paths, sweep.record.__class__(**{**vars(sweep.record), "id": "new"}))
    assert f"hsm resume {sweep.root}" in caught.value.fix
    assert read_record(sweep.paths).id == sweep.id


def test_another_format_is_refused_clearly(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    found = read_json(sweep.paths.record)
    write_atomically(sweep.paths.record, to_json({**found, "format": 99, "versions": {"hsm": "9.0"}}))
    with pytest.raises(VersionMismatch, match=rf"format 99.*format {FORMAT}") as caught:
        read_record(sweep.paths)
    assert "9.0" in caught.value.evidence


def test_a_record_is_read_back(weird_tmp_path: Path) -> None:
    sweep = MadeSweep(weird_tmp_path / "s", tags=("a", "ü"), metric=(("loss", "min"),), command=("x", "y'z"))
    assert read_record(sweep.paths) == sweep.record
    (sweep.root / "0").mkdir()
    assert sweep_root(sweep.root / "0") == sweep.root
    assert sweep_root(weird_tmp_path) is None


def test_requests_are_read_once_each_and_by_those_who_were_meant(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    sweep.paths.launch(0).root.mkdir()
    reader, later = RequestReader(sweep.paths), RequestReader(sweep.paths)
    assert reader.read_new("launch-0") == []
    request_cancel(sweep.paths, None)
    request_cancel(sweep.paths, [Span(1, 2)])
    assert sorted(reader.read_new("launch-0"), key=repr) == [(Span(1, 2),), None]
    assert reader.read_new("launch-0") == []
    assert later.read_new("launch-4") == []
