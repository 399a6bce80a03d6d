"""A task that returned is completed, as under the basic launcher; a sweeper that needs the value is told."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .as_basic import run_as_basic, write_app

APP = """
import threading
import hydra

class Trainer:
    def __init__(self):
        self.lock, self.score = threading.Lock(), 0.5

@hydra.main(version_base=None, config_path=None)
def main(cfg):
    with open(hydra.core.hydra_config.HydraConfig.get().runtime.output_dir + "/ran", "w") as stream:
        stream.write(str(cfg.k))
    return {"lock": Trainer, "generator": lambda: (i for i in range(3)), "thread": threading.current_thread}[cfg.k]()

if __name__ == "__main__":
    main()
"""


def test_values_that_nobody_can_pickle(weird_tmp_path: Path) -> None:
    both = run_as_basic(weird_tmp_path, {"app.py": APP}, "+k=lock,generator,thread")
    both.same()
    both.same_output(stderr=False)
    assert both.ours.code == 0
    assert "warning: 3 tasks, e.g. task 0: its return value can't be kept: TypeError: " in both.ours.err


@pytest.mark.slow
def test_optuna_is_told_which_task_returned_what_and_what_to_do(weird_tmp_path: Path) -> None:
    if not find_spec("hydra_plugins.hydra_optuna_sweeper"):
        pytest.skip("Optuna's sweeper is not installed")
    write_app(weird_tmp_path, {"app.py": APP})
    asked = [
        "hydra/sweeper=optuna",
        "hydra/launcher=hsm_local",
        "hydra.sweeper.n_trials=1",
        "hydra.sweeper.n_jobs=1",
    ]
    done = subprocess.run(
        [sys.executable, "app.py", "-m", *asked, "+k=choice(lock)"], cwd=weird_tmp_path, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode
    told = "\n".join(done.stderr.splitlines()[-6:])
    assert (
        "task 0 completed, but what it returned can't be kept for the sweeper: <__main__.Trainer object"
        in told
    )
    assert "cannot pickle '_thread.lock' object" in told
    assert "fix: return a number from the task: return float(score)" in told
    assert "Traceback" not in done.stderr
