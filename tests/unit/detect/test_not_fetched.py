"""Submodules and files of Git LFS: what is here travels, what is not is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hsm_core.detect.not_fetched import not_fetched
from hsm_core.detect.snapshot import files_of, freeze

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n"


def git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=ann", "-c", "user.email=ann@box", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", "-C", str(folder), *own, *words], check=True, capture_output=True)


def committed(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "1")
    return folder


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    """An app with a submodule, which has one itself."""
    inner = committed(weird_tmp_path / "inner", {"deep.py": ""})
    library = committed(weird_tmp_path / "library", {"lib.py": "", ".gitignore": "*.bin\n"})
    git(library, "submodule", "add", "-q", str(inner), "inner")
    git(library, "commit", "-qm", "2")
    app = committed(weird_tmp_path / "app", {"train.py": ""})
    git(app, "submodule", "add", "-q", str(library), "the lib")
    git(app, "commit", "-qm", "2")
    return app


def test_a_submodule_that_is_not_checked_out_is_told(app: Path) -> None:
    (told,) = not_fetched(str(app), files_of(str(app)))
    assert "not checked out have no files for tasks: the lib/inner\n" in told
    fresh = app.with_name("fresh")
    git(app, "clone", "-q", ".", str(fresh))
    app = fresh
    (told,) = not_fetched(str(app), files_of(str(app)))
    assert told.startswith("warning: submodules that are not checked out have no files for tasks: the lib\n")
    line = told.partition("next: git ")[2]
    subprocess.run(["bash", "-c", f"git -c protocol.file.allow=always {line}"], capture_output=True, check=True)
    assert list(not_fetched(str(app), files_of(str(app)))) == []


def test_the_files_of_one_that_is_checked_out_travel(app: Path, tmp_path: Path) -> None:
    git(app, "submodule", "update", "-q", "--init", "--recursive")
    (app / "the lib/new.py").write_text("")
    (app / "the lib/big.bin").write_text("")
    snapshot = freeze(str(app), tmp_path / "snapshots")
    found = {str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file()}
    inner = (".gitignore", ".gitmodules", "lib.py", "new.py", "inner/deep.py")
    assert found == {".gitmodules", "train.py", *(f"the lib/{name}" for name in inner)}


def test_what_lfs_has_not_brought_is_told_and_what_it_has_travels(weird_tmp_path: Path) -> None:
    files = {"w/a.bin": POINTER, "w/b.bin": "content", "doc.txt": POINTER, "train.py": ""}
    app = committed(weird_tmp_path / "app", files)
    (app / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (told,) = not_fetched(str(app), files_of(str(app)))
    assert "files without their content, which Git LFS has not brought: w/a.bin\n" in told
    assert told.endswith(" lfs pull")


def test_without_git_there_is_nothing_to_bring(weird_tmp_path: Path) -> None:
    (weird_tmp_path / "a.bin").write_text(POINTER)
    assert list(not_fetched(str(weird_tmp_path), ["a.bin"])) == []
