"""What counts as an app's code, what of it changed, and freezing it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from hsm_core.detect import snapshot
from hsm_core.detect.code import changes, code_files, code_root, uncommitted
from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge.task.snapshot_paths import FrozenApp


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


def test_code_is_all_of_the_app_but_no_output(app: Path) -> None:
    known = {name for name in code_files(str(app)) if name != ".gitignore"}
    assert known == {"conf/config.yaml", "data.bin", "tool.sh", "train.py"}


def test_what_changed_is_named(app: Path) -> None:
    before = code_files(str(app))
    (app / "train.py").write_text("other")
    (app / "tool.sh").unlink()
    (app / "more.py").write_text("new")
    (app / "data.bin").write_text("other")
    (app / "result.csv").write_text("a task's new data does not count")
    (app / "run.log").write_text("x")
    assert changes(before, code_files(str(app))) == [
        "changed data.bin", "changed train.py", "gone tool.sh", "new more.py",
    ]  # fmt: skip
    assert changes(before, before) == []


def test_what_git_tracks_counts_wherever_it_is_and_whatever_its_name(tmp_path: Path) -> None:
    tracked = ("prompts.json", "build/tool", ".hidden/x", "outputs/kept.txt", "ü b\n.dat")
    for name in tracked:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    before = code_files(str(tmp_path))
    assert set(before) == set(tracked)
    for name in tracked:
        (tmp_path / name).write_text("2")
    changed = code_files(str(tmp_path))
    assert sorted(changes(before, changed)) == sorted(f"changed {name}" for name in tracked)
    git(tmp_path, "commit", "-qam", "the same files, now committed")
    assert changes(changed, code_files(str(tmp_path))) == []
    (tmp_path / "prompts.json").unlink()
    assert changes(changed, code_files(str(tmp_path))) == ["gone prompts.json"]
    assert "outputs/kept.txt" in snapshot_names(tmp_path)


def snapshot_names(root: Path) -> list[str]:
    made = snapshot.freeze(str(root), root / ".snapshots")
    return [str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()]


@pytest.mark.parametrize("has_git", [True, False])
def test_a_sweep_within_the_repository_is_no_code(tmp_path: Path, has_git: bool) -> None:
    for mark in (".hsm/sweep.json", ".hydra/config.yaml", "multirun.yaml"):
        for name in (mark, "0/written.yaml"):
            path = tmp_path / "runs" / mark[:4] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
    (tmp_path / "app.py").write_text("x")
    if has_git:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "app.py")
    assert list(code_files(str(tmp_path))) == ["app.py"]
    assert snapshot_names(tmp_path) == ["app.py"]


def test_the_app_is_where_its_script_is(tmp_path: Path) -> None:
    package = tmp_path / "proj" / "tool" / "deep"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (tmp_path / "proj" / "app.py").touch()
    assert code_root("/", str(tmp_path / "proj" / "app.py")) == str(tmp_path / "proj")
    assert code_root("/", str(package / "main.py")) == str(tmp_path / "proj")
    assert code_root(str(tmp_path), f"{sysconfig.get_path('scripts')}/train") == str(tmp_path)
    assert code_root(str(tmp_path), pytest.__file__) == str(tmp_path)


def test_a_config_directory_elsewhere_counts(tmp_path: Path) -> None:
    for name in ("src/app.py", "conf/a.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("1")
    more = [str(tmp_path / "src" / "below"), str(tmp_path / "conf")]
    before = code_files(str(tmp_path / "src"), more)
    assert sorted(before) == [str(tmp_path / "conf" / "a.yaml"), "app.py"]
    (tmp_path / "conf" / "a.yaml").write_text("2")
    now = code_files(str(tmp_path / "src"), more)
    assert changes(before, now) == [f"changed {tmp_path}/conf/a.yaml"]


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
    assert [name for name in names if name != ".gitignore"] == [
        "conf/config.yaml", "data.bin", "tool.sh", "train.py",
    ]  # fmt: skip
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


@pytest.mark.parametrize("name", ["results.csv", "model.pt", "loss.png", "r.parquet", "notes.md"])
def test_what_programs_write_is_no_code_unless_git_tracks_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "app.py").touch()
    (tmp_path / name).write_text("before")
    before = code_files(str(tmp_path))
    (tmp_path / name).write_text("after")
    assert changes(before, code_files(str(tmp_path))) == []


def test_where_the_app_prints_to_is_no_code(app: Path) -> None:
    ask = "import json, hsm_core.detect.code as code; json.dump([*code.code_files('.')], open('seen', 'w'))"
    (app / "words.txt").write_text("data")
    with (app / "out.txt").open("w") as out:
        subprocess.run([sys.executable, "-c", ask], cwd=app, stdout=out, stderr=out, check=True)
    seen = json.loads((app / "seen").read_text())
    assert "words.txt" in seen
    assert "out.txt" not in seen
