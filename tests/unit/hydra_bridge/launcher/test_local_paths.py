"""Paths of this machine that an app's config names."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from hsm_core.hydra_bridge.launcher.local_paths import local_paths


def test_what_is_here_and_does_not_travel_is_found(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    data = str(tmp_path)
    config = OmegaConf.create(
        {
            "data": {"dir": data, "files": [data, "/no/such"], "ref": "${data.dir}"}, "rate": 0.1, "text": "a/b",
            "inside": f"{data}/app", "odd": "/\0", "hydra": {"run": {"dir": data}}, "nothing": None,
        }
    )  # fmt: skip
    assert local_paths(config, [f"{data}/app"]) == {"data.dir": data, "data.files.0": data}
