"""What is called of jobs that Slurm has forgotten, or never speaks of: never a cancellation without a witness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.queue_sweeping import finish
from tests.integration.slurm_sweeping import SlurmApp, ask, slurm_app, words, wrapped
from tests.services.cluster import running_cluster
from tests.waiting import wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture
def app(weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmApp]:
    """On a cluster of its own that forgets what has ended within seconds."""
    with running_cluster(HSM_MINJOBAGE=2) as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.conf)
        with slurm_app(weird_tmp_path, cluster) as app:
            yield app


def told(app: SlurmApp) -> list[tuple[str, str]]:
    """State and reason of each task."""
    tasks = json.loads(app.hsm("tasks", str(app.sweep), "--json").stdout)["tasks"]
    return [(one["state"], one["reason"]) for one in tasks]


def reasons_of_errors(app: SlurmApp) -> dict[int, str]:
    causes = json.loads(app.hsm("errors", str(app.sweep), "--json").stdout)["failures"]
    return {task: cause["reason"] for cause in causes for task in cause["tasks"]}


@pytest.mark.parametrize("setup", ["exec /nosuch/python", "echo worn out; exit 7"])
def test_a_detached_job_that_failed_and_was_forgotten_could_not_be_launched(app: SlurmApp, setup: str) -> None:
    done = app.run("x=range(2)", "hydra.launcher.detach=true", f"hydra.launcher.setup=[{json.dumps(setup)}]")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not words(), timeout=60, what="Slurm to forget its jobs")
    assert {reason for _, reason in told(app)} == {"launch"}
    assert {state for state, _ in told(app)} <= {"pending", "failed"}
    assert reasons_of_errors(app) == {0: "launch", 1: "launch"}
    text = app.hsm("errors", str(app.sweep)).stdout
    assert ("worn out" if "worn" in setup else "No such file") in text
    found = app.hsm("retry", str(app.sweep), "--error", "launch", "--dry-run").stderr
    assert "would run 2 tasks: 0-1" in found


def test_a_wiped_controller_has_cancelled_nothing(app: SlurmApp) -> None:
    done = app.run("x=range(3)", "hydra.launcher.detach=true", "hydra.launcher.array_parallelism=1", gate=True)
    assert done.returncode == 0, done.stderr
    app.wait_for_begun(1)
    assert told(app) == [("running", None), ("queued", None), ("queued", None)]
    app.cluster("stop-ctld")
    for state in Path(app.cluster.base, "state").glob("job_state*"):
        state.unlink()
    app.cluster("start-ctld")
    wait_until(lambda: not words(), what="a controller that knows no jobs")
    wait_until(lambda: told(app)[0] == ("lost", "unknown"), timeout=90, what="the end of what ran", every=1.0)
    wait_until(lambda: told(app)[1][0] == "pending", timeout=90, what="the end of what waited", every=1.0)
    assert "cancelled" not in {word for pair in told(app) for word in pair}
    assert reasons_of_errors(app) == {number: reason for number, (_, reason) in enumerate(told(app))}
    app.open_gate()
    assert app.resume().returncode == 0
    assert app.states() == {"completed": 3}


@pytest.mark.parametrize("body", ["exit 0", '"$REAL" "$@" | head -n 2', '"$REAL" "$@" | head -c 90'])
def test_what_waits_is_not_submitted_again_because_squeue_is_cut(
    app: SlurmApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    script = f'[ -e {tmp_path}/open ] || {{ {body}; exit; }}\nexec "$REAL" "$@"'
    monkeypatch.setenv("PATH", wrapped(tmp_path / "bin", "squeue", script))
    process = app.start("x=range(3)", "hydra.launcher.array_parallelism=1")
    app.wait_for_begun(1)
    wait_until(lambda: app.states() == {"running": 1, "queued": 2}, what="the state of the three")
    looked = len(app.handed())
    ask("sleep", 15)
    assert app.states() == {"running": 1, "queued": 2}
    assert len(app.handed()) == looked == 1
    app.open_gate()
    (tmp_path / "open").touch()
    code, _, err = finish(process)
    assert code == 0, err
    assert app.states() == {"completed": 3}
    assert {x: len(found) for x, found in app.intervals().items()} == {0: 1, 1: 1, 2: 1}
