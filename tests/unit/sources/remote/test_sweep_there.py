"""What a host is sent fits the paths that it has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hsm_core.sources.remote.code_there import move
from hsm_core.sources.remote.sweep_there import boot_there, folder_there, program_files, root_there
from hsm_core.testing.recording import RecordingHost

MOVED = [("/w/s/.hsm/code/1", "/h/code/2"), ("/w/s", "/h/sweeps/s"), ("/w", "/h/code/2")]


def test_a_path_goes_where_the_first_folder_that_holds_it_went() -> None:
    assert move("/w/s/.hsm/code/1/conf", MOVED) == "/h/code/2/conf"
    assert move("/w/s/0", MOVED) == "/h/sweeps/s/0"
    assert move("/w/train.py", MOVED) == "/h/code/2/train.py"
    assert move("/w2/train.py", MOVED) == "/w2/train.py"


def test_modules_come_from_the_snapshot_and_the_hosts_own_interpreter() -> None:
    function = ["m", "f"]
    boot = {
        "cwd": "/elsewhere", "sys_path": ["/w/s/.hsm/code/1", "/usr/lib/python3", "/w/src"],
        "environ": {"A": ["1", ""]}, "payload": "payload.pkl",
        "main": {"path": "/w/s/.hsm/code/1/train.py", "argv": ["train.py", "/w/x"], "function": function},
    }  # fmt: skip
    there = boot_there(boot, MOVED, "/h/code/2")
    assert there["sys_path"] == ["/h/code/2", "/h/code/2/src"]
    assert (there["cwd"], there["own_path"], there["environ"]) == ("/h/code/2", True, {})
    assert there["main"] == {
        "path": "/h/code/2/train.py", "argv": ["train.py", "/h/code/2/x"], "function": function
    }  # fmt: skip
    assert there["payload"] == "payload.pkl"


def test_sweeps_are_kept_below_home_unless_it_is_said() -> None:
    host = RecordingHost({}, environment={"HOME": "/home/ann"})
    assert root_there(folder_there(host, {}), "s") == Path("/home/ann/.local/share/hsm/sweeps/s")
    assert folder_there(host, {"dir": "~/runs"}) == Path("/home/ann/runs")
    assert folder_there(host, {"dir": "/scratch/ann"}) == Path("/scratch/ann")


def test_what_travels_is_enough_to_start_a_worker(tmp_path: Path) -> None:
    for name, path in program_files().items():
        target = tmp_path / "a b" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    entry = tmp_path / "a b" / "hsm_core/worker/__main__.py"
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(entry), "supervise", "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout[:18]) == (0, "usage: hsm-worker ")
