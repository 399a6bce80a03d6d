"""Finding sweeps by the names of jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.model import Span
from hsm_core.store.job_names import find_tokens, token_in
from hsm_core.store.layout import LaunchPaths
from hsm_core.store.submission import Submission, WorkerSpec, new_token, write_submission
from tests.unit.store.making import MadeSweep


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def submitted(sweep: MadeSweep, first: int, *batches: tuple[Span, ...]) -> Submission:
    launch = sweep.paths.launch(first)
    launch.root.mkdir(exist_ok=True)
    return write_submission(launch, sweep.record.name, batches, WorkerSpec(), launch.root.name)


def test_a_job_is_of_its_sweep_and_its_batchs_tasks(weird_tmp_path: Path) -> None:
    sweeps = [MadeSweep(weird_tmp_path / name, total=9, name=name) for name in ("one", "two")]
    tokens = []
    for sweep in sweeps:
        submitted(sweep, 0, (Span(0, 2),))
        tokens.append(submitted(sweep, 0, (Span(3, 2), Span(7, 1, 2)), (Span(6, 1),)).token)
    found = find_tokens(tokens)
    assert [(found[token].sweep, found[token].root) for token in tokens] == [(one.id, one.root) for one in sweeps]
    assert [found[tokens[1]].tasks_of(batch) for batch in range(3)] == [(3, 4, 7), (6,), ()]


def test_unknown_tokens_and_unreadable_sweeps_are_no_trouble(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s")
    known = submitted(sweep, 0, (Span(0, 1),))
    broken = sweep.paths.launch(0).submission(7)
    broken.mkdir()
    LaunchPaths.submission_record(broken).write_text("{")
    MadeSweep(tmp_path / "gone").root.rename(tmp_path / "elsewhere")
    assert list(find_tokens({known.token, "demo-aaaaaaaa"})) == [known.token]


@pytest.mark.parametrize("name", ["", "bash", "my-notebook1", "demo-aaaaaaa1", "DEMO-aaaaaaaa", "demo-aaaaaaaa.sh"])
def test_names_that_are_no_tokens(name: str) -> None:
    assert token_in(name) is None


@pytest.mark.parametrize("name", ["Ünï-sweep", "7 lives", "", "a" * 30])
def test_tokens_are_known_again_also_with_an_elements_number(name: str) -> None:
    token = new_token(name)
    assert token_in(token) == token
    assert token_in(f"{token}-12") == token
