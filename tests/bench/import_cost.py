"""What an installed hsm costs every other Hydra app: CPU milliseconds at start.

``python tests/bench/import_cost.py`` runs an app that does nothing, with and without hsm among its packages,
in turn. The verdict is on Hydra's plugin discovery, the only place where a plugin costs anything at start;
the CPU of the whole run is printed too, but on a busy machine it varies by more than the budget.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUDGET_MS = 5.0
RUNS = 40
#: ``import hydra`` where the budget was set, interpreter included; machines differ by two
IMPORT_MS = 141.0
HYDRA_NEEDS = {
    *("hydra", "hydra_core", "omegaconf", "antlr4", "antlr4_python3_runtime"),
    *("yaml", "_yaml", "pyyaml", "packaging"),
}
# Python collects garbage after so many allocations: after a collection, as many fall to those with hsm as without
APP = """
import gc, time
import hydra.main
print(time.process_time() * 1000)
from hydra.core.plugins import Plugins
gc.collect()
start = time.process_time()
Plugins.instance()
print((time.process_time() - start) * 1000)
@hydra.main(config_path=None)
def main(cfg): pass
main()
print(time.process_time() * 1000)
"""


@dataclass(frozen=True)
class Cpu:
    """Milliseconds of one run: Hydra's import, it looking for plugins, and all of it."""

    imported: float
    discovery: float
    whole: float


def hydra_alone(directory: Path) -> Path:
    """Hydra and what it imports, as links into this environment; no plugin of anyone."""
    directory.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name.partition("-")[0].lower() in HYDRA_NEEDS:
            (directory / entry.name).symlink_to(entry)
    return directory


def install_hsm(directory: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(directory), str(ROOT)]
    subprocess.run(pip, check=True)
    return directory


def run(app: Path, site: Path) -> Cpu:
    """One run of the app that sees only the packages in ``site``."""
    argv = [sys.executable, "-S", "-W", "ignore", app.name, "hydra.run.dir=.", "hydra.output_subdir=null"]
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(argv, cwd=app.parent, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return Cpu(*map(float, done.stdout.split()))


def in_turn(app: Path, sites: list[Path]) -> list[list[Cpu]]:
    """The runs of each site; who goes first changes from round to round."""
    found: dict[Path, list[Cpu]] = {site: [] for site in sites}
    for round_number in range(RUNS + 1):
        for site in sites if round_number % 2 else reversed(sites):
            found[site].append(run(app, site))
    return [runs[1:] for runs in found.values()]  # the first round compiles


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        app = base / "app.py"
        app.write_text(APP)
        plain, ours = in_turn(app, [hydra_alone(base / "plain"), install_hsm(hydra_alone(base / "ours"))])
    for what in ("discovery", "whole"):
        without, having = (statistics.median(getattr(cpu, what) for cpu in runs) for runs in (plain, ours))
        print(f"{what:9s} {without:6.1f} ms CPU without hsm, {having:6.1f} with (medians of {RUNS} runs)")
    cost = statistics.median(c.discovery for c in ours) - statistics.median(c.discovery for c in plain)
    print(f"hsm adds {cost:.1f} ms to discovery; the budget is {BUDGET_MS:g} ms")
    imported = statistics.median(cpu.imported for cpu in plain)
    there = cost * IMPORT_MS / imported
    print(f"Hydra is imported in {imported:.0f} ms; where that takes {IMPORT_MS:.0f}, hsm adds {there:.1f} ms")
    return cost > BUDGET_MS


if __name__ == "__main__":
    sys.exit(main())
