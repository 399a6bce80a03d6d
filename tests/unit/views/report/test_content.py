"""What is on the page of a sweep: importance, sums a source, and text that can't become code."""

from __future__ import annotations

import json
import random

import pytest
import yaml

from hsm_core.results.rows import Row
from hsm_core.views.report.by_source import by_source, performance_yaml
from hsm_core.views.report.content import plain, table_columns
from hsm_core.views.report.importance import importance
from hsm_core.views.report.page import embedded, page
from hsm_core.views.report.task_facts import TaskFacts


def rows(count: int) -> list[Row]:
    draw = random.Random(1)
    found = []
    for task in range(count):
        lr, seed = draw.uniform(0, 1), draw.randrange(3)
        loss = 10 * lr + (task % 2) + draw.gauss(0, 0.5)
        found.append(
            Row("s", task, 1, "completed", {"lr": lr, "model": "ab"[task % 2], "seed": seed}, {"loss": loss})
        )
    return found


def test_importance_finds_what_was_planted() -> None:
    found = importance(rows(400), "loss")
    shares = dict(found.shares)
    assert found.shares[0][0] == "lr"
    assert shares["lr"] > 0.85
    assert 0 < shares["model"] < 0.1
    assert shares["seed"] < 0.02
    assert sum(shares.values()) + found.unexplained == pytest.approx(1)
    assert not found.warning


def test_few_tasks_and_parameters_varied_together_are_warned_of() -> None:
    assert "too few" in importance(rows(12), "loss").warning
    together = [
        Row("s", n, 1, "completed", {"a": n % 4, "b": (n % 4) * 2}, {"loss": float(n % 4)}) for n in range(40)
    ]
    found = importance(together, "loss")
    assert "together" in found.warning
    assert found.unexplained == pytest.approx(0)
    assert importance([], "loss").tasks == 0


def test_text_ends_no_script_element() -> None:
    evil = "</script><!--<script>\u2028&"
    text = embedded({"cause": evil})
    assert not {"<", ">", "&", "\u2028"} & {*text}
    assert json.loads(text) == {"cause": evil}
    assert page(evil, {}).count("</script>") == 2
    assert embedded({"x": "\ud800"})  # half a character
    assert plain(float("nan")) == "nan"
    assert plain(2**60) == str(2**60)


def test_hours_a_source() -> None:
    facts = [
        TaskFacts("s", 0, "completed", "slurm", begin=1, wall=3600, cpu=7200, mem=100, asked={"mem_gb": 4}),
        TaskFacts("s", 1, "failed", "slurm", begin=1, wall=1800, mem=300),
        TaskFacts("s", 2, "pending"),
    ]
    (found,) = by_source(facts)
    assert (found["hours"], found["wasted_hours"], found["cores_used"]) == (1.5, 0.5, 2.0)
    assert found["asked"] == ["mem_gb=4"]
    read = yaml.safe_load(performance_yaml("s: #1", {"completed": 1}, [found]))
    assert read == {"sweep": "s: #1", "tasks": {"completed": 1}, "sources": [found]}


def test_the_table_has_every_task_and_no_column_that_says_nothing() -> None:
    columns = table_columns(rows(5), [])
    names = [column["name"] for column in columns if column["kind"] != "time"]
    assert names == ["task", "state", "lr", "model", "seed", "loss"]
    assert all(isinstance(values := column["values"], list) and len(values) == 5 for column in columns)
