"""Paths of this machine that an app's config names."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from hsm_core.hydra_bridge.launcher.local_paths import local_paths, local_paths_of
from hsm_core.overrides import hydra_text


def test_a_path_that_is_here_is_found_with_a_key_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    data = str(tmp_path)
    config = OmegaConf.create(
        {
            "data": {"dir": data, "files": [data, "/no/such"], "ref": "${data.dir}"}, "rate": 0.1, "text": "a/b",
            "inside": f"{data}/app", "odd": "/\0", "hydra": {"run": {"dir": data}}, "nothing": None,
        }
    )  # fmt: skip
    assert local_paths(config) == {data: "data.dir", f"{data}/app": "inside"}


def test_tasks_name_paths_too(weird_tmp_path: Path) -> None:
    here, text = str(weird_tmp_path), hydra_text(str(weird_tmp_path))
    tasks = [[f"data={text}", "lr=0.1"], ["data=/no/such", f"+more=[{{dir:{text}}},/etc]"]]
    assert local_paths_of(tasks) == {here: "data", "/etc": "more.1"}
