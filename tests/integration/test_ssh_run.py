"""Sweeps over real hosts behind SSH, from the command line to their files."""

from __future__ import annotations

import re
import signal
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
GATE = "gate=/tmp/seen/gate"


@pytest.fixture
def app(fleet: Fleet, weird_tmp_path: Path) -> Iterator[SshApp]:
    with_hydra(fleet)
    made = SshApp(weird_tmp_path / "app", fleet, {"h1": 2, "h2": 1})
    yield made
    made.end()


def tree(root: Path) -> dict[str, str]:
    """What a sweep left of its tasks, without paths, times and names of machines."""
    found = {}
    for path in sorted(root.glob("[0-9]*/**/*")):
        if path.is_file():
            text = re.sub(r"\d{4}-\d\d-\d\d[ _]\d\d[:-]\d\d[:-]\d\d(,\d+)?", "TIME", path.read_text("latin-1"))
            found[str(path.relative_to(root))] = re.sub(r"[^\s:]*/(?=sweep|app|code|train|conf)[^\s]*", "PATH", text)
    return found


def test_a_sweep_over_two_hosts_leaves_what_one_here_leaves(app: SshApp) -> None:
    done = app.run("x=range(6)", "bad=4", "witness=/tmp/hsm-seen")
    assert "✓ 5 completed  ✗ 1 failed" in done.stdout + done.stderr
    state = app.state()
    assert {state.node_of(number) for number in range(6)} == {"h1", "h2"}
    here = app.folder / "here"
    command = [sys.executable, "train.py", "-m", "hydra/launcher=hsm_local", "x=range(6)", "bad=4"]
    more = [f"hydra.sweep.dir={hydra_text(str(here))}", "witness=/dev/null"]
    subprocess.run([*command, *more], cwd=app.folder, capture_output=True, timeout=60, check=False)
    ours, theirs = tree(app.sweep), tree(here)
    assert ours.keys() == theirs.keys()
    # what names the launcher, or, in a traceback, where the code lies
    own = re.compile(r"hydra\.yaml|overrides\.yaml|config\.yaml|outcome|stderr\.log|^4/train\.log")
    assert {name: text for name, text in ours.items() if not own.search(name)} == {
        name: text for name, text in theirs.items() if not own.search(name)
    }
    assert app.hsm("results", str(app.sweep), "--format", "csv").stdout.count("\n") == 7


def test_an_unknown_host_is_refused_with_the_line_to_type_and_nothing_is_written(app: SshApp) -> None:
    config = app.folder / "other_config"
    known = app.folder / "no_hosts"
    text = app.fleet.ssh_config.read_text()
    config.write_text(re.sub(r"UserKnownHostsFile .*", f'UserKnownHostsFile "{known}"', text))
    done = app.run("x=1,2", f"hydra.launcher.ssh_config={hydra_text(str(config))}")
    told = done.stdout + done.stderr
    assert done.returncode == 1
    assert "h1 is not known yet" in told
    assert "next: ssh -F" in told
    assert not app.sweep.exists()


def test_a_client_that_is_killed_goes_on_and_nothing_runs_twice(app: SshApp) -> None:
    process = app.start("x=range(6)", GATE)
    app.wait_for_seen(3)
    process.kill()
    process.communicate()
    again = subprocess.Popen(
        [str(Path(sys.executable).with_name("hsm")), "resume", str(app.sweep)], cwd=app.folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    app.open_gate()
    told = again.communicate(timeout=90)[0]
    assert again.returncode == 0, told
    assert app.seen() == {f"{word} {x} 1": 1 for word in ("begin", "end") for x in range(6)}
    assert app.state().numbers_in("completed") == list(range(6))


def test_ctrl_c_ends_tasks_there_with_all_that_they_started(app: SshApp) -> None:
    process = app.start("x=range(6)", GATE, "child=true")
    app.wait_for_seen(3)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130, told
    assert app.state().numbers_in("cancelled") == list(range(6))
    for number in (1, 2):
        assert not app.fleet("exec", number, "pgrep", "-f", "sleep 987654", check=False)


@pytest.mark.slow
def test_detached_tasks_go_on_and_whoever_looks_brings_them_home(app: SshApp) -> None:
    done = app.run("x=range(5)", "hydra.launcher.detach=true")
    assert "5 tasks started; they run without this process" in done.stdout
    wait_until(lambda: app.status().count("✓ 5 completed"), 60.0)
    assert (app.sweep / "4" / "model.txt").read_text() == "2.0\n" * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strike", "undo"),
    [
        (["drop", 1], ["undrop", 1]), (["cut", 1], ["heal", 1]), (["killsshd", 1], ["startsshd", 1]),
        (["exec", 1, "pkill", "-STOP", "-x", "sshd"], ["exec", 1, "pkill", "-CONT", "-x", "sshd"]),
        (["exec", 1, "pkill", "-KILL", "-f", "sshd: sweeper"], ["heal", 1]),
    ],
    ids=["blackhole", "link-down", "sshd-dead", "sshd-hung", "session-killed"],
)  # fmt: skip
def test_what_strikes_the_link_costs_time_only(app: SshApp, strike: list[object], undo: list[object]) -> None:
    process = app.start("x=range(6)", GATE)
    app.wait_for_seen(3)
    app.fleet(*strike)
    app.open_gate()
    app.wait_for_seen(4, "end")
    app.fleet(*undo)
    told = process.communicate(timeout=110)[1]
    assert process.returncode == 0, told
    assert app.seen() == {f"{word} {x} 1": 1 for word in ("begin", "end") for x in range(6)}
    assert app.state().numbers_in("completed") == list(range(6))


@pytest.mark.slow
def test_a_full_disk_there_loses_no_word(app: SshApp) -> None:
    process = app.start("x=range(6)", GATE)
    app.wait_for_seen(3)
    app.fleet("exec", 1, "sh", "-c", "cat /dev/zero > /home/fill; true", check=False)
    app.open_gate()
    app.wait_for_seen(2, "end")
    app.fleet("exec", 1, "rm", "/home/fill")
    process.communicate(timeout=110)
    state = app.state()
    assert not state.numbers_in("lost", "pending", "queued", "running")
    for number in state.numbers_in("failed"):
        end = state.end_of(number)
        assert end is not None
        assert end.reason == "disk", end
    assert max(count for line, count in app.seen().items() if line.startswith("begin")) == 1


@pytest.mark.slow
def test_two_sweeps_share_a_host_without_a_word_to_each_other(app: SshApp) -> None:
    other = SshApp(app.folder.parent / "other", app.fleet, {"h1": 2})
    first, second = app.start("x=range(3)", GATE), other.start("x=range(10,13)", GATE)
    app.wait_for_seen(5)
    app.open_gate()
    for process in (first, second):
        told = process.communicate(timeout=110)[1]
        assert process.returncode == 0, told
    assert all(count == 1 for count in app.seen().values())
    assert len(app.seen()) == 12


@pytest.mark.slow
def test_what_a_rebooted_host_had_begun_is_tried_again(app: SshApp) -> None:
    process = app.start("x=range(5)", GATE)
    app.wait_for_seen(3)
    app.fleet("reboot", 1)
    app.fleet("exec", 1, "mkdir", "-m", "777", "/tmp/seen")
    app.open_gate()
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 0, told
    state = app.state()
    assert state.numbers_in("completed") == list(range(5))
    begun_twice = [number for number in range(5) if state.tasks[number].attempt == 2 and state.node_of(number)]
    assert len(begun_twice) >= 2, "those that ran there"
    assert sum(line.startswith("end") for line in app.seen()) == 5


@pytest.mark.slow
def test_a_study_of_optuna_imports_the_app_once_a_host(app: SshApp) -> None:
    """Its sweeper's config is known here only: hosts have nothing but Hydra."""
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    study = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=3", "x=interval(-5,5)"]
    done = app.run(*study, "flat=true", "hydra.sweeper.sampler.seed=1")
    assert done.returncode == 0, done.stderr
    state = app.state()
    assert state.numbers_in("completed") == list(range(6))
    assert len(list(state.workers())) == 2
    assert "best_value" in (app.sweep / "optimization_results.yaml").read_text()


@pytest.mark.slow
def test_what_the_config_names_and_a_host_lacks_is_told_before_anything_runs(app: SshApp) -> None:
    done = app.run("x=1", f"+data={hydra_text(str(app.folder.parent))}", "+there=/etc")
    assert f"warning: h1 does not have what the config names here: data={app.folder.parent}\n" in done.stderr
    assert "there=/etc" not in done.stderr
