"""Where an app's code lies, if no repository says it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hsm_core.hydra_bridge.launcher.app.code import app_root
from hsm_core.hydra_bridge.launcher.app.main_origin import MainOrigin


@pytest.mark.parametrize(
    ("script", "configs", "root"),
    [
        ("lab/app/train.py", "lab/app/conf", "lab/app"),
        ("lab/app/train.py", "lab/app", "lab/app"),
        ("lab/app/train.py", "lab/app/.", "lab/app"),
        ("lab/app/src/train.py", "lab/app/conf", "lab/app"),
        ("lab/app/train.py", "elsewhere/conf", "lab/app"),
    ],
)
def test_without_git_it_is_the_folder_that_holds_script_and_configs(
    tmp_path: Path, script: str, configs: str, root: str
) -> None:
    (tmp_path / script).parent.mkdir(parents=True)
    (tmp_path / script).touch()
    (tmp_path / configs).mkdir(parents=True, exist_ok=True)
    origin = MainOrigin({"__file__": str(tmp_path / script)}, print)
    source = SimpleNamespace(schema="file", provider="main", path=f"{tmp_path}/{configs}")
    config: Any = SimpleNamespace(hydra=SimpleNamespace(runtime=SimpleNamespace(config_sources=[source])))
    assert app_root(config, origin) == str(tmp_path / root)
