"""Where a release of Hydra or omegaconf has other private names, a sweep gives what it gives with those of today."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hydra
import pytest

from tests.integration.renaming import environ_with
from tests.unit.hydra_bridge.sweeping import sweeper_file, write_app

IS_1_3 = hydra.__version__.startswith("1.3")
#: Names that we use, by what they are for.
COMPOSING = [
    "ConfigLoaderImpl", "_apply_overrides_to_config", "_parse_overrides_and_create_caching_repo", "Overrides",
    *(["get_overrides_dirname"] if IS_1_3 else []),
]  # fmt: skip
COPYING = ["_parent", "_metadata", "_content", "_flags_cache", "resolver_cache", "Metadata"]
TASK = ["_run_hydra", "_return_value", "_resolvers"]
TRACES = [] if IS_1_3 else ["_serialize_traceback", "_remote_exception_group"]
#: Names that we used to use, and others that Hydra's functions and modules might change.
FORMER = ["run_and_report", "_run_app", "decorated_main", "_value", "_get_node", "split_key", "_set_flag", "repo"]
GROUPS = {
    "composing": COMPOSING, "copying": COPYING, "the task": TASK, "tracebacks": TRACES, "the call stack": FORMER,
}  # fmt: skip
ALL = [name for names in GROUPS.values() for name in names]
APP = """
import json, sys
import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

OmegaConf.register_new_resolver("twice", lambda x: 2 * x)

@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(cfg):
    from hsm_core.hydra_bridge.hydra_private.config_copy import is_exact
    seen = {
        "config": OmegaConf.to_container(cfg, resolve=True), "choices": dict(HydraConfig.get().runtime.choices),
        "copies are ours": is_exact(), "starts are Hydra's": hasattr(sys.modules["hydra.main"], "_run_hydra"),
    }
    with open(HydraConfig.get().runtime.output_dir + "/seen.json", "w") as file:
        json.dump(seen, file)
    if cfg.seed == 2:
        raise ValueError("two")
    return cfg.seed / 2

if __name__ == "__main__":
    main()
"""
SWEEP = ["hydra/launcher=hsm_local", "hydra.sweep.dir=out", "model=cnn,mlp", "seed=1,2", "+t='${twice:${seed}}'"]


def app(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    grid = sweeper_file("grid: {seed: [0, 4]}")
    write_app(folder, seeds=grid, always=grid + "  mode: MULTIRUN\n")
    (folder / "app.py").write_text(APP)
    return folder


def run(folder: Path, names: list[str], *arguments: str) -> tuple[int, str]:
    environ = {**environ_with(names, folder / "renaming"), "XDG_STATE_HOME": str(folder / "state")}
    argv = [sys.executable, "-W", "ignore", "app.py", *arguments]
    done = subprocess.run(
        argv, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def found(folder: Path) -> dict[str, Any]:
    """By file, what the tasks saw, returned and raised."""
    tasks = sorted((folder / "out").glob("[0-9]*"))
    files = [file for task in tasks for file in (task / "seen.json", *(task / ".hsm").glob("outcome*.json"))]
    texts = {file: file.read_text().replace(str(folder), "FOLDER") for file in files}
    return {str(file.relative_to(folder)): _kept(json.loads(text)) for file, text in texts.items()}


def _kept(content: dict[str, Any]) -> dict[str, Any]:
    kept = ("config", "choices", "state", "value", "message", "trace")
    return {name: str(content[name]) for name in kept if name in content}


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    """How the sweep ends with the names of today, and its files."""
    folder = app(tmp_path_factory.mktemp("ordinary") / "app")
    code, printed = run(folder, ["no_such_name"], "-m", *SWEEP)
    files = found(folder)
    assert len(files) == 8, printed
    assert seen(folder) == {(True, True)}
    return code, files


def seen(folder: Path) -> set[tuple[bool, bool]]:
    """Whether the tasks had the names of today: of omegaconf's nodes, and of what starts Hydra."""
    tasks = [json.loads(file.read_text()) for file in (folder / "out").glob("*/seen.json")]
    return {(one["copies are ours"], one["starts are Hydra's"]) for one in tasks}


def test_all_of_them_at_once(tmp_path: Path, ordinary: tuple[int, dict[str, Any]]) -> None:
    folder = app(tmp_path / "app")
    code, printed = run(folder, ALL, "-m", *SWEEP)
    assert (code, found(folder)) == ordinary, printed
    assert seen(folder) == {(False, False)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_one_of_them(tmp_path: Path, ordinary: tuple[int, dict[str, Any]], name: str) -> None:
    folder = app(tmp_path / "app")
    code, printed = run(folder, [name], "-m", *SWEEP)
    assert (code, found(folder)) == ordinary, printed


def test_a_command_line_is_told_the_same(tmp_path: Path) -> None:
    """That nothing varies without ``-m``; and what is wrong, without a traceback."""
    folder = app(tmp_path / "app")
    for arguments, told in (
        (["+sweep=seeds"], "without -m this is a single run"),
        (["-m", "hydra/launcher=hsm_local", "hydra.launcher.slots=x"], "hydra.launcher.slots=x must be"),
        (["+sweep=always"], "seed=4"),
    ):
        _, printed = run(folder, ALL, *arguments)
        assert told in printed
        assert "Traceback" not in printed


@pytest.mark.parametrize("names", [["get_mode"], ["compose_config"], ["get_mode", "compose_config"]], ids=" ".join)
def test_where_hydra_composes_by_other_steps_it_refuses_in_its_own_words(
    tmp_path: Path, names: list[str]
) -> None:
    folder = app(tmp_path / "app")
    _, printed = run(folder, names, "-m", "hydra.sweeper.sample=2")
    assert "hydra.sweeper.sample" in printed
    assert "Traceback" not in printed
