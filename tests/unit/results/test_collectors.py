"""A collector of another package, found by its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.store.making import MadeSweep, complete

ROOT = Path(__file__).parents[3]
COLLECTOR = """
def collect(directory):
    found = directory / "score.txt"
    return [{"score": float(found.read_text()), "loss": 9.0}] if found.is_file() else []
"""
PROGRAM = """
import sys
from pathlib import Path
import hsm_core as hsm
for row in hsm.sweep(Path(sys.argv[1])).results():
    print(row.metrics, row.sources)
"""


def test_a_package_adds_its_own(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "mine-1.dist-info").mkdir(parents=True)
    (site / "mine-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (site / "mine-1.dist-info" / "entry_points.txt").write_text("[hsm.collectors]\nscores = mine:collect\n")
    (site / "mine.py").write_text(COLLECTOR)
    sweep = MadeSweep(tmp_path / "s", total=2)
    complete(sweep.worker("w1"), 0, 1)
    (sweep.root / "0").mkdir()
    (sweep.root / "0" / "score.txt").write_text("0.5")
    (sweep.root / "0" / "metrics.json").write_text('{"loss": 1}')
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(sweep.root)], capture_output=True, text=True, env=env, check=False
    )
    assert done.stdout.splitlines() == [
        "{'loss': 1, 'score': 0.5} {'loss': 'metrics.json', 'score': 'scores'}",
        "{} {}",
    ], done.stderr


def test_one_that_fails_is_told_once_and_costs_its_own_metrics_only(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "mine-1.dist-info").mkdir(parents=True)
    (site / "mine-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    points = "[hsm.collectors]\nabsent = nowhere:collect\nbroken = mine:collect\n"
    (site / "mine-1.dist-info" / "entry_points.txt").write_text(points)
    (site / "mine.py").write_text("def collect(directory):\n    raise RuntimeError('no such run')\n")
    sweep = MadeSweep(tmp_path / "s", total=2)
    complete(sweep.worker("w1"), 0, 1)
    for task in ("0", "1"):
        (sweep.root / task).mkdir()
        (sweep.root / task / "metrics.json").write_text('{"loss": 1}')
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}
    command = [sys.executable, "-m", "hsm_core.cli.hsm", "results", str(sweep.root), "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == [f"{sweep.id},{task},completed,{task},1" for task in (0, 1)]
    assert done.stderr.count("the collector 'broken' failed: RuntimeError: no such run") == 1
    assert done.stderr.count("the collector 'absent' failed: ModuleNotFoundError") == 1
