"""What a sweeper composes under our launchers is what Hydra composes, in a fraction of the time."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf, open_dict

from hsm_core.hydra_bridge.fast.sweep_loader import SweepLoader, hydras_loader, sweep_loader
from hydra_plugins.hsm.plugins import HsmLocalLauncher
from tests.unit.hydra_bridge.composing import GROUPS, HYDRA, PLAIN, composing, shape, verdict

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, DictConfig]]:
    with composing(tmp_path_factory.mktemp("loader")) as found:
        yield found


@pytest.fixture(scope="module")
def shared(app: tuple[Any, DictConfig]) -> SweepLoader:
    """As in a sweeper that composes one task after another."""
    return SweepLoader(app[0])


@pytest.fixture
def asked(app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What Hydra itself is asked to compose."""
    found: list[list[str]] = []
    kind = type(app[0])
    compose = kind.load_sweep_config

    def counted(self: Any, master_config: Any, sweep_overrides: list[str]) -> Any:
        found.append(list(sweep_overrides))
        return compose(self, master_config, sweep_overrides)

    monkeypatch.setattr(kind, "load_sweep_config", counted)
    return found


class Basic(Sweeper):
    """A sweeper that validates as Hydra's do."""

    def __init__(self, context: Any, config: DictConfig) -> None:
        self.hydra_context, self.config = context, config

    def setup(self, **_: Any) -> None: ...

    def sweep(self, arguments: list[str]) -> None: ...


def same(app: tuple[Any, DictConfig], loader: Any, overrides: Sequence[str]) -> None:
    """Three times over: by Hydra, from a new skeleton, from a used one."""
    hydras = verdict(lambda: app[0].load_sweep_config(app[1], list(overrides)))
    for _ in range(3):
        assert verdict(lambda: loader.load_sweep_config(app[1], list(overrides))) == hydras


@pytest.mark.parametrize("text", ["seed=3", "data=big", "~model.depth", "typed.kind=B", "++new.x=[1]"])
def test_it_composes_what_hydra_does_without_hydra(
    app: tuple[Any, DictConfig], shared: SweepLoader, asked: list[list[str]], text: str
) -> None:
    same(app, shared, [text])
    asked.clear()
    shared.load_sweep_config(app[1], [text])
    assert asked == []


@pytest.mark.parametrize(
    "text",
    [
        "flags={nested:{a:3}}", "nokey=1", "typed.count=word", "model=nosuch", "model=3", "list[2].deep=1",
        "seed=1,2", "hydra.verbose=true", "hydra/job_logging=none",
    ],
)  # fmt: skip
def test_hydra_composes_or_refuses_what_a_skeleton_can_not_be_trusted_with(
    app: tuple[Any, DictConfig], shared: SweepLoader, asked: list[list[str]], text: str
) -> None:
    same(app, shared, [text])
    asked.clear()
    verdict(lambda: shared.load_sweep_config(app[1], [text]))
    assert asked == [[text]]


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*PLAIN, *GROUPS, *HYDRA]), max_size=4))
def test_any_combination(app: tuple[Any, DictConfig], shared: SweepLoader, overrides: list[str]) -> None:
    same(app, shared, overrides)


def test_a_sweeper_validates_hundreds_of_tasks_with_a_few_compositions(
    app: tuple[Any, DictConfig], asked: list[list[str]]
) -> None:
    context = SimpleNamespace(config_loader=SweepLoader(app[0]))
    tasks = [[f"model={model}", f"seed={seed}"] for model in ("cnn", "mlp") for seed in range(100)]
    Basic(context, app[1]).validate_batch_is_legal(tasks)
    assert len(asked) == 4  # the first of each model, and what all of its tasks have in common


def test_the_sweep_may_change_between_two_tasks(
    app: tuple[Any, DictConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader, master = SweepLoader(app[0]), copy.deepcopy(app[1])

    def both() -> None:
        for _ in range(3):
            hydras = app[0].load_sweep_config(master, ["seed=1"])
            assert shape(loader.load_sweep_config(master, ["seed=1"])) == shape(hydras)

    both()
    with open_dict(master):
        master.hydra.overrides.hydra.append("hydra.job.name=other")
    both()
    assert loader.load_sweep_config(master, ["seed=1"]).hydra.job.name == "other"
    monkeypatch.chdir(tmp_path)
    both()
    master = copy.deepcopy(app[1])
    both()
    assert loader.load_sweep_config(master, ["seed=1"]).hydra.job.name != "other"


def test_what_is_no_config_of_a_sweep_is_hydras_to_refuse(app: tuple[Any, DictConfig]) -> None:
    master = OmegaConf.create({"seed": 1})
    with pytest.raises(Exception) as hydras:
        app[0].load_sweep_config(master, [])
    with pytest.raises(type(hydras.value)):
        SweepLoader(app[0]).load_sweep_config(master, [])


def test_a_task_leaves_nothing_behind(app: tuple[Any, DictConfig]) -> None:
    loader = SweepLoader(app[0])
    for number in range(4):
        config = loader.load_sweep_config(app[1], [f"seed={number}", f"+only{number}=1"])
        config.model.depth = 99
    assert shape(loader.load_sweep_config(app[1], ["seed=1"])) == shape(
        app[0].load_sweep_config(app[1], ["seed=1"])
    )


def test_a_forked_process_has_hydra_compose(
    app: tuple[Any, DictConfig], asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = SweepLoader(app[0])
    for _ in range(3):
        loader.load_sweep_config(app[1], ["seed=1"])
    before = len(asked)
    pid = os.getpid()
    monkeypatch.setattr("os.getpid", lambda: pid + 1)
    for _ in range(3):
        loader.load_sweep_config(app[1], ["seed=1"])
    assert len(asked) == before + 3


def test_all_else_is_asked_of_hydras_loader(app: tuple[Any, DictConfig]) -> None:
    loader = sweep_loader(app[0])
    assert loader.get_group_options("model") == app[0].get_group_options("model")
    assert loader.config_search_path is app[0].config_search_path
    assert sweep_loader(loader) is loader
    assert hydras_loader(loader) is hydras_loader(app[0]) is app[0]
    with pytest.raises(AttributeError, match="no_such"):
        _ = loader.no_such


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda one: cloudpickle.loads(cloudpickle.dumps(one))]
)
def test_a_copy_is_hydras_loader(app: tuple[Any, DictConfig], again: Any) -> None:
    context = HydraContext(config_loader=SweepLoader(app[0]), callbacks=None)  # type: ignore[arg-type]
    found = again(context).config_loader
    assert type(found if again is not copy.copy else hydras_loader(found)) is type(app[0])


def test_a_launcher_gives_it_to_the_sweeper_and_keeps_hydras(
    app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = SimpleNamespace(require_free=lambda: None)
    monkeypatch.setattr(HsmLocalLauncher, "_open", lambda self: opened)
    context = HydraContext(config_loader=app[0], callbacks=None)  # type: ignore[arg-type]
    launchers = [HsmLocalLauncher(), HsmLocalLauncher()]
    for launcher in launchers:  # also where a sweeper makes two
        launcher.setup(hydra_context=context, task_function=print, config=app[1])
        assert launcher._context.config_loader is app[0]
        assert isinstance(context.config_loader, SweepLoader)
