"""A config that is made from a skeleton is Hydra's own, node for node; where it would not be, Hydra composes it."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

import hsm_core.hydra_bridge.fast.group_cache as module
from hsm_core.hydra_bridge.fast.group_cache import Skeletons
from hsm_core.hydra_bridge.task.config import task_config
from tests.unit.hydra_bridge.composing import GROUPS, HYDRA, LEFT_TO_HYDRA, PLAIN, composing, shape, verdict

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, DictConfig]]:
    with composing(tmp_path_factory.mktemp("skeletons")) as found:
        yield found


@pytest.fixture(scope="module")
def shared(app: tuple[Any, DictConfig]) -> Skeletons:
    """As in a process that runs one task after another."""
    return Skeletons(*app)


def made(skeletons: Skeletons, overrides: Sequence[str]) -> DictConfig | None:
    """The config from a skeleton that was made for a task before; None where Hydra is to compose."""
    for _ in range(2):
        skeletons.expect(overrides)
    return skeletons.config(overrides)


def forked(app: tuple[Any, DictConfig], overrides: Sequence[str]) -> DictConfig | None:
    """As in a process that was forked for the task, and uses the skeleton up."""
    skeletons = Skeletons(*app)
    for _ in range(2):
        skeletons.expect(overrides)
    parent = os.getpid()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getpid", lambda: parent + 1)
        return skeletons.config(overrides)


def composed(app: tuple[Any, DictConfig], overrides: Sequence[str]) -> Any:
    """The shape of Hydra's config, a tuple; or a list of the errors that it raises."""
    return verdict(lambda: app[0].load_sweep_config(app[1], list(overrides)))


def is_refused(hydras: Any) -> bool:
    return isinstance(hydras, list)


def share_a_key(overrides: Sequence[str]) -> bool:
    """One of them may lead through what another has set."""
    keys = [text.lstrip("+~").partition("=")[0].partition(".")[0] for text in overrides]
    return len(set(keys)) < len(keys)


@pytest.mark.parametrize("text", [*PLAIN, *GROUPS])
def test_an_override_alone(app: tuple[Any, DictConfig], shared: Skeletons, text: str) -> None:
    """It is served as Hydra composes it, but for what Hydra refuses and what a skeleton can't be trusted with."""
    hydras, config = composed(app, [text]), made(shared, [text])
    if is_refused(hydras) or text in LEFT_TO_HYDRA:
        assert config is None
        assert made(shared, []) is not None, "it is left to Hydra because of itself: a skeleton is there"
    else:
        assert config is not None
        assert shape(config) == hydras


@pytest.mark.parametrize("text", HYDRA)
def test_hydra_composes_what_sets_its_own_nodes(shared: Skeletons, text: str) -> None:
    assert made(shared, ["seed=1", text]) is None
    assert made(shared, ["seed=1"]) is not None


@pytest.mark.parametrize(
    "overrides",
    [
        ["seed=1", "lr=0.2"], ["model=mlp", "seed=1"],
        ["lr=1", "optimizer@opt=adam", "model=mlp", "opt.betas=[1]"],
        ["+part@model.inner=p2", "model.inner.size=3"], ["+found=here", "found.y=2"], ["++a.b=1", "++a.c=2"],
        ["data=big", "seed=1"],
        ["list=[1]", "~flags.nested.a", "+new.x={a:1}"], ["typed.kind=B", "+typed.table.k=2"], [],
    ],
)  # fmt: skip
def test_the_usual_sweeps_are_served(
    app: tuple[Any, DictConfig], shared: Skeletons, overrides: list[str]
) -> None:
    for config in (made(shared, overrides), forked(app, overrides)):
        assert config is not None
        assert shape(config) == composed(app, overrides)


def test_an_override_may_lead_through_another(app: tuple[Any, DictConfig], shared: Skeletons) -> None:
    overrides = ["++p={q:{}}", "++p.q.r=1"]
    config = made(shared, overrides)
    assert config is not None
    assert shape(config) == composed(app, overrides)


@pytest.mark.parametrize("through", [["++p=${opt}", "p.lr=1"], ["++p=${hydra.job}", "p.name=x"]])
def test_one_that_leads_elsewhere_through_another_is_left_to_hydra(shared: Skeletons, through: list[str]) -> None:
    """Hydra 1.3 refuses it, 1.4 does not."""
    assert made(shared, through) is None
    assert made(shared, through[:1]) is not None, "the first alone is served"


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(PLAIN), max_size=4), st.lists(st.sampled_from(GROUPS), max_size=1), st.randoms()
)
def test_any_combination(
    app: tuple[Any, DictConfig], shared: Skeletons, values: list[str], groups: list[str], random: Any
) -> None:
    overrides = [*values, *groups]
    random.shuffle(overrides)
    hydras, config = composed(app, overrides), made(shared, overrides)
    if config is not None:
        assert shape(config) == hydras
    else:
        assert is_refused(hydras) or LEFT_TO_HYDRA.intersection(overrides) or share_a_key(overrides)


def test_one_skeleton_serves_many(app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    """And a task leaves nothing behind in it."""
    skeletons, asked = Skeletons(*app), []
    compose = type(app[0]).load_sweep_config

    def counted(*args: Any) -> Any:
        asked.append(args)
        return compose(app[0], *args)

    monkeypatch.setattr(app[0], "load_sweep_config", counted, raising=False)
    for number in range(6):
        overrides = ["model=mlp", f"seed={number}", f"+only{number}=1"]
        skeletons.expect(overrides)
        config = skeletons.config(overrides)
        assert (config is None) == (number == 0)
        if config is not None:
            assert shape(config) == shape(compose(app[0], app[1], overrides))
    assert len(asked) == 1


def test_the_environment_is_read_for_each_task(
    app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    skeletons = Skeletons(*app)
    for value in ("one", "two", "three"):
        monkeypatch.setenv("COPIED", value)
        skeletons.expect(["seed=1"])
        config = skeletons.config(["seed=1"])
    assert config is not None
    assert config.hydra.job.env_set.COPIED == "three"


def test_what_can_not_be_composed_is_left_to_the_task(
    app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that forks all tasks must not end of it."""
    assert made(Skeletons(*app), ["seed=1"]) is not None
    monkeypatch.delenv("COPIED")
    skeletons = Skeletons(*app)
    skeletons.warm_up()
    assert made(skeletons, ["seed=1"]) is None
    with pytest.raises(KeyError, match="COPIED"):
        task_config(*app, ["seed=1"], 0, "0")


def test_what_the_master_resolved_stays_and_the_rest_is_each_tasks_own(app: tuple[Any, DictConfig]) -> None:
    loader, master = app[0], copy.deepcopy(app[1])
    stamp = master.stamp
    skeletons, found = Skeletons(loader, master), []
    for number in range(3):
        skeletons.expect([f"seed={number}"])
        config = skeletons.config([f"seed={number}"])
        found += [config.stamp] if config is not None else []
    assert found == [stamp, stamp]


def test_a_task_that_was_not_expected_is_composed_by_hydra(app: tuple[Any, DictConfig]) -> None:
    skeletons = Skeletons(*app)
    skeletons.warm_up()
    assert skeletons.config(["seed=1"]) is None
    skeletons.expect(["seed=1"])
    assert skeletons.config(["seed=2"]) is None
    assert skeletons.config(["seed=1"]) is not None


def test_a_skeleton_is_warm_for_tasks_that_choose_no_groups(app: tuple[Any, DictConfig]) -> None:
    skeletons = Skeletons(*app)
    skeletons.warm_up()
    skeletons.expect(["seed=1"])
    assert skeletons.config(["seed=1"]) is not None


def test_choices_beyond_the_most_are_composed_by_hydra(
    app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    skeletons = Skeletons(*app)
    for _ in range(2):
        for overrides in (["model=mlp"], ["model=cnn"]):
            skeletons.expect(overrides)
    assert skeletons.config(["model=cnn"]) is None
    skeletons.expect(["model=mlp"])
    assert skeletons.config(["model=mlp"]) is not None


@pytest.mark.parametrize("change", ["a later Hydra", "a loader of its own"])
def test_what_was_not_compared_is_composed_by_hydra(
    app: tuple[Any, DictConfig], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    loader = app[0]
    assert made(Skeletons(loader, app[1]), ["seed=1"]) is not None
    if change == "a later Hydra":
        monkeypatch.setattr("hydra.__version__", "1.5.0")
    else:
        loader = copy.copy(app[0])
        loader.__class__ = type("Own", (type(app[0]),), {"load_sweep_config": lambda *_: app[1]})
    assert made(Skeletons(loader, app[1]), ["seed=1"]) is None


def test_the_number_is_set_as_ever(app: tuple[Any, DictConfig]) -> None:
    config = task_config(*app, ["seed=1"], 3, "77")
    assert (config.hydra.job.num, config.hydra.job.id, OmegaConf.is_missing(config, "missing")) == (
        3,
        "77",
        True,
    )
    assert os.getcwd() == config.hydra.runtime.cwd
