"""Every way to write and start a Hydra app: its tasks see and write the same as under the basic launcher."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from hsm_core.errors import VersionMismatch
from hsm_core.hydra_bridge.task.values import dumps, loads
from tests.integration.apps.comparing import APPS, PLAIN_LOG, Ran, hydra_text, python, run_both

ON_13 = version("hydra-core").startswith("1.3")
LOGGING = PLAIN_LOG


@pytest.fixture
def app(weird_tmp_path: Path) -> Path:
    """The script in a directory with a hard name."""
    shutil.copytree(APPS / "script", weird_tmp_path / "the app")
    return weird_tmp_path / "the app"


def seen(ran: Ran, task: str = "0") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.files[f"{task}/seen.json"])
    return found


def run_script(
    app: Path, *overrides: str, sweep: Path | None = None, cwd: Path | None = None, **env: str
) -> tuple[Ran, Ran]:
    where = sweep or app / "sweep"
    both = run_both(
        python(app / "train.py"),
        cwd or app,
        where,
        [f"hydra.sweep.dir={hydra_text(where)}", LOGGING, *overrides],
        env,
    )
    both[0].same_as(both[1])
    return both


def test_a_decorated_function_of_a_script_in_another_directory(app: Path) -> None:
    """With a module next to it, resolvers, structured configs, own classes, a relative sweep directory."""
    away = app.parent / "away"
    away.mkdir()
    overrides = [
        "hydra.sweep.dir=the/sweep",
        LOGGING,
        "lr=0.1,0.2",
        "model.width=5",
        "+hydra.job.env_set.SET_BY_HYDRA=1",
    ]
    copied = "hydra.job.env_copy=[COPIED]"
    both = run_both(
        python("../the app/train.py"), away, away / "the" / "sweep", [*overrides, copied],
        {"COPIED": "a 'b' $c", "VERSION_BASE": "null"},
    )  # fmt: skip
    both[0].same_as(both[1])
    found = seen(both[1], "1")
    assert found["kind"] == "decorated"
    assert found["cfg"]["thrice"] == 15
    assert found["cfg"]["number"] == 1
    assert found["net"]
    assert found["fields"] == ["lr", "text", "thrice", "number", "model"]
    assert found["env"] == {"SET_BY_HYDRA": "1", "COPIED": "a 'b' $c"}
    assert found["original_cwd"] == found["cwd"] == str(away)
    assert found["main"] == str(app / "train.py")
    assert found["neighbour"] == [str(app / "neighbour.py"), 2.0]
    assert both[1].files["1/train.log"] == b"[__main__][INFO] decorated: lr=0.2\n"


def test_a_closure_with_callbacks_one_of_which_raises(app: Path) -> None:
    callbacks = [
        "+hydra.callbacks.noting._target_=__main__.Noting",
        "+hydra.callbacks.bad._target_=__main__.Raising",
    ]
    _, ours = run_script(
        app, "lr=0.1", *callbacks, "hydra.job.chdir=true", KIND="closure", VERSION_BASE='"1.3"'
    )
    assert ours.code == 0
    assert ours.files["0/job_start"] == b"closure"
    assert ours.files["0/job_end"].startswith(b"JobStatus.COMPLETED")
    assert "0/in_cwd.txt" in ours.files
    assert "a callback that raises" in (app / "sweep/0/.hsm/stderr.log").read_text()


@pytest.mark.slow
def test_verbose_logs_and_a_directory_named_by_overrides(app: Path) -> None:
    subdir = "hydra.sweep.subdir='n${hydra.job.num} ${hydra.job.override_dirname}'"
    _, ours = run_script(app, "lr=0.1", 'text="it\'s; é"', "hydra.verbose=true", subdir)
    (name,) = [name for name in ours.files if name.endswith("train.log")]
    assert name.startswith("n0 lr=0.1,text=")
    assert b"[DEBUG] verbose" in ours.files[name]


@pytest.mark.parametrize(
    "logging",
    [
        pytest.param("hydra/hydra_logging=disabled", id="disabled"),
        pytest.param("hydra/hydra_logging=none", id="none", marks=pytest.mark.slow),
    ],
)
def test_without_hydras_logs_and_subdirectory(app: Path, logging: str) -> None:
    quiet = [logging, "hydra/job_logging=none", "hydra.output_subdir=null"]
    where = app / "sweep"
    command = [*python(app / "train.py")]
    both = run_both(command, app, where, [f"hydra.sweep.dir={hydra_text(where)}", "lr=0.1,0.2", *quiet])
    both[0].same_as(both[1])
    in_cwd = {"0/in_cwd.txt", "1/in_cwd.txt"} if ON_13 else set()
    assert set(both[1].files) == {"0/seen.json", "1/seen.json", "multirun.yaml", *in_cwd}


BASES = [None, "null", '"1.3"', *(['"1.1"', '"1.2"'] if ON_13 else [])]


@pytest.mark.slow
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("chdir", ["true", "false", None])
def test_the_working_directory_is_hydras(app: Path, chdir: str | None, base: str | None) -> None:
    env = {} if base is None else {"VERSION_BASE": base}
    _, ours = run_script(app, "lr=0.1", *([] if chdir is None else [f"hydra.job.chdir={chdir}"]), **env)
    inside = chdir == "true" or (chdir is None and ON_13 and base in (None, '"1.1"'))
    assert seen(ours)["cwd"] == (str(app / "sweep" / "0") if inside else str(app))


@pytest.fixture
def package(weird_tmp_path: Path) -> Path:
    shutil.copytree(APPS / "package", weird_tmp_path / "site")
    return weird_tmp_path / "site"


def run_package(package: Path, command: list[str]) -> Ran:
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    away = package.parent / "away"
    away.mkdir()
    both = run_both(
        command,
        away,
        away / "sweep",
        ["hydra.sweep.dir=sweep", "lr=1,2", "db=small,large"],
        {"PYTHONPATH": path},
    )
    assert both[1].files.keys() >= {"0/seen.json", "3/.hydra/config.yaml"}
    assert both[0].files["2/.hydra/config.yaml"] == both[1].files["2/.hydra/config.yaml"]
    assert [seen(both[1], str(task))["size"] for task in range(4)] == [1, 1000, 1, 1000]
    for ran in both:
        assert [seen(ran, str(task))["argv"] for task in range(4)] == [seen(both[0])["argv"]] * 4
    return both[1]


def test_an_installed_console_script(package: Path) -> None:
    """Its function lies in a module with a lock: the module is imported, not pickled."""
    script = package.parent / "tool"
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom tool.app import main\nsys.exit(main())\n")
    ran = run_package(package, python(script))
    assert [seen(ran, str(task))["calls"] for task in range(2)] == [[1, [1], True], [1, [1], True]]
    assert seen(ran)["locked"]


@pytest.mark.slow
def test_python_dash_m(package: Path) -> None:
    ran = run_package(package, [sys.executable, "-m", "tool.app"])
    assert seen(ran)["calls"][0] == 1
    assert seen(ran)["name"] == "app"


def outcomes(folder: Path, name: str, *overrides: str) -> list[Any]:
    """What the tasks of an app returned."""
    shutil.copytree(APPS / name, folder, dirs_exist_ok=True)
    done = subprocess.run(
        [*python("app.py"), "-m", "hydra/launcher=hsm_local", "hydra.sweep.dir=sweep", *overrides],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = sorted(folder.glob("sweep/*/.hsm/outcome.json"))
    return [json.loads(file.read_text())["value"] for file in files]


def test_hydra_zens_main_with_configs_of_classes_of_the_script(weird_tmp_path: Path) -> None:
    found = outcomes(weird_tmp_path, "zen", "net=narrow,wide", "lr=0.1")
    assert found == [{"is_net": True, "width": width, "lr": 0.1} for width in (1, 9)]
    record = next(weird_tmp_path.glob("**/sweep/.hsm/sweep.json"))
    assert json.loads(record.read_text())["name"] == "app"  # the job's is that of a file of hydra-zen


@pytest.mark.parametrize(
    "isolation",
    ["auto", pytest.param("spawn", marks=pytest.mark.slow), pytest.param("none", marks=pytest.mark.slow)],
)
def test_a_task_may_start_processes_that_import_the_script(weird_tmp_path: Path, isolation: str) -> None:
    found = outcomes(weird_tmp_path, "processes", "+x=2,3", f"hydra.launcher.isolation={isolation}")
    assert found == [{"spawned": {"x": square}, "forked": {"x": square}} for square in (4, 9)]


# what comes back


def test_a_return_value_of_another_python_is_not_loaded() -> None:
    theirs, pickled = pickle.loads(dumps({"a": 1}))
    assert loads(pickle.dumps((theirs, pickled))) == ({"a": 1}, {})
    with pytest.raises(VersionMismatch, match=r"python 2\.7 there, 3\.\d+ here"):
        loads(pickle.dumps(({**theirs, "python": "2.7"}, b"never looked at")))


def returned(folder: Path, launcher: str, *kinds: str) -> dict[str, Any]:
    shutil.copytree(APPS / "returns", folder / launcher, dirs_exist_ok=True)
    path = os.pathsep.join([str(folder / launcher), os.environ.get("PYTHONPATH", "")])
    command = [*python(folder / launcher / "returning.py"), launcher, ",".join(kinds)]
    done = subprocess.run(
        [*command, f"hydra.sweep.dir={hydra_text(folder / 'sweep')}"], cwd=folder,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


VALUES = [
    "none",
    "number",
    "nested",
    "tuple",
    "keys",
    "array",
    "scalar",
    "point",
    "not a number",
    "bytes",
    "set",
    "class",
]


@pytest.mark.slow
def test_job_returns_are_those_of_the_basic_launcher(weird_tmp_path: Path) -> None:
    basic = returned(weird_tmp_path, "basic", *VALUES, "two", "chained")
    shutil.rmtree(weird_tmp_path / "sweep")
    ours = returned(weird_tmp_path, "hsm_local", *VALUES, "two", "chained")
    for expected, got, copy in zip(basic["jobs"], ours["jobs"], ours["copies"], strict=True):
        traces = expected.pop("trace", ""), got.pop("trace", "")
        copy.pop("trace", "")
        assert got == expected
        assert copy == expected
        assert all("in task\n" in trace for trace in traces) or not any(traces)
    assert [job["status"] for job in ours["jobs"]] == ["COMPLETED"] * len(VALUES) + ["FAILED"] * 2
    assert [job.get("known") for job in ours["jobs"][-2:]] == [True, True]


def test_failures_that_cannot_come_back_as_they_were(weird_tmp_path: Path) -> None:
    odd, left, killed = returned(weird_tmp_path, "hsm_local", "odd", "exit", "killed")["jobs"]
    assert odd["raised"] == ["builtins", "RuntimeError", "Remote oddities.Unloadable: acht"]
    assert "in task\n" in odd["trace"]
    assert left["raised"] == ["builtins", "RuntimeError", "Remote builtins.SystemExit: 3"]
    assert killed["raised"][1] == "SweepFailed"
    assert "code 9" in killed["raised"][2]


@pytest.mark.usefixtures("unmeasured")
def test_what_cannot_be_pickled_is_named_before_anything_starts(weird_tmp_path: Path) -> None:
    script = weird_tmp_path / "locked.py"
    script.write_text(
        "import threading, hydra\n"
        "def made(lock):\n    def main(cfg):\n        with lock: pass\n    return main\n"
        "hydra.main(version_base=None, config_path=None)(made(threading.Lock()))()\n"
    )
    done = subprocess.run(
        [*python(script), "-m", "hydra/launcher=hsm_local", "+a=1"], cwd=weird_tmp_path, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the task function made.<locals>.main can't be sent to a worker" in done.stderr
    assert "Traceback" not in done.stderr
