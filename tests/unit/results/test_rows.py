"""What tasks returned and wrote, as rows."""

from __future__ import annotations

import csv
import io
import json
import math
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from hsm_core.errors import ConfigError, HsmError
from hsm_core.results.formats.export import to_csv, to_json, to_jsonl, to_markdown
from hsm_core.results.formats.output import write_table
from hsm_core.results.metrics import Mode
from hsm_core.results.parameters import parameters, value
from hsm_core.results.rows import Row, rows
from hsm_core.results.table import Spread, best_first, everything, group, tabulate, where
from hsm_core.store import events
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.result_table import table_text
from tests.unit.store.making import MadeSweep, complete, fail


def collect(root: Path, best: tuple[str, Mode] | None = None) -> list[Row]:
    state = SweepState(root)
    state.refresh()
    return list(rows(state, best=best))


def outcome(sweep: MadeSweep, task: int, returned: Any, attempt: int = 1, state: str = "completed") -> None:
    facts = {"sweep": sweep.id, "task": task, "attempt": attempt, "state": state, "value": returned, "exact": True}
    sweep.files(task).outcome.write_text(json.dumps(facts))


@pytest.fixture
def sweep(tmp_path: Path) -> MadeSweep:
    rows = [[f"lr={lr}", f"seed={seed}", "model=mlp"] for lr in (0.1, 0.01) for seed in (1, 2)]
    made = MadeSweep(tmp_path / "s", total=4, task_overrides=rows, metric=(("loss", "min"),))
    worker = made.worker("w1")
    complete(worker, 0, 1, 2)
    fail(worker, 3, "no")
    return made


@pytest.mark.parametrize(
    ("returned", "metrics"),
    [
        (0.5, {"loss": 0.5}),
        ({"loss": 1, "val": {"acc": 0.9, "top": {"5": 1}}}, {"loss": 1, "val.acc": 0.9, "val.top.5": 1}),
        ([0.25], {"loss": 0.25}),
        ([1, 2], {"result.0": 1, "result.1": 2}),
        (None, {}),
        ({}, {}),
        ("best.ckpt", {"loss": "best.ckpt"}),
    ],
)
def test_return_values(sweep: MadeSweep, returned: Any, metrics: dict[str, Any]) -> None:
    outcome(sweep, 0, returned)
    row = collect(sweep.root)[0]
    assert row.metrics == metrics
    assert set(row.sources.values()) <= {"return value"}


def test_a_row_a_task_with_its_parameters_and_state(sweep: MadeSweep) -> None:
    found = collect(sweep.root)
    assert [(row.task, row.state, row.parameters["lr"], row.parameters["seed"]) for row in found] == [
        (0, "completed", 0.1, 1),
        (1, "completed", 0.1, 2),
        (2, "completed", 0.01, 1),
        (3, "failed", 0.01, 2),
    ]


def test_precedence(sweep: MadeSweep) -> None:
    outcome(sweep, 0, {"loss": 1.0})
    directory = sweep.root / "0"
    (directory / "metrics.json").write_text('{"loss": 2, "acc": 0.2, "deep": {"x": 1}}')
    (directory / "metrics.jsonl").write_text(
        '{"loss": 3, "acc": 3, "step": 1}\nnonsense\n{"f1": 0.5, "step": 2}\n{"f1'
    )
    (directory / "metrics.csv").write_text("epoch,f1,auc\n0,9,\n1,,0.7\n")
    row = collect(sweep.root)[0]
    assert row.metrics == {
        "loss": 1.0, "acc": 0.2, "deep.x": 1, "step": 2, "f1": 0.5, "epoch": 1, "auc": 0.7,
    }  # fmt: skip
    assert row.sources["loss"] == "return value"
    assert row.sources["acc"] == "metrics.json"
    assert row.sources["f1"] == "metrics.jsonl"
    assert row.sources["auc"] == "metrics.csv"


def test_the_best_line_of_a_file(sweep: MadeSweep) -> None:
    (sweep.root / "0").mkdir()
    lines = [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": 0.1}, {"step": 3, "loss": 0.4}]
    (sweep.root / "0" / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert collect(sweep.root)[0].metrics == {"step": 3, "loss": 0.4}
    assert collect(sweep.root, best=("loss", "min"))[0].metrics == {"step": 2, "loss": 0.1}
    assert collect(sweep.root, best=("loss", "max"))[0].metrics == {"step": 3, "loss": 0.4}


def test_lightning_writes_deeper(sweep: MadeSweep) -> None:
    directory = sweep.root / "0" / "lightning_logs" / "version_0"
    directory.mkdir(parents=True)
    (directory / "metrics.csv").write_text("epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,0.4\n")
    assert collect(sweep.root)[0].metrics == {"epoch": 0, "step": 9, "train_loss": 0.5, "val_loss": 0.4}


def test_an_outcome_of_another_attempt_or_of_a_failure_is_no_result(sweep: MadeSweep) -> None:
    outcome(sweep, 0, 1.0, attempt=2)
    outcome(sweep, 1, 1.0, state="failed")
    (sweep.root / "2").mkdir()
    sweep.files(2).outcome.write_text('{"state": ')
    assert [row.metrics for row in collect(sweep.root)] == [{}, {}, {}, {}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1), ("-2_000", -2000), ("1e-3", 0.001), ("inf", math.inf), ("true", True), ("null", None),
        ("'1'", "1"), ('"a b"', "a b"), ("[1,2]", "[1,2]"), ("relu", "relu"), ("1.2.3", "1.2.3"), ("", ""),
        ("007", "007"), ("00.5", "00.5"), ("01e3", "01e3"), ("1_0.5", 10.5), ("1._5", "1._5"), ("-.5", -0.5),
        ("1.", 1.0), ("1__0", "1__0"), ("٣", "٣"),
    ],
)  # fmt: skip
def test_values_of_overrides(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_keys_of_overrides() -> None:
    assert parameters(["+a.b=1", "++c=x=y", "~d", "db@x=pg"]) == {
        "a.b": 1,
        "c": "x=y",
        "db@x": "pg",
    }


def rows_of(*metrics: float, sweep: str = "s") -> list[Row]:
    """Tasks of two models, two seeds each."""
    return [
        Row(
            sweep,
            number,
            1,
            "completed",
            {"model": "ab"[number // 2], "seed": number % 2, "same": 1},
            {"acc": metric},
        )
        for number, metric in enumerate(metrics)
    ]


def test_what_is_not_finite_is_kept_and_never_best() -> None:
    rows = rows_of(math.nan, 0.5, math.inf, 0.7)
    assert [row.task for row in best_first(rows, "acc", "max")] == [3, 1, 0, 2]
    assert [row.task for row in best_first(rows, "acc", "min")] == [1, 3, 0, 2]
    assert [row.task for row in best_first(rows, "acc", "max", top=3)] == [3, 1]


def test_groups_show_mean_deviation_and_count() -> None:
    table = group(rows_of(1.0, 3.0, 5.0, 5.0), ["model"])
    assert table.columns == ("model", "n", "acc")
    assert table.lines[0] == {"model": "a", "n": 2, "acc": Spread(2.0, math.sqrt(2), 2)}
    assert table.lines[1] == {"model": "b", "n": 2, "acc": Spread(5.0, 0.0, 2)}
    assert "2 ± 1.4 (2)" in to_markdown(table)
    assert to_csv(table).splitlines()[0] == "model,n,acc.mean,acc.std,acc.n"


def test_several_sweeps_are_grouped_by_sweep() -> None:
    rows = [Row(name, 0, 1, "completed", {"sweep": "seeds"}, {"acc": 1.0}) for name in ("one", "two")]
    table = group(rows, ["sweep", "param.sweep"])
    assert [(line["sweep"], line["param.sweep"]) for line in table.lines] == [("one", "seeds"), ("two", "seeds")]


def test_columns_are_those_that_vary_unless_others_are_asked_for() -> None:
    rows = rows_of(1.0, 2.0, 3.0)
    assert tabulate(rows).columns == ("task", "state", "model", "seed", "acc")
    assert tabulate(rows, ["acc", "same"]).columns == ("acc", "same")
    assert "sweep" in tabulate([*rows, *rows_of(1.0, sweep="t")]).columns
    with pytest.raises(ConfigError, match="no column 'acx'") as caught:
        tabulate(rows, ["acx"])
    assert caught.value.fix == "acc"


def test_where_keeps_what_holds() -> None:
    assert [row.task for row in where(rows_of(1.0, 2.0, 3.0), lambda line: bool(line["acc"] > 1.5))] == [1, 2]


def test_formats_hold_the_same_rows() -> None:
    table = tabulate(rows_of(1.0, math.nan, -math.inf))
    document = json.loads(to_json(table), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert document["schema_version"] == 1
    assert [row["acc"] for row in document["rows"]] == [1.0, "NaN", "-Infinity"]
    assert [json.loads(line) for line in to_jsonl(table).splitlines()] == document["rows"]
    assert [row["acc"] for row in csv.DictReader(io.StringIO(to_csv(table)))] == ["1.0", "nan", "-inf"]
    assert len(to_markdown(table).splitlines()) == 5


def clashing() -> list[Row]:
    """Parameters with names that are taken: by a table's own columns, and by metrics."""
    values = [("cola", 1, 1), ("cola", 1, 2), ("mnli", 2, 1)]
    return [
        Row("s", number, 1, "completed", {"task": task, "n": n, "seed": seed, "lr": 5}, {"lr": n / 10, "seed": 9})
        for number, (task, n, seed) in enumerate(values)
    ]  # fmt: skip


def test_parameters_metrics_and_our_own_columns_never_hide_each_other() -> None:
    table = everything(clashing())
    assert [table.lines[2][name] for name in table.columns] == [
        "s", 2, "completed", "mnli", 2, 1, 5, 0.2, 9,
    ]  # fmt: skip
    assert table.columns == (
        "sweep", "task", "state", "param.task", "param.n", "seed", "lr", "metric.lr", "metric.seed",
    )  # fmt: skip
    assert tabulate(clashing()).columns == (
        "task", "state", "param.task", "param.n", "seed", "metric.lr", "metric.seed",
    )  # fmt: skip
    assert [row.task for row in where(clashing(), lambda line: bool(line["task"] == 2))] == [2]
    assert [row.task for row in where(clashing(), lambda line: bool(line["n"] == 2))] == [2]
    assert [row.task for row in best_first(clashing(), "lr", "max")] == [2, 0, 1]
    assert tabulate(clashing(), ["param.seed", "metric.lr", "n"]).lines[1]["param.seed"] == 2


def test_groups_are_of_parameters_whatever_else_has_their_names() -> None:
    table = group(clashing(), ["task", "param.n"])
    assert table.columns == ("param.task", "param.n", "n", "metric.lr", "metric.seed")
    assert [(line["param.task"], line["param.n"], line["n"]) for line in table.lines] == [
        ("cola", 1, 2), ("mnli", 2, 1),
    ]  # fmt: skip
    assert len(group(clashing(), ["seed"]).lines) == 2
    with pytest.raises(ConfigError, match="no column 'sede'"):
        group(clashing(), ["sede"])


def test_names_of_columns_are_unique() -> None:
    rows = [Row("s", 0, 1, "completed", {"task": 1, "param.task": 2, "x": 3, "metric.x": 4}, {"x": 5})]
    table = everything(rows)
    assert len(set(table.columns)) == len(table.columns)
    assert {value for name in table.columns if (value := table.lines[0][name]) != 0} >= {1, 2, 3, 4, 5}


def test_groups_are_sorted_and_cut_as_groups() -> None:
    rows = rows_of(9.0, 1.0, 6.0, 6.0)
    table = group(rows, ["model"], best=("acc", "max"), top=1)
    assert [(line["model"], line["n"]) for line in table.lines] == [("b", 2)]
    assert [line["model"] for line in group(rows, ["model"], best=("acc", "min")).lines] == ["a", "b"]


def test_equal_values_do_not_spread() -> None:
    same = [Row("s", number, 1, "completed", {"m": 1}, {"acc": 0.1}) for number in range(6)]
    assert group(same, ["m"]).lines[0]["acc"] == Spread(0.1, 0.0, 6)
    huge = [Row("s", number, 1, "completed", {"m": 1}, {"acc": 10**400}) for number in range(2)]
    assert group(huge, ["m"]).lines[0]["acc"].mean == math.inf
    assert len(best_first(huge, "acc", "max", top=2)) == 2


def test_json_is_valid_however_deep_a_nan_lies() -> None:
    table = tabulate(
        [Row("s", 0, 1, "completed", {}, {"curve": [1.0, math.nan, [math.inf, {"a": -math.inf}]]})]
    )
    expected = [1.0, "NaN", ["Infinity", {"a": "-Infinity"}]]
    assert json.loads(to_json(table))["rows"][0]["curve"] == expected
    assert json.loads(to_jsonl(table))["curve"] == expected
    assert json.loads(next(csv.DictReader(io.StringIO(to_csv(table))))["curve"]) == expected


def test_parquet_without_pyarrow_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(HsmError) as caught:
        write_table(everything([Row("s", 0, 1, "completed")]), tmp_path / "r.parquet", "parquet")
    assert shlex.split(caught.value.fix) == [sys.executable, "-m", "pip", "install", "pyarrow"]
    assert not list(tmp_path.iterdir())


def test_parquet_has_the_types_of_the_values_and_text_for_what_it_has_no_type_for(tmp_path: Path) -> None:
    import pyarrow.parquet

    rows = [
        Row("s", 0, 1, "completed", {"name": "\udcff", "on": True, "size": 1, "none": None},
            {"big": 2**70, "curve": [math.nan], "mixed": 1, "ids": [1, 2], "deep": [[1], {"a": 1}]}),
        Row("s", 1, 1, "completed", {"name": "b", "on": False, "size": "auto"}, {"big": 1, "mixed": 0.5, "ids": []}),
    ]  # fmt: skip
    write_table(everything(rows), tmp_path / "r.parquet", "parquet")
    found = pyarrow.parquet.read_table(tmp_path / "r.parquet")
    assert {field.name: str(field.type).replace("element", "item") for field in found.schema} == {
        "sweep": "string", "task": "int64", "state": "string", "name": "string", "on": "bool", "size": "string",
        "none": "double", "big": "string", "curve": "list<item: double>", "mixed": "double",
        "ids": "list<item: int64>", "deep": "string",
    }  # fmt: skip
    columns = found.to_pydict()
    assert columns["big"] == [str(2**70), "1"]
    assert math.isnan(columns["curve"][0][0])
    assert columns["curve"][1] is None
    assert columns["mixed"] == [1.0, 0.5]
    assert columns["name"] == ["\\udcff", "b"]
    assert columns["size"] == ["1", "auto"]
    assert columns["deep"] == ['[[1], {"a": 1}]', None]


def test_a_sweep_without_tasks_has_its_columns_too(tmp_path: Path) -> None:
    assert to_csv(everything([])) == "sweep,task,state\n"


def test_a_file_in_a_directory_of_several_tasks_is_nobodys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sweep = MadeSweep(tmp_path / "s", total=2)
    worker = sweep.worker("w1")
    complete(worker, 0)
    (sweep.root / "0").mkdir(exist_ok=True)
    (sweep.root / "0" / "metrics.json").write_text('{"acc": 0.2}')
    assert "acc" in collect(sweep.root)[0].metrics
    worker.append(events.Start(1, 1, directory="0", suffix="-1", slot=0, pid=1, host="here"))
    worker.append(events.End(1, 1, "completed", wall=1.0))
    assert ["acc" in row.metrics for row in collect(sweep.root)] == [False, False]
    assert "2 tasks share a directory" in caplog.text


def test_everything_names_the_reason_where_a_task_has_one() -> None:
    done, lost = Row("s", 0, 1, "completed"), Row("s", 1, 1, "lost", reason="node")
    assert to_csv(everything([done, lost])) == "sweep,task,state,reason\ns,0,completed,\ns,1,lost,node\n"
    assert to_csv(everything([done])) == "sweep,task,state\ns,0,completed\n"
    assert to_csv(tabulate([done, lost], ["task", "reason"])) == "task,reason\n0,\n1,node\n"


def test_null_is_not_empty_text() -> None:
    values: list[dict[str, object]] = [{"x": None}, {"x": ""}, {}, {"x": 1}]
    rows = [Row("s", number, 1, "completed", found) for number, found in enumerate(values)]
    table = tabulate(rows, ["task", "x"])
    assert to_csv(table) == "task,x\n0,null\n1,\n2,\n3,1\n"
    assert to_markdown(table).splitlines()[2:] == ["| 0 | null |", "| 1 |  |", "| 2 |  |", "| 3 | 1 |"]
    assert [line.split()[1:] for line in table_text(table)] == [["x"], ["null"], [], [], ["1"]]
    grouped = group(rows, ["x"])
    assert to_csv(grouped) == "x,n\nnull,1\n,1\n,1\n1,1\n"
