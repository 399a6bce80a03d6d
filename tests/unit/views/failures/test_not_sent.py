"""A file that a task missed on another machine, and that is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hsm_core.store.files import to_json
from hsm_core.store.record import SourceRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.views.failures.by_cause import group_failures
from tests.unit.store.making import MadeSweep, fail

THERE = "/home/ann/.local/share/hsm/code/" + 32 * "a"
NO = "[Errno 2] No such file or directory:"
BOX = SourceRecord("box1", "host", "ssh:box1")


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    """An app of which ``train.py`` was sent."""
    for name in ("data/x.csv", "train.py", "../big.bin"):
        (weird_tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (weird_tmp_path / "app" / name).write_text("1")
    return weird_tmp_path / "app"


def told(
    app: Path, message: str, node: str = "box1", kind: str = "FileNotFoundError", **facts: Any
) -> tuple[str, str]:
    """The message of the failure that is shown, and what to type."""
    sweep = MadeSweep(app.parent / "s", cwd=str(app), **{"sources": (BOX,), **facts})
    sweep.paths.first_code.root.mkdir(parents=True, exist_ok=True)
    sweep.paths.first_code.code.write_bytes(to_json({"root": str(app), "files": {}}))
    (sweep.paths.snapshots / "1").mkdir(parents=True)
    (sweep.paths.snapshots / "1/train.py").write_text("1")
    fail(sweep.worker("box1-1", node=node), 0, message, kind=kind)
    state = SweepState(sweep.root)
    state.refresh()
    (group,) = group_failures(state)
    return group.message, group.suggestion


@pytest.mark.parametrize(
    "message",
    [
        f"{NO} 'data/x.csv'", f"{NO} '{THERE}/data/x.csv'",
        "data/x.csv not found.", "[Errno 2] Unable to open file (name = 'data/x.csv', errno = 2)",
    ],
)  # fmt: skip
def test_what_is_no_part_of_the_snapshot_is_named(app: Path, message: str) -> None:
    shown, line = told(app, message)
    assert shown.endswith("; data/x.csv is here, but not part of the snapshot that machines get")
    assert line.endswith("data/x.csv is hidden or in an output folder, and not sent: move it, or put it on box1 and "
                         "its path there into the config")  # fmt: skip


def test_git_says_why(app: Path) -> None:
    (app / ".git").mkdir()
    _, line = told(app, "No such file or directory: 'data/x.csv'", kind="OSError")
    assert line.startswith("git -C ")
    assert "check-ignore -v data/x.csv    # why it is not sent" in line


def test_a_path_outside_the_app_is_mapped_or_put_there(app: Path) -> None:
    shown, line = told(app, f"{NO} '../big.bin'")
    assert "; it is here, outside the app's directory" in shown
    assert line.endswith("    # put it on box1 and its path there into the config")


def test_an_absolute_one_is_mapped(app: Path) -> None:
    shown, line = told(app, f"{NO} '/etc/passwd'")
    assert shown.endswith("; it is here, not on box1")
    assert line == "'hydra.launcher.path_map=[{local:/etc,remote:/…}]'    # where box1 has it, if the config names it"


def test_a_folder_of_the_hosts_own_lacks_it(app: Path) -> None:
    fields = ("++hydra.launcher.code=live",)
    shown, line = told(app, f"{NO} 'data/x.csv'", launcher_fields=fields)
    assert shown.endswith("/data/x.csv is here, not on box1")
    assert "    # copy data/x.csv there, or put it on box1" in line


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        (f"{NO} 'no/such'", {}), (f"{NO} 'train.py'", {}),
        (f"{NO} ''", {}), ("not found", {}),
        ("[Errno 13] Permission denied: 'data/x.csv'", {"kind": "PermissionError"}),
        (f"{NO} 'data/x.csv'", {"node": "elsewhere"}),
        (f"{NO} 'data/x.csv'", {"sources": (SourceRecord("box1", "pool"),)}),
    ],
)  # fmt: skip
def test_nothing_is_said_of_other_failures(app: Path, message: str, facts: dict[str, Any]) -> None:
    shown, line = told(app, message, **facts)
    assert "here" not in shown
    assert "#" not in line
