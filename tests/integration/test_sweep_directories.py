"""Sweeps that follow one another in a directory, that begin at once, and directories that resolvers make up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text, quoted
from hsm_core.store.layout import SweepPaths, TaskPaths
from hsm_core.store.record import read_record
from tests.waiting import wait_until

from .as_basic import hsm, write_app

APP = """
    import os, sys, time, uuid, hydra
    from pathlib import Path
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("uid", lambda: uuid.uuid4().hex[:8])

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg):
        out = Path(HydraConfig.get().runtime.output_dir)
        (out / f"x{cfg.x}.txt").write_text("")
        print("printed", cfg.x, flush=True)
        if cfg.fail:
            raise ValueError(f"bad {cfg.x}")
        while cfg.gate and not os.path.exists(cfg.gate):
            time.sleep(0.02)
        return {"score": cfg.x}

    main()
"""


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    write_app(weird_tmp_path, {"app.py": APP, "conf/config.yaml": "x: 1\ngate: ''\nfail: false\nmodel: a\n"})
    return weird_tmp_path


def start(app: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "app.py", "-m", "hydra/launcher=hsm_local", *words], cwd=app, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(app: Path, *words: str) -> tuple[int, str]:
    """Exit code and standard error of a sweep."""
    process = start(app, *words)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def begun(app: Path) -> bool:
    return any(app.glob("sweep*/0/.hsm/stdout.log"))


@pytest.mark.parametrize("sweeper", ["basic", "hsm"])
def test_a_directory_is_used_again_and_the_earlier_sweep_is_readable(app: Path, sweeper: str) -> None:
    words = (f"hydra/sweeper={sweeper}", "hydra.sweep.dir=sweep")
    paths, found = SweepPaths(app / "sweep"), []
    for more, code in ((("x=1,2,3",), 0), (("x=4,5", "fail=true"), 3), (("x=6,7",), 0)):
        assert run(app, *words, *more)[0] == code
        found.append(read_record(paths).id)
    first, second, latest = found
    assert sorted(path.name for path in (paths.hsm / "earlier").iterdir()) == sorted([first, second])
    assert [row["score"] for row in rows(app, first)] == [1, 2, 3]
    assert [row["score"] for row in rows(app, latest)] == [6, 7]
    assert [hsm(app, "logs", one, "0").stdout for one in (first, second, latest)] == [
        "printed 1\n", "printed 4\n", "printed 6\n",
    ]  # fmt: skip
    assert "return values only, as a later sweep uses its directory" in hsm(app, "results", first).stderr
    assert "ValueError: bad 5" in hsm(app, "logs", second, "1", "--stderr").stdout
    assert "ValueError" in hsm(app, "errors", second).stdout
    assert "nothing failed" in hsm(app, "errors", latest).stderr
    assert hsm(app, "logs", first, "2").stdout == "printed 3\n"
    status = subprocess.run(
        [sys.executable, "-m", "hsm_core.cli.status", first], cwd=app, capture_output=True, text=True, check=False
    )
    assert "3 completed" in status.stdout
    refused = hsm(app, "retry", second)
    assert refused.returncode == 2
    assert "a later sweep uses its directory" in refused.stderr
    task = TaskPaths(app / "sweep" / "0")
    assert sorted(path.name for path in task.root.iterdir()) == [
        ".hsm", ".hydra", "app.log", "x1.txt", "x4.txt", "x6.txt",
    ]  # fmt: skip
    assert sorted(path.name for path in task.of_sweep(first).root.iterdir()) == [".hsm", ".hydra", "app.log"]


def rows(app: Path, sweep: str) -> list[dict[str, object]]:
    found = hsm(app, "results", sweep, "--format", "jsonl").stdout
    return [json.loads(line) for line in found.splitlines()]


@pytest.mark.usefixtures("unmeasured")
def test_an_unfinished_or_living_sweep_keeps_its_directory(app: Path) -> None:
    words = ("hydra.sweep.dir=sweep", f"gate={hydra_text(str(app / 'gate'))}")
    first = start(app, *words, "x=1,2")
    wait_until(lambda: begun(app))
    multirun = (app / "sweep" / "multirun.yaml").read_bytes()
    code, err = run(app, *words, "x=3,4")
    assert code == 1
    assert "is not finished" in err
    assert "Traceback" not in err
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=20)
    identifier = read_record(SweepPaths(app / "sweep")).id
    code, err = run(app, *words, "x=3,4")
    assert code == 1
    assert f"hsm resume {quoted(str(app / 'sweep'))}" in err
    assert (app / "sweep" / "multirun.yaml").read_bytes() == multirun
    assert hsm(app, "cancel", identifier, "--yes").returncode == 0
    (app / "gate").touch()
    assert run(app, *words, "x=3,4")[0] == 0
    assert read_record(SweepPaths(app / "sweep")).id != identifier


@pytest.mark.parametrize("sweeper", ["basic", "hsm"])
def test_sweeps_of_the_same_second_have_directories_of_their_own(app: Path, sweeper: str) -> None:
    stamp = "sweeps/${now:%Y-%m-%d}/${now:%Y}S"  # a second is too short for a test: this one lasts a year
    words = (f"hydra/sweeper={sweeper}", f"hydra.sweep.dir='{stamp}'", f"gate={hydra_text(str(app / 'gate'))}")
    both = [start(app, *words, f"x={first},{first + 1}") for first in (1, 3, 5)]
    wait_until(lambda: len(list((app / "sweeps").rglob("stdout.log"))) == 6, timeout=60)
    (app / "gate").touch()
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    found = sorted((app / "sweeps").glob("*/*S*"))
    assert [path.name[5:] for path in found] == ["", "-2", "-3"]
    for path in found:
        tasks = [sorted(int(name.stem[1:]) for name in (path / str(n)).glob("x*.txt")) for n in (0, 1)]
        assert [len(task) for task in tasks] == [1, 1]
        assert tasks[0][0] + 1 == tasks[1][0]
        assert f"x={tasks[0][0]},{tasks[1][0]}" in (path / "multirun.yaml").read_text()
        again = hsm(app, "resume", str(path), "--dry-run")
        assert "nothing to run" in again.stderr + again.stdout or again.returncode == 0
        assert read_record(SweepPaths(path)).command


def test_a_directory_that_a_resolver_makes_up_is_one(app: Path) -> None:
    code, err = run(app, "hydra.sweep.dir='sweeps/${model}-${uid:}'", "x=1,2", "hydra/sweeper=hsm")
    assert code == 0, err
    found = list((app / "sweeps").iterdir())
    assert len(found) == 1
    assert sorted(path.name for path in found[0].iterdir()) == [".hsm", "0", "1", "multirun.yaml"]


def test_a_directory_may_depend_on_the_task(app: Path) -> None:
    code, err = run(app, "hydra.sweep.dir='sweeps/${model}-${uid:}'", "model=a,b")
    assert code == 0, err
    names = sorted(path.name for path in (app / "sweeps").iterdir())
    assert [name[0] for name in names] == ["a", "b"]
    assert names[0][1:] == names[1][1:]
    assert (app / "sweeps" / names[1] / "1" / "x1.txt").exists()


def test_what_does_not_begin_leaves_nothing(app: Path) -> None:
    code, _ = run(app, "hydra/sweeper=hsm", "hydra.sweep.dir=deep/sweep", "nothing=1,2")
    assert code == 1
    assert not (app / "deep").exists()
    assert run(app, "hydra/sweeper=hsm", "hydra.sweep.dir=deep/sweep", "x=1,2", "hydra.sweeper.dry_run=true")[0] == 0
    assert not (app / "deep").exists()


def test_where_a_sweep_was_put_aside_in_part_the_next_one_goes_on(app: Path) -> None:
    assert run(app, "hydra.sweep.dir=sweep", "x=1,2")[0] == 0
    paths = SweepPaths(app / "sweep")
    first = read_record(paths).id
    aside = SweepPaths(paths.root, first)
    aside.hsm.mkdir(parents=True)
    os.rename(paths.events, aside.events)
    assert run(app, "hydra.sweep.dir=sweep", "x=3,4")[0] == 0
    assert [row["score"] for row in rows(app, first)] == [1, 2]
