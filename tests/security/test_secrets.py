"""Secrets that a sweep is given reach its tasks, also after a resume, and nobody else's eyes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from hsm_core.errors import StoreError
from hsm_core.hydra_bridge.launcher.app.code import record_code
from hsm_core.model import HIDDEN
from hsm_core.overrides import is_secret, without_secrets
from hsm_core.store.layout import CodePaths, SweepPaths
from hsm_core.store.record import read_record
from hsm_core.store.tasks import TaskTable, require_no_hidden, write_tasks
from tests.unit.store.making import MadeSweep

SECRET = "s3cr3t-value"
APP = """
import os, hydra
@hydra.main(version_base=None, config_path=None)
def main(cfg):
    print("secret of", len(os.environ["API_TOKEN"]))
    if cfg.x == 2 and not os.path.exists("mended"):
        raise ValueError("not yet")
    return cfg.x
main()
"""

#: It fails once, and leaves its command line and its variables in files.
SHOWING = """
import hydra, json, os, sys
open("argv", "a").write(repr(sys.argv))
@hydra.main(version_base=None, config_path=None)
def main(cfg):
    assert os.path.exists("mended")
    json.dump({name: os.environ.get(name) for name in "ABCDEFG"}, open("seen", "w"))
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ("hydra.launcher.env.ANY=1", f"hydra.launcher.env.ANY={HIDDEN}"),
        ("++hydra.launcher.env={A: b}", f"++hydra.launcher.env={HIDDEN}"),
        ("+wandb.api_key=abc", f"+wandb.api_key={HIDDEN}"),
        ("db.password='a b'", f"db.password={HIDDEN}"),
        ("auth.token=x,y", f"auth.token={HIDDEN}"),
        ("api_key=${oc.env:KEY}", "api_key=${oc.env:KEY}"),
        ("model.num_tokens=512", "model.num_tokens=512"),
        ("model.pad_token=0", "model.pad_token=0"),
        ("key_dim=a", "key_dim=a"),
        ("tokenizer=bpe", "tokenizer=bpe"),
        ("monkey=x", "monkey=x"),
        ("-m", "-m"),
    ],
)
def test_what_is_called_like_a_secret_is_hidden(override: str, shown: str) -> None:
    assert without_secrets(override) == shown


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "HF_TOKEN", "DB_PASSWORD_2", "AWS_SECRET_ACCESS_KEY", "a.api_key"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


def run(words: Sequence[str], cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment: Mapping[str, str] = {**os.environ, "XDG_STATE_HOME": str(cwd / "state"), **more}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def hsm(cwd: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(["-m", "hsm_core.cli.hsm", *words], cwd, **more)


@pytest.mark.parametrize("sweeper", ["basic", "hsm"])
def test_a_variable_for_the_tasks_is_in_no_file_that_others_read_and_a_resumed_sweep_has_it(
    tmp_path: Path, sweeper: str
) -> None:
    (tmp_path / "app.py").write_text(APP)
    given = [f"hydra.launcher.env.API_TOKEN={SECRET}", "hydra.launcher.env.OTHER=other-s3cr3t", "hydra.sweep.dir=s"]
    given.append(f"hydra/sweeper={sweeper}")
    done = run(["app.py", "-m", "hydra/launcher=hsm_local", "+x=1,2", *given], tmp_path)
    assert done.returncode == 3, done.stderr
    sweep = tmp_path / "s"
    holders = {path for path in sweep.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()}
    apart = SweepPaths(sweep).secrets
    others = [path for path in holders if not path.parent.is_relative_to(sweep / ".hsm" / "launch-0")]
    assert others == [apart]
    assert apart.stat().st_mode & 0o777 == 0o600
    for words in (("status", "s", "--json"), ("errors", "s"), ("command", "s", "1"), ("logs", "s"), ("tasks", "s")):
        told = hsm(tmp_path, *words)
        assert SECRET not in told.stdout + told.stderr, words
    line = hsm(tmp_path, "command", "s", "0").stdout
    again = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env={**os.environ, "API_TOKEN": "12345", "OTHER": ""}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert "secret of 5" in again.stdout, again.stderr
    (tmp_path / "mended").touch()
    resumed = hsm(tmp_path, "retry", "s")
    assert resumed.returncode == 0, resumed.stderr
    assert hsm(tmp_path, "logs", "s", "1").stdout == f"secret of {len(SECRET)}\n"


def test_a_resumed_sweeps_command_line_has_no_secret_and_its_tasks_have_the_same_values(tmp_path: Path) -> None:
    values = {
        "A": SECRET, "B": "true", "C": "8080", "D": "it's a \\'b\\\\",
        "E": "{x: 1}", "F": "null", "G": "a,b=c d",
    }  # fmt: skip
    (tmp_path / "app.py").write_text(SHOWING)
    (tmp_path / "conf" / "hydra" / "launcher").mkdir(parents=True)
    preset = yaml.safe_dump({"defaults": ["hsm_local"], "env": values})
    (tmp_path / "conf" / "hydra" / "launcher" / "mine.yaml").write_text(preset)
    words = ["app.py", "--config-dir=conf", "-m", "hydra/launcher=mine", "+x=1", "hydra.sweep.dir=s"]
    run(words, tmp_path)
    (tmp_path / "argv").unlink()
    (tmp_path / "mended").touch()
    resumed = hsm(tmp_path, "retry", "s", "--allow-changed")
    assert resumed.returncode == 0, resumed.stderr
    assert SECRET not in (tmp_path / "argv").read_text()
    assert "HSM_HIDDEN_" in (tmp_path / "argv").read_text()
    assert json.loads((tmp_path / "seen").read_text()) == values


def test_overrides_that_are_secrets_are_in_no_file_that_others_read_and_tasks_have_them(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP.replace('len(os.environ["API_TOKEN"])', "cfg.hub.api_key"))
    given = ["hydra.sweep.dir=s", f"+hub.api_key={SECRET}"]
    done = run(["app.py", "-m", "hydra/launcher=hsm_local", "+x=1,2", *given], tmp_path)
    assert done.returncode == 3, done.stderr
    sweep = tmp_path / "s"
    (tmp_path / "mended").touch()
    resumed = hsm(tmp_path, "retry", "s")
    assert resumed.returncode == 0, resumed.stderr
    assert hsm(tmp_path, "logs", "s", "1").stdout == f"secret of {SECRET}\n"
    open_to_all = [
        path for path in sweep.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
        and path.stat().st_mode & 0o077 and all(above.stat().st_mode & 0o077 for above in path.parents[:3])
    ]  # fmt: skip
    assert {path.name for path in open_to_all} == {"stdout.log"}  # the app's own words
    paths = SweepPaths(sweep)
    assert [task.overrides for task in TaskTable(paths)] == [(f"+x={x}", f"+hub.api_key={SECRET}") for x in (1, 2)]
    paths.task_lines(0, ".private").unlink()
    assert TaskTable(paths)[1].overrides == ("+x=2", f"+hub.api_key={HIDDEN}")
    refused = hsm(tmp_path, "retry", "s", "--task", "1")
    assert "task 1 is completed" in refused.stderr


def test_no_view_shows_an_override_that_is_called_like_a_secret(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP.replace("API_TOKEN", "HOME"))
    given = ["hydra.sweep.dir=s", f"+hub.api_key={SECRET}", f"hydra.launcher.env.API_TOKEN={SECRET}"]
    run(["app.py", "-m", "hydra/launcher=hsm_local", "+x=1,2", *given], tmp_path)
    for words in (
        ("status", "s"), ("status", "s", "--json"), ("errors", "s"), ("errors", "s", "--json"), ("tasks", "s"),
        ("tasks", "s", "--format", "csv"), ("tasks", "s", "--json"), ("command", "s", "1"),
        ("command", "s", "1", "--json"), ("reproduce", "s", "1"), ("results", "s"), ("export", "s"),
        ("retry", "s", "--dry-run"), ("logs", "s"),
    ):  # fmt: skip
        told = hsm(tmp_path, *words)
        assert told.returncode == 0, told.stderr
        assert SECRET not in told.stdout + told.stderr, words
    assert '+hub.api_key="${API_KEY:?}"' in hsm(tmp_path, "command", "s", "1").stdout


def test_who_can_not_read_the_values_is_told_to_set_them(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    given = [f"hydra.launcher.env.API_TOKEN={SECRET}", "hydra.sweep.dir=s"]
    run(["app.py", "-m", "hydra/launcher=hsm_local", "+x=2", *given], tmp_path)
    SweepPaths(tmp_path / "s").secrets.unlink()
    assert read_record(SweepPaths(tmp_path / "s")).app["env"] == {"API_TOKEN": HIDDEN}
    refused = hsm(tmp_path, "retry", "s", "--allow-changed")
    assert refused.returncode == 2
    assert "next: hsm resume" in refused.stderr
    assert "--set hydra.launcher.env.API_TOKEN=VALUE" in refused.stderr
    (tmp_path / "mended").touch()
    done = hsm(tmp_path, "retry", "s", "--set", "hydra.launcher.env.API_TOKEN=1234567")
    assert done.returncode == 0, done.stderr
    assert hsm(tmp_path, "logs", "s", "0").stdout == "secret of 7\n"


@pytest.mark.parametrize(
    ("modes", "expected"), [((0o644, 0o664), 0o644), ((0o644, 0o640), 0o640), ((0o600, 0o640), 0o600)]
)
def test_a_patch_is_as_private_as_the_strictest_file_in_it(
    tmp_path: Path, modes: tuple[int, int], expected: int
) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    files = [tmp_path / "a.py", tmp_path / "b.env"]
    git("init", "-q")
    for path in files:
        path.write_text("first\n")
    git("add", ".")
    git("commit", "-qm", "first")
    for path, mode in zip(files, modes, strict=True):
        path.write_text("second\n")
        path.chmod(mode)
    place = tmp_path / "sweep"
    place.mkdir()
    record_code(CodePaths(place), str(tmp_path), [])
    patch = CodePaths(place).patch
    assert b"second" in patch.read_bytes()
    assert patch.stat().st_mode & 0o777 == expected


def test_secrets_that_come_late_are_hidden_too_and_who_lacks_them_runs_nothing(tmp_path: Path) -> None:
    paths = MadeSweep(tmp_path / "s", total=0).paths
    rows = [["x=1"], ["x=2", "token=abc"], ["x=3"]]
    assert write_tasks(paths, 0, rows) == 3
    assert [list(task.overrides) for task in TaskTable(paths)] == rows
    assert paths.task_lines(0, ".private").stat().st_mode & 0o777 == 0o600
    assert "abc" not in paths.task_lines(0).read_text()
    paths.task_lines(0, ".private").unlink()
    with pytest.raises(StoreError, match="task 1 can't run without the values"):
        list(require_no_hidden(TaskTable(paths)))
