"""A sweep that froze its app: edits made while it waits reach neither its tasks nor a resume."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.store.state.sweep_state import SweepState
from tests.waiting import wait_until

APP = """
import os, time
import hydra

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    import helper
    while not os.path.exists(os.path.join(hydra.utils.get_original_cwd(), "gate")):
        time.sleep(0.02)
    import late
    if cfg.x == 2 and os.environ["HSM_ATTEMPT"] == "1":
        os._exit(1)
    with open(os.path.join(os.path.dirname(__file__), "data.txt")) as data:
        return [helper.VALUE, late.VALUE, data.read(), cfg.value, cfg.x]

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    app = weird_tmp_path / "app"
    (app / "conf").mkdir(parents=True)
    (app / "app.py").write_text(APP)
    write_values(app, "old")
    return app


def write_values(app: Path, value: str) -> None:
    for module in ("helper", "late"):
        (app / f"{module}.py").write_text(f"VALUE = {value!r}\n")
    (app / "data.txt").write_text(value)
    (app / "conf" / "config.yaml").write_text(f"value: {value}\nx: 0\n")


def run(app: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=app, capture_output=True, text=True, timeout=90, check=False
    )


def refreshed(state: SweepState) -> SweepState:
    state.refresh()
    return state


def test_edits_never_reach_a_frozen_sweep(app: Path) -> None:
    launcher = ["hydra/launcher=hsm_local", "hydra.launcher.slots=1", "hydra.launcher.isolation=spawn"]
    fields = ["hydra.launcher.code=snapshot", "hydra.launcher.detach=true", "hydra.sweep.dir=../sweep"]
    done = run(app, "app.py", "-m", *launcher, *fields, "x=1,2,3")
    assert done.returncode == 0, done.stderr
    write_values(app, "new")
    (app / "gate").touch()
    state = SweepState(app.parent / "sweep")
    wait_until(lambda: refreshed(state).numbers_in("completed", "failed") == [0, 1, 2])
    resumed = run(app, "-m", "hsm_core.cli.hsm", "retry", str(app.parent / "sweep"))
    assert resumed.returncode == 0, resumed.stderr
    state.refresh()
    values = [state.task_directory(number).outcome.read_text() for number in range(3)]  # type: ignore[union-attr]
    assert [text.count('"old"') for text in values] == [4, 4, 4]
    notes = [note for worker in state.workers() if worker.ready for note in worker.ready.notes]
    assert notes
    assert all(note.startswith("the app's modules come from") for note in notes)
    lines = run(app, "-m", "hsm_core.cli.hsm", "reproduce", str(app.parent / "sweep"), "1").stdout
    assert "copy it from" not in lines
    script = "\n".join(line for line in lines.splitlines() if line.startswith(("cp ", "chmod ", "cd ")))
    copied = subprocess.run(["bash", "-ec", f"{script}\ncat helper.py"], capture_output=True, text=True)
    assert copied.stdout == "VALUE = 'old'\n", copied.stderr
