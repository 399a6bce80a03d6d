"""Values arrive, and files are written, byte for byte as under Hydra's basic launcher."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.apps.comparing import APPS, PLAIN_LOG, python, run_both


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    shutil.copytree(APPS / "written", weird_tmp_path / "written")
    return weird_tmp_path / "written"


@pytest.mark.parametrize("sweeper", [pytest.param("basic", marks=pytest.mark.slow), "hsm"])
def test_all_files_of_all_tasks_are_those_of_the_basic_launcher(app: Path, sweeper: str) -> None:
    overrides = ["model=small,large", "seed=1,2", "note='ünï: ${seed}'", f"hydra/sweeper={sweeper}"]
    basic, ours = run_both(
        python("app.py"), app, app / "out" / "sweep", ["hydra.sweep.dir=out/sweep", PLAIN_LOG, *overrides]
    )
    ours.same_as(basic)
    expected = {".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml", "app.log", "result ☂.txt"}
    folders = [f"{number}/{name}" for number in range(4) for name in expected]
    assert {*folders, "multirun.yaml"} == set(ours.files)
    assert "ünï: 2" in ours.files["3/result ☂.txt"].decode()


TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["it's", 'say "hi"', "$HOME", "`id`", "$(id)", "a\nb", "tab\there", "☂ ünï", "a=b,c", "a\\", "\\'",
     "#;&<|>", "", " x ", "null", "1", "1e3", "[1]", "{a: 1}", "x: y", "%s", "${", "'", '"', "a\r\nb", "\\n"]
)  # fmt: skip
SCALAR = TEXT | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
KEY = st.from_regex(r"[a-z_]{1,4}", fullmatch=True)
VALUE = SCALAR | st.lists(SCALAR | st.lists(SCALAR, max_size=2), max_size=3)
VALUES = st.lists(
    VALUE | st.dictionaries(KEY, VALUE, max_size=3), min_size=12, max_size=24, unique_by=json.dumps
).filter(lambda values: "${" not in json.dumps(values))


@pytest.mark.slow
@settings(
    max_examples=4, derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate], database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(VALUES)
def test_any_value_of_a_sweep_arrives_as_it_was_written(values: list[Any]) -> None:
    _assert_arrive(values)


def test_hard_values_of_a_sweep_arrive_as_they_were_written() -> None:
    _assert_arrive(
        ["it's", 'say "hi"', "$HOME `id` $(id)", "a\nb\tc", "☂ ünï", "a=b,c", "a\\", "\\'", "#;&<|>", "",
         " x ", "null", "1", "1e3", None, True, False, 1, 1.0, -0.0, 1e-300, float("inf"), 10**20, [], {},
         [1, [2.5, None]], {"a": {"b": "it's"}}, ["a,b", "'", '"'], "x" * 5000]
    )  # fmt: skip


def yaml_text(value: Any) -> str:
    """A value in YAML, so that nothing of it depends on the taste of a writer."""
    if isinstance(value, list):
        return f"[{', '.join(map(yaml_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {yaml_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        escaped = [
            ch if ch.isascii() and ch.isprintable() and ch not in '"\\' else f"\\U{ord(ch):08x}"
            for ch in value
        ]
        return f'"{"".join(escaped)}"'
    return json.dumps(value).replace("Infinity", ".inf")


def _assert_arrive(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="it's ünï ") as name:
        folder = Path(name)
        shutil.copytree(APPS / "values", folder, dirs_exist_ok=True)
        (folder / "sweep").mkdir()
        grid = f"hydra: {{sweeper: {{grid: {{value: {yaml_text(values)}}}}}}}\n"
        (folder / "sweep" / "values.yaml").write_text(f"# @package _global_\n{grid}")
        done = subprocess.run(
            [*python("app.py"), "-m", "+sweep=values", "hydra/sweeper=hsm", "hydra/launcher=hsm_local",
             "hydra.sweep.dir=out", "hydra.output_subdir=null"],
            cwd=folder, capture_output=True, text=True, timeout=170, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        got = [(folder / "out" / str(number) / "value").read_text() for number in range(len(values))]
        assert got == [json.dumps(value) for value in values]
