"""How fast ``hsm_local`` is beside Hydra's own launchers: tasks that do nothing, with example_app's config.

    python tests/bench/local_speed.py [--tasks 100] [--rounds 3] [launcher …]
    python tests/bench/local_speed.py --tasks 400 "hsm + hsm_local" hsm_local

Prints medians a task: wall time and CPU time of all processes, and how many times the first one's wall time it is.
The rounds take turns, so that what else runs on the machine slows all of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from compiled import compile_hsm  # noqa: E402

from hsm_core.worker.os.processes import adopt_orphans  # noqa: E402

APP = f"""
import hydra
@hydra.main(config_path={str(ROOT / "example_app" / "conf")!r}, config_name="config", version_base="1.3")
def main(cfg):
    return None
if __name__ == "__main__":
    main()
"""
LAUNCHERS = {
    "basic": ["hydra/launcher=basic"],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "hsm_local": ["hydra/launcher=hsm_local", "hydra.launcher.slots=2"],
    "hsm + hsm_local": ["hydra/sweeper=hsm", "hydra/launcher=hsm_local", "hydra.launcher.slots=2"],
    "hsm_local none": ["hydra/launcher=hsm_local", "hydra.launcher.slots=2", "hydra.launcher.isolation=none"],
}


def run(folder: Path, overrides: list[str], tasks: int) -> tuple[float, float]:
    """Wall and CPU seconds of one sweep, until its last process has ended."""
    before, began = _cpu(), time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        argv = [sys.executable, "app.py", "-m", *overrides, f"hydra.sweep.dir={directory}/sweep"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": directory}
        subprocess.run(
            [*argv, f"seed=range({tasks})"], cwd=folder, env=env, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wall = time.monotonic() - began
        with suppress(ChildProcessError):
            while True:
                os.wait()  # a worker ends after its sweep
    return wall, _cpu() - before


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("launchers", nargs="*", default=list(LAUNCHERS))
    options = parser.parse_args()
    adopt_orphans()
    compile_hsm()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "app.py").write_text(APP)
        found: dict[str, list[tuple[float, float]]] = {launcher: [] for launcher in options.launchers}
        for _ in range(options.rounds):
            for launcher, seconds in found.items():
                seconds.append(run(Path(name), LAUNCHERS[launcher], options.tasks))
        medians = {launcher: _a_task(seconds, options.tasks) for launcher, seconds in found.items()}
        first = next(iter(medians.values()))[0]
        for launcher, (wall, cpu) in medians.items():
            print(f"{launcher:16} {wall:7.1f} ms wall  {cpu:7.1f} ms CPU  a task  {wall / first:5.2f}×")


def _a_task(seconds: list[tuple[float, float]], tasks: int) -> list[float]:
    return [statistics.median(column) * 1000 / tasks for column in zip(*seconds, strict=True)]


if __name__ == "__main__":
    main()
