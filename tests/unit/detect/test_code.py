"""What counts as an app's code, what of it changed, and freezing it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hsm_core.detect import snapshot
from hsm_core.detect.code import changes, code_files, code_root, uncommitted
from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.child_frozen import FrozenApp


@pytest.fixture(params=["git", "plain"])
def app(request: pytest.FixtureRequest, weird_tmp_path: Path) -> Path:
    """An app with an output directory, a hidden file and, with git, an ignored one."""
    files = ("train.py", "conf/config.yaml", "multirun/1/config.yaml", ".secret.py", "data.bin", "tool.sh")
    for name in files:
        (weird_tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (weird_tmp_path / name).write_text(name)
    (weird_tmp_path / "tool.sh").chmod(0o755)
    if request.param == "git":
        (weird_tmp_path / "ignored.py").write_text("x")
        (weird_tmp_path / ".gitignore").write_text("ignored.py\n")
        git(weird_tmp_path, "init", "-q")
        git(weird_tmp_path, "add", "train.py", ".gitignore")
        git(weird_tmp_path, "commit", "-qm", "first")
    return weird_tmp_path


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_code_is_code_and_config_but_no_output(app: Path) -> None:
    assert sorted(code_files(str(app))) == ["conf/config.yaml", "tool.sh", "train.py"]


def test_what_changed_is_named(app: Path) -> None:
    before = code_files(str(app))
    (app / "train.py").write_text("other")
    (app / "tool.sh").unlink()
    (app / "more.py").write_text("new")
    (app / "data.bin").write_text("data does not count")
    assert changes(before, code_files(str(app))) == ["changed train.py", "gone tool.sh", "new more.py"]
    assert changes(before, before) == []


def test_the_repository_is_the_app(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.py").write_text("1\n")
    assert code_root(str(tmp_path / "deep")) == str(tmp_path / "deep")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-qm", "first")
    assert os.path.samefile(code_root(str(tmp_path / "deep")), tmp_path)
    assert uncommitted(str(tmp_path)) == b""
    (tmp_path / "a.py").write_text("2\n")
    assert b"+2" in uncommitted(str(tmp_path))


def test_a_snapshot_holds_what_git_would_commit_and_is_read_only(app: Path, tmp_path: Path) -> None:
    made = snapshot.freeze(str(app), tmp_path / "snapshots")
    names = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
    assert names == ["conf/config.yaml", "data.bin", "tool.sh", "train.py"]
    assert os.access(made / "tool.sh", os.X_OK)
    assert (made / "train.py").stat().st_mode & 0o222 == 0
    assert snapshot.freeze(str(app), tmp_path / "snapshots") == made
    (app / "train.py").write_text("edited")
    assert snapshot.freeze(str(app), tmp_path / "snapshots") != made
    assert (made / "train.py").read_text() == "train.py"


def test_paths_are_mapped_only_where_the_snapshot_has_them(app: Path, tmp_path: Path) -> None:
    made = snapshot.freeze(str(app), tmp_path / "snapshots")
    frozen = FrozenApp(str(app), str(made))
    assert frozen.path(str(app / "conf")) == str(made / "conf")
    assert frozen.path(str(app)) == str(made)
    assert frozen.path(str(app / ".venv")) == str(app / ".venv")
    assert frozen.path(f"{app}2") == f"{app}2"


def test_too_much_to_freeze_names_the_largest(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_MOST_BYTES", 10)
    with pytest.raises(ConfigError, match=r"conf/config\.yaml"):
        snapshot.freeze(str(app), tmp_path / "snapshots")
