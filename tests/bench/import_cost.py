"""What an installed hsm costs every other Hydra app: CPU milliseconds at start.

``python tests/bench/import_cost.py``
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUDGET_MS = 5.0
RUNS = 40
APP = """
import hydra
@hydra.main(config_path=None)
def main(cfg): pass
main()
"""


def site_without_hsm(directory: Path) -> Path:
    """This environment's packages but ours, as links."""
    directory.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("hpc_sweep_manager", "hsm_core", "__editable__", "hydra_plugins")):
            (directory / entry.name).symlink_to(entry)
    return directory


def install_hsm(directory: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(directory), str(ROOT)]
    subprocess.run(pip, check=True)
    return directory


def cpu_ms(app: Path, path: list[Path]) -> float:
    """CPU of one run of the app that sees only ``path``."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    argv = [sys.executable, "-S", "-W", "ignore", app.name, "hydra.run.dir=.", "hydra.output_subdir=null"]
    process = subprocess.Popen(argv, cwd=app.parent, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the app failed: {argv}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        app = base / "app.py"
        app.write_text(APP)
        without = [site_without_hsm(base / "site")]
        having = [install_hsm(base / "hsm"), *without]
        cpu_ms(app, without), cpu_ms(app, having)  # compiles
        pairs = [(cpu_ms(app, without), cpu_ms(app, having)) for _ in range(RUNS)]
    cost = statistics.median(having - without for without, having in pairs)
    print(f"no-op app without hsm {statistics.median(p[0] for p in pairs):.1f} ms CPU (median of {RUNS})")
    print(f"hsm adds              {cost:.1f} ms (median of the differences; the budget is {BUDGET_MS:g} ms)")
    return cost > BUDGET_MS


if __name__ == "__main__":
    sys.exit(main())
