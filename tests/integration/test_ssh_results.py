"""Files of tasks on real hosts come home when they are wanted, and stay there until then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from tests.integration.ssh_sweeping import SshApp, with_hydra
from tests.services.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.sshd


@pytest.fixture
def app(fleet: Fleet, weird_tmp_path: Path) -> Iterator[SshApp]:
    with_hydra(fleet)
    made = SshApp(weird_tmp_path / "app", fleet, {"h1": 2})
    yield made
    made.end()


def test_files_that_stay_are_counted_and_pulled_later(app: SshApp) -> None:
    done = app.run("x=range(3)", "hydra.launcher.results.exclude=['*.txt']")
    assert done.returncode == 0, done.stderr
    model = [app.sweep / str(number) / "model.txt" for number in range(3)]
    assert not any(path.exists() for path in model)
    assert "h1: 3 files of 3 tasks stay there, 36 bytes: hsm pull" in app.status()
    assert "h1: 3 files of 3 tasks stay there" in app.hsm("results", str(app.sweep)).stderr
    told = app.hsm("pull", str(app.sweep), "--dry-run")
    assert (told.returncode, told.stdout) == (0, "".join(f"task {n}: 1 file, 12 bytes on h1\n" for n in range(3)))
    assert app.hsm("pull", str(app.sweep), "--task", "1").returncode == 0
    assert [path.exists() for path in model] == [False, True, False]
    app.fleet("exec", 1, "sh", "-c", "rm -r /home/sweeper/.local/share/hsm/sweeps/*/2")
    told = app.hsm("pull", str(app.sweep))
    assert told.returncode == 1
    assert "task 2: its directory is no longer on h1" in told.stderr
    assert model[0].read_text() == "0.0\n" * 3
    assert "1 file of 1 task stay" in app.status()


@pytest.mark.slow
def test_what_detached_tasks_wrote_is_pulled_after_the_launcher_has_gone(app: SshApp) -> None:
    done = app.run("x=range(3)", "hydra.launcher.detach=true", "gate=/tmp/seen/gate")
    assert done.returncode == 0, done.stderr
    app.wait_for_seen(2)
    told = app.hsm("pull", str(app.sweep))
    assert "3 tasks of" in told.stderr, told
    assert (app.sweep / "0" / ".hsm" / "stdout.log").read_text().startswith("hello 0\n")
    app.open_gate()
    app.wait_for_seen(3, "end")
    wait_until(lambda: "are here" in app.hsm("pull", str(app.sweep)).stderr, 60.0)
    told = app.hsm("pull", str(app.sweep))  # finds nothing to do
    assert (told.returncode, told.stdout) == (0, "")
    assert (app.sweep / "2" / "model.txt").read_text() == "1.0\n" * 3


def test_a_log_is_followed_though_nobody_else_brings_it_home(app: SshApp) -> None:
    done = app.run("x=range(2)", "hydra.launcher.detach=true", "gate=/tmp/seen/gate")
    assert done.returncode == 0, done.stderr
    with app.start_hsm("logs", str(app.sweep), "1", "-f") as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "hello 1\n"
        app.open_gate()
        assert "x is 1" in follower.stdout.read()
    assert follower.returncode == 0
    assert (app.sweep / "1" / "model.txt").is_file()
    assert "completed" in app.hsm("logs", str(app.sweep)).stdout


@pytest.mark.slow
def test_what_is_home_can_be_removed_there(app: SshApp) -> None:
    host = ["--host", "h1", "--ssh-config", str(app.fleet.ssh_config)]
    sweeps = "/home/sweeper/.local/share/hsm/sweeps"
    app.fleet("exec", 1, "sh", "-c", f"chmod -R u+w {sweeps}; rm -rf {sweeps}")
    assert app.run("x=range(2)", "hydra.launcher.results.exclude=['*.txt']").returncode == 0
    name = app.state().record.id
    told = app.hsm("clean", *host)
    assert f"✗ sweep {name}: " in told.stdout, told
    assert "completed, files of 2 tasks not here" in told.stdout
    refused = app.hsm("clean", name, *host, "--yes")
    assert refused.returncode == 1
    assert f"{name} stays there: files of 2 tasks not here" in refused.stderr
    assert app.hsm("pull", str(app.sweep)).returncode == 0
    assert f"✓ sweep {name}: " in app.hsm("clean", *host).stdout
    (app.sweep / "1" / "model.txt").write_text("changed")
    assert "completed, 1 file not here as there, such as 1/model.txt" in app.hsm("clean", *host).stdout
    refused = app.hsm("clean", name, *host, "--yes")
    assert "--force    # removes it all the same" in refused.stderr
    shutil.rmtree(app.sweep / "1")
    app.fleet("exec", 1, "rm", "-r", f"{sweeps}/{name}/1")
    app.fleet("exec", 1, "touch", f"{sweeps}/{name}/by_itself")
    assert "1 file not here as there, such as by_itself" in app.hsm("clean", *host).stdout
    app.fleet("exec", 1, "rm", f"{sweeps}/{name}/by_itself")
    done = app.hsm("clean", *host, "--yes")
    assert f"removed sweep {name}, " in done.stdout, done
    assert not app.fleet("exec", 1, "ls", sweeps)
    assert app.state().numbers_in("completed") == [0, 1]


@pytest.mark.slow
def test_a_sweep_that_succeeded_leaves_no_results_there(app: SshApp) -> None:
    sweeps = "/home/sweeper/.local/share/hsm/sweeps"
    app.fleet("exec", 1, "sh", "-c", f"chmod -R u+w {sweeps}; rm -rf {sweeps}")
    done = app.run("x=range(2)", "bad=1")
    assert done.returncode == 3, done.stderr
    name = app.state().record.id
    assert app.fleet("exec", 1, "ls", sweeps).split() == [name], "a task failed"
    app.fleet("exec", 1, "rm", "-r", f"{sweeps}/{name}")
    app.sweep = app.folder / "second"
    assert app.run("x=range(2)").returncode == 0
    assert not app.fleet("exec", 1, "ls", sweeps)
    assert (app.sweep / "1" / "model.txt").read_text() == "0.5\n" * 3
    assert all(writer.sealed for writer in app.state().workers())
    app.sweep = app.folder / "third"
    assert app.run("x=1", "hydra.launcher.cleanup=never").returncode == 0
    assert app.fleet("exec", 1, "ls", sweeps).split() == [app.state().record.id]


ODD = '''
import os
import hydra

@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    os.makedirs("empty/below")
    os.makedirs("a\\nb/it's; $HOME")
    for name in ("a\\nb/it's; $HOME/-rf", "ü☂", ".hidden", "run.sh", "nothing"):
        with open(name, "w") as stream:
            stream.write("" if name == "nothing" else name)
    os.chmod("run.sh", 0o750)
    os.mkdir("closed", 0o700)
    os.symlink("a\\nb/it's; $HOME/-rf", "last")
    os.symlink("empty", "to_folder")
    os.symlink("gone", "dangling")
    return 1.0

main()
'''


def left(folder: Path) -> dict[str, tuple[str, int, str]]:
    """What a task left of its own: kind, permissions, and content or target."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name, mode = str(path.relative_to(folder)), path.lstat().st_mode & 0o777
        if name.startswith((".hsm", ".hydra")) or name == "train.log":
            continue
        if path.is_symlink():
            found[name] = "link", 0, os.readlink(path)
        else:
            found[name] = ("folder", mode, "") if path.is_dir() else ("file", mode, path.read_text())
    return found


@pytest.mark.slow
def test_odd_names_links_and_permissions_are_as_if_it_had_run_here(app: SshApp) -> None:
    (app.folder / "train.py").write_text(ODD)
    done = app.run("x=1")
    assert done.returncode == 0, done.stderr
    here = app.folder / "here"
    command = [sys.executable, "train.py", "-m", "hydra/launcher=hsm_local", "x=1"]
    subprocess.run([*command, f"hydra.sweep.dir={hydra_text(str(here))}"], cwd=app.folder, check=True, timeout=60)
    assert left(app.sweep / "0") == left(here / "0")
    assert len(left(here / "0")) == 13
