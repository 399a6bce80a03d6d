"""Whole sweeps through Hydra: what runs, what comes back, what is written."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.utils import JobStatus
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf

from hsm_core.errors import ConfigError
from hydra_plugins.hsm.plugins import IS_1_3
from tests.unit.hydra_bridge.sweeping import run_sweep, sweeper_file, tasks_of, write_app

pytestmark = [
    pytest.mark.usefixtures("hydra_restore_singletons"),
    pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning"),
]


def test_a_sweep_file_runs_and_returns_what_the_basic_sweeper_does(tmp_path: Path) -> None:
    text = "grid: {model: [cnn, mlp], optimizer: {lr: [1e-3, 0.5]}, +new: [null, '1', true]}"
    conf = write_app(tmp_path, grid=sweeper_file(text))
    (batch,) = run_sweep(conf, ["+sweep=grid"])
    assert [one.status for one in batch] == [JobStatus.COMPLETED] * 12
    values = [
        (one.return_value["model"]["name"], one.return_value["optimizer"]["lr"], one.return_value["new"])
        for one in batch
    ]
    assert values == [(m, r, n) for m in ("cnn", "mlp") for r in (0.001, 0.5) for n in (None, "1", True)]
    written = OmegaConf.load(tmp_path / "out" / "multirun.yaml")
    assert written.hydra.overrides.task == ["+sweep=grid"]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(["multirun.yaml", *map(str, range(12))])


def test_sweep_files_compose(tmp_path: Path) -> None:
    one = sweeper_file("grid: {seed: [1, 2]}\nexclude: {a: seed == 1 and lr == 3}")
    two = sweeper_file("grid: {lr: [3, 4]}\nexclude: {b: seed == 2 and lr == 4}")
    conf = write_app(tmp_path, one=one, two=two)
    assert tasks_of(conf, "+sweep=[one,two]") == [
        ["seed=1", "lr=4", "+sweep=[one,two]"],
        ["seed=2", "lr=3", "+sweep=[one,two]"],
    ]


def test_the_command_line_reaches_into_the_grid(tmp_path: Path) -> None:
    conf = write_app(tmp_path)
    typed = ["hydra/sweeper=hsm", "++hydra.sweeper.grid.optimizer.lr=[1,2]", "hydra.sweeper.limit=1"]
    assert tasks_of(conf, *typed) == [["optimizer.lr=1"]]


def test_batches(tmp_path: Path) -> None:
    conf = write_app(tmp_path)
    batches = run_sweep(conf, ["hydra/sweeper=hsm", "seed=range(0,5)", "hydra.sweeper.max_batch_size=2"])
    assert [[one.return_value["seed"] for one in batch] for batch in batches] == [[0, 1], [2, 3], [4]]


def test_a_failed_task_is_raised_after_all_batches(tmp_path: Path) -> None:
    ran: list[int] = []

    def task(config: DictConfig) -> None:
        ran.append(config.seed)
        if config.seed == 1:
            raise KeyError("the task's own")

    conf = write_app(tmp_path)
    with pytest.raises(KeyError, match="the task's own"):
        run_sweep(conf, ["hydra/sweeper=hsm", "seed=range(0,6)", "hydra.sweeper.max_batch_size=3"], task)
    assert ran == [0, 1, 2, 3, 4, 5]


def test_base_values_in_conditions(tmp_path: Path) -> None:
    conf = write_app(tmp_path)
    base = ["hydra/sweeper=hsm", "seed=0,1", 'hydra.sweeper.exclude="batch > 16 and seed == 0"']
    assert tasks_of(conf, *base) == [["seed=1"]]
    assert tasks_of(conf, *base, "batch=8") == [["seed=0", "batch=8"], ["seed=1", "batch=8"]]


@pytest.mark.parametrize("how", ["cover", "none"])
def test_a_base_value_that_a_swept_group_changes_is_refused(tmp_path: Path, how: str) -> None:
    conf = write_app(tmp_path)
    typed = [
        "hydra/sweeper=hsm",
        "data=small,big",
        'hydra.sweeper.exclude="batch > 99"',
        f"hydra.sweeper.validate={how}",
    ]
    with pytest.raises(ConfigError, match="the sweep itself changes 'batch'") as error:
        run_sweep(conf, typed)
    assert "32 without it, 64 with data=big" in str(error.value)
    assert "fix: \"data == 'big'\" " in str(error.value)


@pytest.mark.parametrize("name", ["model.depth", "steps", "optimizer", "hydra.job.num"])
def test_what_conditions_can_not_name(tmp_path: Path, name: str) -> None:
    conf = write_app(tmp_path)
    typed = ["hydra/sweeper=hsm", "model=cnn,vit", f'hydra.sweeper.exclude="{name} == 3"']
    with pytest.raises(ConfigError, match=f"'{name}'"):
        run_sweep(conf, typed)


def test_a_section_in_a_condition_names_keys_inside(tmp_path: Path) -> None:
    conf = write_app(tmp_path)
    typed = ["hydra/sweeper=hsm", "seed=0,1", 'hydra.sweeper.exclude="optimizer == 3"']
    with pytest.raises(ConfigError, match=r"such as: optimizer\.lr, optimizer\.name"):
        run_sweep(conf, typed)


MISTAKES = [
    (["lrr=1,2"], "lrr=1: no such key or config group: 'lrr'", "fix: lr=1,2"),
    (["optimizer.qq=1,2"], "no such key or config group: 'optimizer.qq'", "+optimizer.qq=1"),
    (["model=cnn,vitt"], "'model' has no choice 'vitt'", "fix: model=cnn,vit"),
    (["modle=cnn,vit"], "no such key or config group: 'modle'", "fix: model=cnn,vit"),
    (["db.engine=fast,slow"], "no such key or config group: 'db.engine'", "fix: db/engine=fast,slow"),
    (
        ["model.widht=1,2", "model=mlp,mlp"],
        "no such key or config group: 'model.widht'",
        "fix: model.width=1,2",
    ),
    (
        ["model=mlp,vit", "model.width=1,2"],
        "model.width=1: no key 'model.width' with model=vit; model=mlp has it",
        "hydra.sweeper.exclude",
    ),
    (["+lr=5,6"], "can't compose a task: +lr=5", "already at 'lr'"),
]


@pytest.mark.parametrize(("typed", "said", "fix"), MISTAKES)
def test_mistakes_are_found_before_anything_starts(
    tmp_path: Path, typed: list[str], said: str, fix: str
) -> None:
    conf = write_app(tmp_path)
    with pytest.raises(ConfigError) as error:
        run_sweep(conf, ["hydra/sweeper=hsm", *typed])
    assert said in str(error.value)
    assert fix in str(error.value)
    assert isinstance(error.value, CompactHydraException)
    assert not (tmp_path / "out").exists()


def test_validate_all_finds_what_a_cover_does_not(tmp_path: Path) -> None:
    conf = write_app(tmp_path)
    typed = ["hydra/sweeper=hsm", "items=[1],[2],x", "model.width=1,2", "model=mlp,cnn"]
    with pytest.raises(ConfigError, match=r"no key 'model\.width' with model=cnn"):
        run_sweep(conf, [*typed, "hydra.sweeper.validate=all"])
    with pytest.raises(CompactHydraException):
        run_sweep(conf, [*typed, "hydra.sweeper.validate=none"])
    assert (tmp_path / "out" / "multirun.yaml").exists()


def test_all_composes_every_task(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    conf = write_app(tmp_path)
    for how, count in (("all", 4), ("cover", 1), ("none", 0)):
        caplog.clear()
        with caplog.at_level("DEBUG", logger="hsm_core"):
            tasks_of(
                conf,
                "hydra/sweeper=hsm",
                "seed=0,1",
                "lr=0.1,0.2",
                "hydra.sweeper.dry_run=true",
                f"hydra.sweeper.validate={how}",
            )
        assert f"composed {count} of 4 tasks" in caplog.text


def test_all_of_a_choice_of_groups_take_hydra_two_compositions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, own = [], ConfigLoaderImpl.load_sweep_config

    def counted(self: ConfigLoaderImpl, master: DictConfig, overrides: list[str]) -> DictConfig:
        asked.append(overrides)
        return own(self, master, overrides)

    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", counted)
    typed = ["hydra.sweeper.dry_run=true", "hydra.sweeper.validate=all", "model=cnn,mlp", "seed=range(30)"]
    tasks_of(write_app(tmp_path), "hydra/sweeper=hsm", *typed)
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("hydra.sweeper.order=shufle", "fix: hydra.sweeper.order=shuffle"),
        ("hydra.sweeper.limt=3", "fix: hydra.sweeper.limit=3"),
        ("hydra.sweeper.xyzzy=3", "because: there are: params, grid"),
        ("hydra.sweeper.exclude='seed < 9'", "fix: hydra.sweeper.exclude=null "),
        ("hydra.sweeper.validate=some", "cover, all, none"),
        ("hydra.sweeper.limit=0", "hydra.sweeper.limit=0 must be at least 1"),
        ("hydra.sweeper.max_batch_size=-1", "max_batch_size=-1 must be at least 1"),
        ("hydra.sweeper.exclude=[3]", "3 is not a condition"),
        ("hydra.sweeper.metric={name:acc,mode:maximize}", "fix: 'hydra.sweeper.metric={name:acc,mode:max}' "),
        ("hydra.sweeper.metric=loss", "fix: 'hydra.sweeper.metric={name:loss,mode:min}' "),
        ("hydra.sweeper.metric=3", "fix: 'hydra.sweeper.metric={name:val_loss,mode:min}' "),
        ("hydra.sweeper.resume=latest", "launcher 'basic' keeps no record"),
    ],
)
def test_fields_that_mean_nothing_are_refused(tmp_path: Path, typed: str, said: str) -> None:
    conf = write_app(tmp_path)
    with pytest.raises(ConfigError) as error:
        run_sweep(conf, ["hydra/sweeper=hsm", "seed=0,1", typed])
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_swept_mapping_with_a_target_stays_a_mapping(tmp_path: Path) -> None:
    text = "grid: {anything: [{_target_: os.system, command: 'exit 3'}, '${seed}']}"
    conf = write_app(tmp_path, objects=sweeper_file(text))
    (batch,) = run_sweep(conf, ["+sweep=objects", "seed=7"])
    assert [one.return_value["anything"] for one in batch] == [
        {"_target_": "os.system", "command": "exit 3"},
        7,
    ]


def test_a_swept_value_may_refer_to_what_only_a_swept_choice_has(tmp_path: Path) -> None:
    text = "grid: {model: [cnn, mlp], anything: ['${model.width}', 1]}\nexclude: model == 'cnn'"
    conf = write_app(tmp_path, refers=sweeper_file(text))
    (batch,) = run_sweep(conf, ["+sweep=refers"])
    assert [one.return_value["anything"] for one in batch] == [8, 1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            "grid: {model: [mlp], anything: ['${model.widht}']}",
            ["anything", "'model.widht'", "fix: ${model.width}    # instead of ${model.widht}"],
        ),
        ("grid: {seed: '${sedes}'}", ["hydra.sweeper.grid.seed", "sedes"]),
        ("paired: {p: {seed: '${sedes}', lr: [1]}}", ["hydra.sweeper.paired.p", "sedes"]),
        ("paired: {p: '${sedes}'}", ["hydra.sweeper.paired.p", "sedes"]),
        ("params: {seed: '${sedes}'}", ["hydra.sweeper.params.seed", "sedes"]),
    ],
)
def test_a_misspelt_reference_is_named_with_its_key(tmp_path: Path, fields: str, said: list[str]) -> None:
    conf = write_app(tmp_path, refers=sweeper_file(fields))
    with pytest.raises(ConfigError) as error:
        run_sweep(conf, ["+sweep=refers"])
    for part in said:
        assert part in str(error.value)


@pytest.mark.skipif(not IS_1_3, reason="Hydra 1.4 follows references of single fields before hsm is asked")
def test_a_misspelt_reference_of_a_field_is_named(tmp_path: Path) -> None:
    conf = write_app(tmp_path, refers=sweeper_file("name: ${nmae}"))
    with pytest.raises(ConfigError, match=r"hydra\.sweeper\.name can't be read: .*'nmae'"):
        run_sweep(conf, ["+sweep=refers"])


def test_all_mistakes_of_a_sweep_file_are_told_at_once_with_what_was_meant(tmp_path: Path) -> None:
    bad = """
    gird: {lr: [1, 2]}
    order: shufle
    limit: 0
    grid: {sed: [1, 2], batch: [8, 8], steps: [], model: [cnn, mpl]}
    exclude: lrr > 1
    """
    conf = write_app(tmp_path, bad=sweeper_file(textwrap.dedent(bad)))
    with pytest.raises(ConfigError) as error:
        run_sweep(conf, ["+sweep=bad", "optimzer.lr=0.1,0.2"])
    told = str(error.value)
    for problem, fix in (
        ("hydra.sweeper has no field 'gird'", "grid: {lr: [1, 2]}    # instead of gird"),
        ("hydra.sweeper.order=shufle must be one of grid, shuffle", "hydra.sweeper.order=shuffle"),
        ("hydra.sweeper.limit=0 must be at least 1", "hydra.sweeper.limit=null"),
        ("'batch' lists 8 twice, in hydra.sweeper.grid", "batch: [8]"),
        ("no such key or config group: 'sed'", "seed    # instead of sed"),
        ("no such key or config group: 'optimzer.lr'", "optimizer.lr=0.1,0.2"),
        ("'model' has no choice 'mpl'", "mlp    # instead of mpl"),
    ):
        assert re.search(f"{re.escape(problem)}(\n  because: .*)?\n  fix: {re.escape(fix)}", told), (problem, told)
    assert "'steps' has no values" in told
    assert "no key 'lrr'" in told
    assert told.count("'sed'") == 1
    problems = [line for line in told.splitlines() if not line.startswith(" ")]
    assert all(line.startswith("error: ") for line in problems[1:])  # as Hydra's main writes it before the first
