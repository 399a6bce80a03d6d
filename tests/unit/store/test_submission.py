"""What is handed over together, as it is written and read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hsm_core.errors import StoreError
from hsm_core.model import Span
from hsm_core.store.submission import WorkerSpec, new_token, read_submission, write_submission
from tests.unit.store.making import MadeSweep


def test_it_is_read_back_and_the_next_has_another_name(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    launch = sweep.paths.launch(0)
    launch.root.mkdir()
    spec = WorkerSpec(slots=3, gpus=("0", "1"), env={"A": "ü"}, task_timeout_s=2.5)
    batches = ((Span(0, 2),), (Span(2, 1, 2), Span(3, 1)))
    one, two = (write_submission(launch, "demo", batches, spec, "launch-0") for _ in range(2))
    assert [one.name, two.name] == ["launch-0/submit-0", "launch-0/submit-1"]
    assert one.token != two.token
    assert read_submission(sweep.paths, one.name) == one
    assert one.spans == (Span(0, 2), Span(2, 1, 2), Span(3, 1))


def test_a_damaged_or_missing_one_is_an_error(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    launch = sweep.paths.launch(0)
    launch.root.mkdir()
    made = write_submission(launch, "demo", (), WorkerSpec(), "launch-0")
    record = launch.submission_record(launch.submission(0))
    record.write_bytes(record.read_bytes()[:40])
    for name in (made.name, "launch-0/submit-7"):
        with pytest.raises(StoreError, match=name):
            read_submission(sweep.paths, name)


@pytest.mark.parametrize("name", ["demo", "a very long name", "3d-ünet", "☂", ""])
def test_a_token_fits_every_scheduler(name: str) -> None:
    token = new_token(name)
    assert re.fullmatch(r"[a-z][a-z0-9]{0,5}-[a-z2-7]{8}", token)
    assert len(token) <= 15
    assert new_token(name) != token
