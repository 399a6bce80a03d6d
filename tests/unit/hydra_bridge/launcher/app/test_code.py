"""Where an app's code lies, if no repository says it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hsm_core.hydra_bridge.launcher.app.code import app_modules, app_root, import_folders
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


class Lazy(ModuleType):
    """A module that is imported when it is asked for anything."""

    def __getattr__(self, name: str) -> object:
        raise ImportError(name)


def test_an_apps_modules_are_found_also_where_no_path_leads_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editable install need not put its folder into ``sys.path``."""
    files = {
        "pkg_of_app": "src/pkg_of_app/__init__.py", "pkg_of_app.part": "src/pkg_of_app/part.py",
        "tool_of_app": "tool_of_app.py",
        "odd_name": "scripts/other_file.py", "installed": ".venv/lib/site-packages/installed.py",
        "hsm_core.x": "hsm_core/x.py", "__main__": "train.py",
    }  # fmt: skip
    for name, file in files.items():
        module = ModuleType(name)
        module.__file__ = str(tmp_path / file)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    library = ModuleType("library")
    library.__file__ = str(tmp_path / "env/lib/library.py")
    monkeypatch.setitem(sys.modules, "library", library)
    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    found = app_modules(str(tmp_path))
    own = ("pkg_of_app", "pkg_of_app.part", "tool_of_app", "odd_name")
    assert found == {name: files[name] for name in own}
    assert import_folders(str(tmp_path), found) == [str(tmp_path / "src"), str(tmp_path)]
    assert app_modules("") == {}
