"""Sweeps from Python, with real pandas and polars."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pandas
import polars
import pytest

import hsm_core as hsm
import hsm_core.api.report
import hsm_core.api.sweep
import hsm_core.api.tables
from hsm_core.errors import ConfigError, SweepNotFound
from tests.unit.store.making import MadeSweep, complete, fail

MODULES = (hsm_core, hsm_core.api.report, hsm_core.api.sweep, hsm_core.api.tables)


def returned(sweep: MadeSweep, task: int, value: object) -> None:
    facts = {"sweep": sweep.id, "task": task, "attempt": 1, "state": "completed", "value": value, "exact": True}
    sweep.files(task).outcome.write_text(json.dumps(facts))


def wrote(sweep: MadeSweep, task: int, *lines: dict[str, object], name: str = "metrics.jsonl") -> None:
    sweep.files(task)
    (sweep.root / str(task) / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``latest`` is of these tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def ended(tmp_path: Path) -> MadeSweep:
    """Four completed tasks, as in the examples of the docstrings."""
    rows = [[f"lr={lr}", f"seed={seed}"] for lr in (0.1, 0.2) for seed in (1, 2)]
    made = MadeSweep(tmp_path / "ended", task_overrides=rows)
    complete(made.worker("w1"), 0, 1, 2, 3)
    for task, loss in enumerate((0.01, 0.02, 0.3, 0.4)):
        returned(made, task, {"loss": loss})
    wrote(made, 0, {"step": 0, "loss": 1.0}, {"step": 1, "loss": 0.01})
    return made


@pytest.fixture
def mixed(tmp_path: Path) -> MadeSweep:
    rows = [["model=mlp", "depth=3", "bias=true"], ["model=mlp", "bias=false", "+task=7"], ["model=null"]]
    made = MadeSweep(tmp_path / "mixed", total=3, task_overrides=rows, metric=(("score", "max"),))
    worker = made.worker("w1")
    complete(worker, 0, 1)
    fail(worker, 2, "no")
    returned(made, 0, {"score": 1, "loss": 0.5, "lr": 3})
    returned(made, 1, {"score": 4, "loss": float("nan")})
    return made


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_of_docstrings(ended: MadeSweep, module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HSM_TASK_DIR", raising=False)
    done = doctest.testmod(module, report=True)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0


def test_it_is_all_in_dir_and_nothing_is_loaded_before_it_is_used() -> None:
    program = "import hsm_core as hsm, sys; print(sorted(set(dir(hsm)) & set(hsm.__all__)) == sorted(hsm.__all__)); "
    program += "print([name for name in sys.modules if name.startswith('hsm_core.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["True", "[]"]
    assert (Path(hsm_core.__file__).parent / "py.typed").is_file()


def test_sweeps_are_listed_newest_first(ended: MadeSweep, mixed: MadeSweep) -> None:
    listed = [sweep.id for sweep in hsm.sweeps()]
    assert {ended.id, mixed.id} <= set(listed)
    assert hsm.sweep("latest").id == listed[0]
    with pytest.raises(SweepNotFound):
        hsm.sweep("no such sweep")


def test_a_task_says_all_that_is_known_of_it(mixed: MadeSweep) -> None:
    sweep = hsm.sweep(mixed.root)
    assert (sweep.state, sweep.counts["failed"], len(sweep)) == ("finished", 1, 3)
    last = sweep.tasks[2]
    assert (last.state, last.reason, last.overrides, last.metrics) == ("failed", "exception", ("model=null",), {})
    assert "1 failed" in sweep._repr_html_()


def test_the_best_is_as_the_sweep_declares_it(mixed: MadeSweep) -> None:
    sweep = hsm.sweep(mixed.root)
    assert sweep.best().number == 1
    assert sweep.best("score", mode="min").number == 0
    assert sweep.best("loss").number == 0  # NaN is never the best
    with pytest.raises(ConfigError, match="'min' or 'max', not 'mim'"):
        sweep.best("loss", mode="mim")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no metric 'accuracy'"):
        sweep.best("accuracy")


def test_pandas_keeps_whole_numbers_and_truth_where_some_are_missing(mixed: MadeSweep) -> None:
    frame = hsm.sweep(mixed.root).results().to_pandas()
    assert list(frame["task"]) == [0, 1, 2]
    types = {name: str(frame[name].dtype) for name in frame}
    assert (types["task"], types["depth"], types["bias"], types["loss"]) == ("int64", "Int64", "boolean", "float64")
    assert (types["param.task"], types["lr"]) == ("Int64", "Int64")
    assert frame["score"].sum() == 5
    assert pandas.api.types.is_string_dtype(frame["state"])


def test_polars_has_the_same(mixed: MadeSweep) -> None:
    frame = hsm.sweep(mixed.root).results().to_polars()
    assert (frame["depth"].dtype, frame["bias"].dtype, frame["loss"].dtype) == (
        polars.Int64, polars.Boolean, polars.Float64,
    )  # fmt: skip
    assert frame["model"].to_list() == ["mlp", "mlp", None]


def test_prefixes_keep_parameters_and_metrics_apart(mixed: MadeSweep) -> None:
    frame = hsm.sweep(mixed.root).results().to_pandas(prefix=True)
    assert {"param.model", "param.task", "metric.score", "metric.lr"} <= set(frame.columns)
    assert "score" not in frame


def test_curves_are_read_when_they_are_asked_for(ended: MadeSweep) -> None:
    curves = hsm.sweep(ended.root).curves()
    wrote(ended, 1, {"epoch": 1, "acc": 0.5, "name": "x"}, {"epoch": 2, "acc": 0.75}, {"epoch": 2, "acc": 0.8})
    wrote(ended, 2, {"loss": 9}, name="metrics.json")  # what came out in the end is no curve
    frame = curves.to_pandas()
    assert list(frame.columns) == ["task", "step", "metric", "value"]
    assert frame[frame.task == 1].values.tolist() == [[1, 1.0, "acc", 0.5], [1, 2.0, "acc", 0.8]]
    assert sorted(set(frame.task)) == [0, 1]
    assert hsm.sweep(ended.root).curves("acc").to_polars()["value"].to_list() == [0.5, 0.8]


def test_tables_for_notebooks_are_escaped(tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=2, task_overrides=[["x=<script>alert(1)</script>"], ["x=2"]])
    complete(made.worker("w1"), 0, 1)
    shown = hsm.sweep(made.root).results()._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_package_that_is_missing_is_named_with_its_line(
    ended: MadeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(hsm.HsmError, match=r"pandas is not installed here[\s\S]* install pandas"):
        hsm.sweep(ended.root).results().to_pandas()


def test_a_sweep_that_runs_is_waited_for_only_so_long(tmp_path: Path) -> None:
    made = MadeSweep(tmp_path / "s", total=2)
    complete(made.worker("w1"), 0)
    from tests.unit.store.making import start

    start(made.worker("w2"), 1)
    sweep = hsm.sweep(made.root)
    assert sweep.state == "running"
    with pytest.raises(TimeoutError, match="still running"):
        sweep.wait(timeout_s=0.1)


def test_a_refused_command_is_an_error_with_its_words(ended: MadeSweep) -> None:
    with pytest.raises(hsm.HsmError, match="no task 99"):
        hsm.sweep(ended.root).cancel([99])


@pytest.fixture
def in_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HSM_TASK_DIR", str(tmp_path))
    monkeypatch.delenv("HSM_RANK", raising=False)
    return tmp_path / "metrics.jsonl"


def test_a_report_is_a_line(in_task: Path) -> None:
    import numpy

    hsm.report(step=0, loss=numpy.float32(0.5), acc=True)
    hsm.report({"val/loss": numpy.array([0.25])}, step=numpy.int64(1), note="end")
    hsm.report(loss=float("nan"))
    lines = in_task.read_text().splitlines()
    assert [json.loads(line) for line in lines[:2]] == [
        {"step": 0, "loss": 0.5, "acc": True}, {"step": 1, "val/loss": 0.25, "note": "end"},
    ]  # fmt: skip
    assert lines[2] == '{"loss": NaN}'


def test_what_is_no_number_is_refused_and_writes_nothing(in_task: Path) -> None:
    with pytest.raises(TypeError, match="'loss' is of type list"):
        hsm.report(step=1, loss=[1, 2])
    assert not in_task.exists()


def test_outside_of_a_task_and_on_other_ranks_nothing_is_written(
    in_task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HSM_RANK", "1")
    hsm.report(loss=1)
    monkeypatch.delenv("HSM_TASK_DIR")
    monkeypatch.delenv("HSM_RANK")
    hsm.report(loss=1)
    assert not in_task.exists()
