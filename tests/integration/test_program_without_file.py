"""A program that has no file sweeps too, ends as others do, and nothing that hsm can't do is proposed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import hydra
@hydra.main(version_base=None, config_path=None)
def main(cfg):
    assert cfg.x < 1, "too much"
    return cfg.x
main()
"""


def run(folder: Path, words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    return subprocess.run(
        words, cwd=folder, input=text, capture_output=True, text=True, env=env, timeout=60, check=False
    )


def hsm(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, [sys.executable, "-m", "hsm_core.cli.hsm", *words])


@pytest.mark.parametrize("start", [["-"], ["-c", APP]])
def test_it_ends_as_any_sweep_with_failed_tasks_and_goes_on_from_a_file(tmp_path: Path, start: list[str]) -> None:
    words = ["-m", "hydra/launcher=hsm_local", "hydra.launcher.slots=1", "hydra.sweep.dir=s", "+x=0,1"]
    done = run(tmp_path, [sys.executable, *start, *words], APP)
    assert done.returncode == 3
    assert "✗ 1 failed" in done.stderr
    assert "most recent call last" not in done.stderr
    for word in ("retry", "resume"):
        refused = hsm(tmp_path, word, "s", *(["--retry-failed"] if word == "resume" else []))
        assert refused.returncode == 2
        assert "hsm retry" not in refused.stderr + hsm(tmp_path, "errors", "s").stdout
    line = re.search(r"next: (.+ app\.py .*?)(?:    # .*)?$", refused.stderr)
    assert line is not None
    assert "hydra.launcher.slots=1" in line[1]
    (tmp_path / "app.py").write_text(APP.replace("cfg.x < 1", "cfg.x < 2"))
    again = run(tmp_path, shlex.split(line[1]))
    assert (again.returncode, "✓ 2 completed" in again.stderr) == (0, True), again.stderr
    alone = hsm(tmp_path, "command", "s", "1").stderr
    assert run(tmp_path, ["sh", "-c", alone.partition("next: ")[2]]).returncode == 0


def test_what_is_proposed_for_it_can_be_done(tmp_path: Path) -> None:
    from hsm_core.store.record import SweepRecord
    from hsm_core.views.lines_to_copy.resume_lines import resume_line, retry_line

    app = {"main": [], "under_main": True, "name": "stdin", "argv": ["-m", "--config-name", "c"]}
    record = SweepRecord("a-1", "a", str(tmp_path), "", "hsm_local", "basic", app=app)
    line = retry_line(record, "oom", "hydra.launcher.slots=1    # if it ran out of memory")
    assert line.startswith("python app.py -m --config-name c hydra/launcher=hsm_local hydra.launcher.resume=a-1 ")
    assert " hydra.launcher.retry_failed=true hydra.launcher.slots=1 " in line
    assert "hsm " not in line
    assert line.endswith("    # first save the program as app.py; if it ran out of memory")
    assert "retry_failed" not in resume_line(record)
    assert resume_line(SweepRecord("a-1", "a", "", "", "hsm_local", "basic", app={"main": []})).startswith("launch(")
