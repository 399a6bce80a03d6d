"""Resources that depend on the task, resolved no more often than they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from hsm_core.errors import ConfigError
from hsm_core.hydra_bridge import fields_by_task as module
from hsm_core.hydra_bridge.fields_by_task import FieldsByTask
from hsm_core.hydra_bridge.run_settings import launcher_values

from .sweeping import write_app

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")


class Asked:
    """The fields of a launcher for tasks of these overrides, and how often a config was composed for them."""

    def __init__(self, conf: Path, fields: Sequence[str], patch: pytest.MonkeyPatch) -> None:
        self.composed = 0
        self.tasks: list[list[str]] = []
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config = hydra.compose_config(
            "config", ["hydra/launcher=hsm_slurm", *fields], RunMode.MULTIRUN, with_log_configuration=False
        )
        real = module.task_config

        def counting(*args: Any) -> Any:
            self.composed += 1
            return real(*args)

        patch.setattr(module, "task_config", counting)
        values = launcher_values(dict(config.hydra.launcher.items()))
        self._fields = FieldsByTask(hydra.config_loader, config, config, values, self._overrides)

    def _overrides(self, task: int) -> list[str]:
        return self.tasks[task]

    def of(self, name: str, *tasks: list[str]) -> list[Any]:
        self.tasks = list(tasks)
        return [self._fields.fields_of(number)[name] for number in range(len(tasks))]

    def common(self, name: str) -> Any:
        return self._fields.common[name]

    def require_followed(self, *tasks: list[str]) -> None:
        self.tasks = list(tasks)
        self._fields.require_followed(range(len(tasks)))


@pytest.fixture
def conf(tmp_path: Path) -> Iterator[Path]:
    found = write_app(tmp_path)
    with initialize_config_dir(str(found), version_base="1.3"):
        yield found


def test_fields_that_name_no_task_cost_nothing(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.mem_gb=4"], monkeypatch)
    assert asked.of("mem_gb", ["lr=1"], ["lr=2"]) == [4, 4]
    assert asked.composed == 0


def test_a_field_follows_a_value_and_is_resolved_once_for_each(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(conf, ["hydra.launcher.mem_gb=${batch}"], monkeypatch)
    rows = [[f"batch={8 * (n % 2 + 1)}", f"lr={n}"] for n in range(10)]
    assert asked.of("mem_gb", *rows) == [8, 16] * 5
    assert asked.composed == 2


def test_a_field_follows_the_choice_of_a_group(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.cpus_per_task=${model.depth}"], monkeypatch)
    assert asked.of("cpus_per_task", ["model=vit"], ["model=mlp", "seed=1"], ["model=mlp", "seed=2"]) == [12, 2, 2]
    assert asked.composed == 2


def test_a_field_follows_what_its_value_refers_to(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.mem_gb=${steps}"], monkeypatch)
    assert asked.of("mem_gb", ["batch=1"], ["batch=2"], ["steps=7"]) == [1, 2, 7]


def test_a_walltime_of_a_task_is_read_like_any_other(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.walltime=${batch}min"], monkeypatch)
    assert asked.of("timeout_min", ["batch=60"], ["batch=180"]) == [60, 180]


def test_what_the_environment_says_is_the_same_for_all(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HSM_TEST_MEMORY", "3")
    asked = Asked(conf, ["hydra.launcher.mem_gb=${oc.env:HSM_TEST_MEMORY}"], monkeypatch)
    assert asked.of("mem_gb", ["lr=1"], ["lr=2"]) == [3, 3]
    assert asked.composed == 0


@pytest.mark.parametrize(
    ("given", "name", "found"),
    [
        ("hydra.launcher.directives=['--nice=${batch}','-x a']", "directives", lambda n: [f"--nice={n}", "-x a"]),
        ("hydra.launcher.srun_args=['--label','-c${batch}']", "srun_args", lambda n: ["--label", f"-c{n}"]),
        ("+hydra.launcher.additional_parameters.nice=${batch}", "additional_parameters", lambda n: {"nice": n}),
        (
            "+hydra.launcher.additional_parameters={nice:1,x:['${batch}']}",
            "additional_parameters",
            lambda n: {"nice": 1, "x": [n]},
        ),
        ("hydra.launcher.resources='-c${batch} --mem=${batch}00M'", "resources", lambda n: f"-c{n} --mem={n}00M"),
    ],
)
def test_what_is_in_a_field_follows_a_value_too(
    conf: Path, monkeypatch: pytest.MonkeyPatch, given: str, name: str, found: Callable[[int], Any]
) -> None:
    asked = Asked(conf, [given], monkeypatch)
    assert asked.of(name, ["batch=1"], ["batch=2", "lr=1"], ["batch=2", "lr=2"]) == [found(1), found(2), found(2)]
    assert asked.composed == 2


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("+hydra.launcher.env.MY_X=${batch}", "env"),
        ("hydra.launcher.setup=['export MY_X=${batch}']", "setup"),
        ("hydra.launcher.array_parallelism=${batch}", "array_parallelism"),
        ("hydra.launcher.slots=${steps}", "slots"),
        ("hydra.launcher.python=python${model.depth}", "python"),
    ],
)
def test_a_field_of_the_whole_sweep_that_would_differ_is_refused(
    conf: Path, monkeypatch: pytest.MonkeyPatch, given: str, name: str
) -> None:
    asked = Asked(conf, [given], monkeypatch)
    asked.require_followed(["lr=1"], ["lr=2"])
    with pytest.raises(ConfigError, match=f"hydra.launcher.{name}=.*is the same for all tasks"):
        asked.require_followed(["lr=1"], ["batch=2", "model=mlp"], ["batch=3", "model=vit"])


def test_a_reference_that_is_only_text_is_nobodys(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, [r"hydra.launcher.setup=['echo \${batch}']"], monkeypatch)
    assert asked.of("setup", ["batch=1"], ["batch=2"]) == [["echo ${batch}"]] * 2
    assert asked.composed == 0


@pytest.mark.parametrize("name", ["resources", "queue", "account", "qos", "walltime", "partition"])
def test_what_depends_on_the_task_is_not_set_in_common(
    conf: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked = Asked(conf, [f"hydra.launcher.{name}='${{batch}}min'"], monkeypatch)
    assert asked.common(name) is None


def test_a_key_that_one_task_has_not_is_told_with_its_overrides(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.queue=${model.depth}"], monkeypatch)
    told = r"hydra.launcher.queue can't be resolved(?s:.*)queue=\$\{model.depth\}, with ~model.depth"
    with pytest.raises(ConfigError, match=told):
        asked.of("queue", ["model=vit"], ["~model.depth"])
