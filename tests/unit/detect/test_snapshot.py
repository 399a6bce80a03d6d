"""What a snapshot of an app has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hsm_core.detect.snapshot import files_of, freeze


@pytest.mark.parametrize("has_git", [True, False])
def test_a_link_to_a_folder_of_the_app_becomes_one_and_one_out_of_it_does_not(
    weird_tmp_path: Path, has_git: bool
) -> None:
    app, outside = weird_tmp_path / "app", weird_tmp_path / "data"
    for path in (app / "lib/v2/a.py", app / "train.py", outside / "big"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    (app / "current").symlink_to("lib/v2")
    (app / "conf").mkdir()
    (app / "conf/b").symlink_to(app / "current")
    (app / "data").symlink_to(outside)
    (app / "file.py").symlink_to("train.py")
    (app / "round").symlink_to(".")
    if has_git:
        subprocess.run(["git", "init", "-q"], cwd=app, check=True)
    expected = ["conf/b/a.py", "current/a.py", "file.py", "lib/v2/a.py", "train.py"]
    assert files_of(str(app)) == expected
    snapshot = freeze(str(app), weird_tmp_path / "snapshots")
    assert sorted(str(one.relative_to(snapshot)) for one in snapshot.rglob("*") if one.is_file()) == expected
