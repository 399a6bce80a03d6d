"""Where Hydra can't compose because something of ours is misplaced, the user reads which word to type."""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter")

FILES = {
    "config.yaml": "lr: 1\nseed: 0\n",
    "sweep/a.yaml": "defaults: [override /hydra/sweeper: hsm]\nhydra: {sweeper: {grid: {lr: [1, 2]}}}\n",
    "sweep/b.yaml": "defaults: [override /hydra/launcher: hsm_local]\nhydra: {launcher: {slots: 2}}\n",
    "sweep/pairs.yaml": "defaults: [override /hydra/sweeper: hsm]\n"
    "hydra: {sweeper: {paired: {p: {data: [a, b], data.noise: [1, 2]}}}}\n",
    "sweep/bare.yaml": "hydra: {sweeper: {grid: {lr: [1, 2]}}}\n",
    "sweep/slots.yaml": "hydra: {launcher: {slots: 2}}\n",
    "sweep/typo.yaml": "defaults: [override /hydra/launcher: hsm_locl]\n",
    "sweep/value.yaml": "defaults: [override /hydra/launcher: hsm_local]\nhydra: {launcher: {slots: many}}\n",
    "sweep/list.yaml": "defaults: [override /hydra/sweeper: hsm]\n"
    "hydra: {sweeper: {grid: [{lr: [1]}, {seed: [1, 2]}]}}\n",
    "sweep/braces.yaml": "defaults: [override /hydra/sweeper: hsm]\nhydra: {sweeper: {grid: {lr: ${seed}}}}\n",
    "sweep/open.yaml": "defaults: [override /hydra/sweeper: hsm]\nhydra: {sweeper: {grid: {lr: [1, 2\n",
    "sweep/tab.yaml": "defaults: [override /hydra/launcher: hsm_local]\nhydra:\n\tslots: 2\n",
    "sweep/tags.yaml": "defaults: [override /hydra/launcher: hsm_local]\nhydra: {launcher: {tags: {a: 1}}}\n",
    "sweep/env.yaml": "defaults: [override /hydra/launcher: hsm_local]\nhydra: {launcher: {env: [A=1]}}\n",
    "model/x.yaml": "defaults: [override /hydra/sweeper: basic]\nlr: 2\n",
    "model/y.yaml": "defaults: [override /hydra/launcher: basic]\nlr: 3\n",
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    for name, text in FILES.items():
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# @package _global_\n{text}")
    return tmp_path


def run(app: Path, *arguments: str) -> list[float]:
    ran: list[float] = []

    @hydra.main(version_base="1.3", config_path=str(app / "conf"), config_name="config")
    def main(config: DictConfig) -> None:
        ran.append(config.lr)

    before, sys.argv = sys.argv, ["train.py", *arguments]
    try:
        main()
    finally:
        sys.argv = before
        GlobalHydra.instance().clear()
    return ran


@pytest.mark.parametrize(
    ("line", "problem", "fix"),
    [
        ("-m +sweep=a,b", "+sweep=a,b runs each file as one task", "'+sweep=[a,b]' "),
        (
            "-m +sweep=pairs hydra.sweeper.paired.p.data.noise=[3,4]",
            "Hydra reads hydra.sweeper.paired.p.data.noise as a key of the list 'data'",
            "'hydra.sweeper.paired.p={data.noise: [3,4]}'",
        ),
        ("-m +sweep=choice(a,b)", "runs each file as one task", "'+sweep=[a,b]' "),
        ("-m +sweep=glob([a,b])", "runs each file as one task", "'+sweep=[a,b]' "),
        ("-m +sweep=[a],[b]", "runs each file as one task", "'+sweep=[a,b]' "),
        ("+sweep=a,b", "runs each file as one task", "'+sweep=[a,b]' "),
        ("-m +sweep=b,slots", "runs each file as one task", "hydra/launcher=hsm_local"),
        ("-m hydra.sweeper.grid.seed=range(0,2)", "would sweep Hydra's own settings", "'seed=range(0,2)' "),
        ("-m hydra.sweeper.grid.m.lr=1,2", "would sweep Hydra's own settings", "m.lr=1,2 "),
        ("-m hydra.sweeper.paired.x.seed=1,2", "would sweep Hydra's own settings", "seed=1,2 "),
        ("-m hydra.launcher.slots=range(1,3)", "would sweep Hydra's own settings", "hydra.launcher.slots=1 "),
        ("-m hydra.launcher.slots=interval(1,3)", "would sweep Hydra's own settings", "hydra.launcher.slots=… "),
        ("-m hydra/launcher=hsm_local hydra.sweeper.name=x", "needs the sweeper hsm", "hydra.launcher.name=x"),
        ("-m +sweep=b hydra.sweeper.name=x", "needs the sweeper hsm", "hydra.launcher.name=x"),
        ("-m hydra/launcher=hsm_local hydra.sweeper.sample=2", "needs the sweeper hsm", "hydra/sweeper=hsm"),
        ("-m hydra.sweeper.name=x", "needs the sweeper hsm", "hydra/sweeper=hsm"),
        ("-m +hydra.sweeper.grid.lr=[1]", "hydra.sweeper.grid needs the sweeper hsm", "hydra/sweeper=hsm"),
        ("-m hydra.sweeper.gird.lr=[1]", "no field 'gird'", "hydra/sweeper=hsm 'hydra.sweeper.grid.lr=[1]'"),
        ("-m hydra.launcher.slots=2", "needs an hsm launcher", "hydra/launcher=hsm_local"),
        ("-m +hydra.launcher.slots=2", "needs an hsm launcher", "hydra/launcher=hsm_local"),
        ("--cfg hydra hydra.launcher.slots=2", "needs an hsm launcher", "hydra/launcher=hsm_local"),
        ("-m hydra.launcher.slts=2", "no field 'slts'", "hydra/launcher=hsm_local hydra.launcher.slots=2"),
        ("-m +sweep=bare", "sweep/bare.yaml sets hydra.sweeper.grid,", "- override /hydra/sweeper: hsm "),
        ("+sweep=bare", "sweep/bare.yaml sets hydra.sweeper.grid,", "- override /hydra/sweeper: hsm "),
        ("-m +sweep=bare hydra/sweeper=basic", "needs the sweeper hsm", "hydra/sweeper=hsm    # instead of"),
        ("-m +sweep=slots", "sweep/slots.yaml sets hydra.launcher.slots,", "- override /hydra/launcher: hsm_local "),
        ("-m hydra/launcher=hsm_locl", "there is no launcher 'hsm_locl'", "hydra/launcher=hsm_local"),
        ("-m hydra/launcher=hsm-slurm", "there is no launcher 'hsm-slurm'", "hydra/launcher=hsm_slurm"),
        ("-m hydra/sweeper=hms", "there is no sweeper 'hms'", "hydra/sweeper=hsm"),
        ("+sweep=bra", "there is no sweep/bra.yaml", "+sweep=b"),
        ("-m +sweep=typo", "there is no launcher 'hsm_locl'", "- override /hydra/launcher: hsm_local "),
        ("-m hydra/sweeper=hsm hydra.sweeper.gird.lr=[1]", "no field 'gird'", "'hydra.sweeper.grid.lr=[1]'"),
        ("-m hydra/launcher=hsm_local hydra.launcher.slts=2", "no field 'slts'", "hydra.launcher.slots=2"),
        ("-m hydra/launcher=hsm_local hydra.launcher.code=snap", "must be one of", "hydra.launcher.code=snap"),
        ("-m hydra/launcher=hsm_local hydra.launcher.isolation=frk", "must be one of", "hydra.launcher.isolation=fo"),
        ("-m hydra/launcher=hsm_local hydra.launcher.walltime=8", "walltime 8 has no unit", "write "),
        ("-m hydra/launcher=hsm_slurm hydra.launcher.slots=x", "slots=x must be a whole number, or null", "hydra."),
        ("-m hydra/launcher=hsm_local hydra.launcher.tags=x", "tags=x must be a list", "'hydra.launcher.tags=[A,B]'"),
        ("-m hydra/launcher=hsm_local hydra.launcher.detach=x", "detach=x must be true or false", "hydra."),
        ("-m hydra/launcher=hsm_local hydra.launcher.nodes=null", "nodes=null must be a whole number", "hydra."),
        ("-m hydra/launcher=hsm_local hydra.launcher.env=5", "env=5 must be a mapping", "'hydra.launcher.env={NAM"),
        ("-m hydra/launcher=hsm_local hydra.launcher.env=[A]", "env=[A] must be a mapping", "'hydra."),
        ("-m hydra/launcher=hsm_local hydra.launcher.tags={a:1}", "tags={a:1} must be a list", "'hydra."),
        ("-m hydra/sweeper=hsm hydra.sweeper.grid=[1]", "grid=[1] must be a mapping", "'hydra."),
        ("-m hydra/sweeper=hsm hydra.sweeper.sample=x", "sample=x must be a whole number, or null", "hydra.sweeper."),
        ("-m +sweep=list", "sweep/list.yaml: hydra.sweeper.grid must be a mapping, not a list", "grid: {lr: [1], "),
        ("-m +sweep=tags", "sweep/tags.yaml: hydra.launcher.tags must be a list, not a mapping", "tags: [a]"),
        ("-m +sweep=env", "sweep/env.yaml: hydra.launcher.env must be a mapping, not a list", "env: {A: '1'}"),
        ("-m +sweep=braces", "sweep/braces.yaml, line 3: ", 'hydra: {sweeper: {grid: {lr: "${s'),
        ("-m +sweep=open", "sweep/open.yaml, line 3: ", "hydra: {sweeper: {grid: {lr: [1, 2]}}}"),
        ("-m +sweep=tab", "sweep/tab.yaml, line 4: ", "slots: 2    # spaces"),
        ("-m +sweep=value", "sweep/value.yaml: hydra.launcher.slots must be a whole number", "hydra."),
    ],
)  # fmt: skip
def test_what_to_type_is_said_and_nothing_follows_it(
    app: Path, capfd: pytest.CaptureFixture[str], line: str, problem: str, fix: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, *line.split())
    told = capfd.readouterr().err
    assert ended.value.code == 1
    assert problem in told
    assert next(line for line in told.splitlines() if problem in line).startswith(("error: ", "  "))
    assert "\nerror: " in f"\n{told}"
    last = told.strip().splitlines()[-1]
    assert last.startswith(f"  fix: {fix}")
    assert not (app / "multirun").exists()


def test_hydras_stack_traces_are_there_for_who_asks(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="needs an hsm launcher") as found:
        run(app, "-m", "hydra.launcher.slots=2")
    assert found.value.__cause__ is not None


@pytest.mark.parametrize(
    "line",
    [
        "nokey=1", "-m lr=1 hydra/launcher=nosuch", "-m hydra.job.nosuch=1", "+sweep=nosuch",
        "-m hydra/launcher=joblib hydra.launcher.n_jobs=x",
    ],
)  # fmt: skip
def test_what_is_not_ours_is_hydras_to_refuse(
    app: Path, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    with pytest.raises((SystemExit, HydraException)):  # the latter where Hydra sees a debugger, as coverage is one
        run(app, *line.split())
    assert "next:" not in capfd.readouterr().err


@pytest.mark.parametrize(("line", "ran"), [("-m +model=x,y", [2, 3]), ("-m lr=3,4", [3, 4]), ("lr=5", [5])])
def test_the_rest_runs_as_before(app: Path, line: str, ran: list[float]) -> None:
    assert run(app, *line.split()) == ran
