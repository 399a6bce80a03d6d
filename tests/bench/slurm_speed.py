"""How fast ``hsm_slurm`` is beside hydra-submitit-launcher: tasks that do nothing, on the same cluster.

    python tests/bench/slurm_speed.py [--tasks 10 100 300] [--rounds 3]

Prints medians and, against the goals, ratios: wall time, CPU of the submitting host, files and bytes below the
sweep's own folders, and how often the scheduler was asked. The cluster has 8 slots. Two floors are arrays without a
launcher: tasks that only ``import hydra``, and the app itself, run by Hydra alone in each job.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from compiled import compile_hsm  # noqa: E402

from tests.services.cluster import running_cluster  # noqa: E402

APP = f"""
import hydra
@hydra.main(config_path={str(ROOT / "example_app" / "conf")!r}, config_name="config", version_base="1.3")
def main(cfg):
    return None
if __name__ == "__main__":
    main()
"""
#: 8 slots: more would only measure how many interpreters this machine can start at once
SIZE: dict[str, Any] = {"accounting": True, "HSM_MAXARRAY": 1001, "HSM_CPUS": 2}
COMMANDS = ("sbatch", "squeue", "sacct", "scontrol", "scancel", "sacctmgr", "sinfo", "srun")
#: packed: two jobs, with a slot for each of their cores
LAUNCHERS = {
    "submitit": ["hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=60"],
    "hsm array": ["hydra/launcher=hsm_slurm", "hydra/sweeper=hsm"],
    "hsm packed": [
        "hydra/launcher=hsm_slurm", "hydra/sweeper=hsm", "hydra.launcher.tasks_per_job={pack}",
        "hydra.launcher.slots=2", "hydra.launcher.mem_gb=0.2",
    ],
}
#: what a figure of ours may be of submitit's, with arrays and packed; files are a task's own, not ratios
GOALS = {"wall": (1 / 3, 1 / 20), "cpu": (1 / 5, 1 / 5), "payload": (1 / 50, 1 / 50)}


@dataclass(frozen=True)
class Figures:
    """Of one sweep.

    Args:
        cpu: seconds of the launcher and all that it started on its host; jobs not among them.
        files, size: of what the launcher and workers keep for themselves: number, bytes.
        payload: bytes that carry the task function and its configs to the workers.
        calls: commands of the scheduler that the launcher ran.
    """

    wall: float
    cpu: float
    files: float
    size: float
    payload: float
    calls: float


def run(folder: Path, overrides: Sequence[str], tasks: int, calls: Path) -> Figures:
    sweep = folder / "sweep"
    shutil.rmtree(sweep, ignore_errors=True)
    calls.write_text("")
    words = [word.format(pack=max(1, -(-tasks // 2))) for word in overrides]
    argv = [sys.executable, "app.py", "-m", *words, f"hydra.sweep.dir={sweep}", f"seed=range({tasks})"]
    before, began = os.times(), time.monotonic()
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - began, os.times()
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    own = [path for path in sweep.rglob("*") if path.is_file() and is_own(path.relative_to(sweep))]
    names = ("_submitted.pkl", "payload.pkl", "config.pkl")
    carried = [path for path in own if path.name.endswith(names) or path.match(".hsm/tasks/*")]
    return Figures(
        wall, cpu, len(own), sum(path.stat().st_size for path in own),
        sum(path.stat().st_size for path in carried), len(calls.read_text().splitlines()),
    )  # fmt: skip


#: what a job of an array does without a launcher
FLOORS = {"import hydra": "-c 'import hydra'", "the app alone": "app.py hydra.run.dir=alone/$SLURM_ARRAY_TASK_ID"}


def floor(folder: Path, words: str, tasks: int) -> float:
    """Seconds that the cluster takes for an array whose jobs are Python with these words."""
    began = time.monotonic()
    script = f"{shlex.quote(sys.executable)} {words}"
    argv = ["sbatch", "--parsable", f"--array=0-{tasks - 1}", "--output=/dev/null", f"--wrap={script}"]
    job = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    left = ["squeue", "-h", "-j", job, "-t", "PD,R,CG"]
    while subprocess.run(left, capture_output=True, text=True, check=True).stdout:
        time.sleep(0.2)
    return time.monotonic() - began


def is_own(path: Path) -> bool:
    """Not what Hydra itself writes: the task's ``.hydra`` and log."""
    return path.parts[0].startswith(".") or path.name.startswith(("outcome", "stdout", "stderr"))


def count_calls(folder: Path, calls: Path) -> str:
    """A PATH on which the scheduler's commands are counted, but not those that jobs run."""
    folder.mkdir()
    for name in COMMANDS:
        real = shutil.which(name)
        if real:
            script = folder / name
            noted = f'[ -n "$SLURM_JOB_ID" ] || echo {name} >> {shlex.quote(str(calls))}'
            script.write_text(f'#!/bin/sh\n{noted}\nexec {real} "$@"\n')
            script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def medians(found: Sequence[Figures]) -> dict[str, float]:
    return {
        item.name: statistics.median(getattr(one, item.name) for one in found) for item in fields(Figures)
    }


def report(tasks: int, known: dict[str, dict[str, float]]) -> None:
    print(f"\n{tasks} tasks" + "".join(f"{item.name:>12}" for item in fields(Figures)))
    for name, values in known.items():
        print(f"  {name:10}" + "".join(f"{value:12.2f}" for value in values.values()))
    for name, values in known.items():
        if name == "submitit" or "submitit" not in known:
            continue
        packed = int("packed" in name)
        for figure, goals in GOALS.items():
            share, goal = values[figure] / known["submitit"][figure], goals[packed]
            kept = "kept" if share <= goal else "MISSED"
            print(f"  {name}: {figure} 1/{1 / share:.1f}, goal 1/{1 / goal:.0f}: {kept}")
        each, goal = values["files"] / tasks, (4, 2)[packed]
        print(f"  {name}: {each:.1f} own files a task, goal {goal}: {'kept' if each <= goal else 'MISSED'}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[10, 100, 300])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("launchers", nargs="*", default=list(LAUNCHERS))
    options = parser.parse_args()
    compile_hsm()
    with tempfile.TemporaryDirectory() as name, running_cluster(**SIZE) as cluster:
        folder, calls = Path(name), Path(name) / "calls"
        (folder / "app.py").write_text(APP)
        os.environ |= {"SLURM_CONF": cluster.conf, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": name}
        os.environ["PATH"] = count_calls(folder / "bin", calls)
        for tasks in options.tasks:
            known: dict[str, list[Figures]] = {launcher: [] for launcher in options.launchers}
            for _ in range(options.rounds):
                for launcher, found in known.items():
                    found.append(run(folder, LAUNCHERS[launcher], tasks, calls))
            report(tasks, {launcher: medians(found) for launcher, found in known.items()})
            for what, words in FLOORS.items():
                lowest = statistics.median(floor(folder, words, tasks) for _ in range(options.rounds))
                print(f"  floor of arrays, {what}: {lowest:.2f} s", flush=True)


if __name__ == "__main__":
    main()
