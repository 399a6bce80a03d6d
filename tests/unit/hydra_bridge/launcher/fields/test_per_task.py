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
from hsm_core.hydra_bridge.launcher.fields import per_task as module
from hsm_core.hydra_bridge.launcher.fields.per_task import SettingsByTask
from hsm_core.hydra_bridge.launcher.fields.resolve import fields_of_sweep
from hsm_core.hydra_bridge.launcher.fields.settings import launcher_settings, launcher_values
from hsm_core.sources.registry import queue_at
from hydra_plugins.hsm.plugins import IS_1_3
from tests.unit.hydra_bridge.sweeping import write_app

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")


class Asked:
    """The fields of a launcher for tasks of these overrides, and how often a config was composed for them."""

    def __init__(
        self, conf: Path, fields: Sequence[str], patch: pytest.MonkeyPatch, backend: str = "slurm",
        name: str = "config",
    ) -> None:  # fmt: skip
        self.composed = 0
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config = hydra.compose_config(
            name, [f"hydra/launcher=hsm_{backend}", *fields], RunMode.MULTIRUN, with_log_configuration=False
        )
        real = module.task_config

        def counting(*args: Any) -> Any:
            self.composed += 1
            return real(*args)

        patch.setattr(module, "task_config", counting)
        self.values = launcher_values(fields_of_sweep(config))
        system = queue_at(backend)
        common = launcher_settings(self.values, system)
        self._settings = SettingsByTask(hydra.config_loader, config, config, self.values, common, system)
        self.unused = self._settings.unused

    def of(self, name: str, *tasks: list[str]) -> list[Any]:
        return [self._of(name, number, tasks) for number in range(len(tasks))]

    def _of(self, name: str, number: int, tasks: Sequence[list[str]]) -> Any:
        found = self._settings.settings_of(number, lambda task: tasks[task])
        known = {**vars(found), **vars(found.queue), **vars(found.resources)}
        names = {"timeout_min": "walltime_min", "resources": "raw", "array_parallelism": "parallelism"}
        value = known[names.get(name, name)]
        return list(value) if isinstance(value, tuple) else value


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


def test_what_has_the_same_name_elsewhere_does_not_matter(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.mem_gb=${optimizer.lr}"], monkeypatch)
    rows = [[f"lr={n}", f"model={model}"] for n in range(5) for model in ("vit", "cnn")]
    assert asked.of("mem_gb", *rows) == [0.1] * 10
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
    asked.of(name, ["lr=1"], ["lr=2"])
    with pytest.raises(ConfigError, match=f"hydra.launcher.{name}=.*is the same for all tasks"):
        asked.of(name, ["lr=1"], ["batch=2", "model=mlp"], ["batch=3", "model=vit"])


def test_a_reference_that_is_only_text_is_nobodys(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, [r"hydra.launcher.setup=['echo \${batch}']"], monkeypatch)
    assert asked.of("setup", ["batch=1"], ["batch=2"]) == [["echo ${batch}"]] * 2
    assert asked.composed == 0


@pytest.mark.parametrize("name", ["resources", "queue", "account", "qos", "walltime", "partition"])
def test_what_depends_on_the_task_is_not_set_in_common(
    conf: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked = Asked(conf, [f"hydra.launcher.{name}='${{batch}}min'"], monkeypatch)
    assert asked.values[name] is None


def test_a_key_that_one_task_has_not_is_told_with_its_overrides(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.queue=${model.depth}"], monkeypatch)
    told = r"hydra.launcher.queue can't be resolved(?s:.*)queue=\$\{model.depth\}, with ~model.depth"
    with pytest.raises(ConfigError, match=told):
        asked.of("queue", ["model=vit"], ["~model.depth"])


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("${hydra.runtime.choices.model}", ["vit", "mlp", "mlp"]),
        ("m-${hydra.runtime.choices.model}-${hydra.job.name}", [None] * 3),
        ("${hydra.job.override_dirname}", ["model=vit", "model=mlp,seed=1", "model=mlp,seed=2"]),
        ("t${hydra.job.num}", ["t0", "t1", "t2"]),
        ("${hydra.launcher.qos}", ["12", "2", "2"]),
        ("${.qos}", ["12", "2", "2"]),
        ("${oc.select:model.depth}", ["12", "2", "2"]),
        ("${hydra.sweep.subdir}", ["0", "1", "2"]),
    ],
)
def test_a_field_follows_hydras_own_view_of_the_task(
    conf: Path, monkeypatch: pytest.MonkeyPatch, given: str, found: list[str | None]
) -> None:
    asked = Asked(conf, [f"hydra.launcher.comment='{given}'", "hydra.launcher.qos='${model.depth}'"], monkeypatch)
    got = asked.of("comment", ["model=vit"], ["model=mlp", "seed=1"], ["model=mlp", "seed=2"])
    if None in found:
        assert [text.rpartition("-")[0] for text in got] == ["m-vit", "m-mlp", "m-mlp"]
    else:
        assert got == found


def test_what_hydra_says_of_the_sweep_is_the_same_for_all(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.comment='${hydra.job.name} ${hydra.runtime.cwd}'"], monkeypatch)
    assert len(set(asked.of("comment", ["lr=1"], ["lr=2"]))) == 1
    assert asked.composed == 0


def test_the_id_of_a_job_that_is_to_be_submitted_is_refused(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(conf, ["hydra.launcher.comment='${hydra.job.id}'"], monkeypatch)
    with pytest.raises(ConfigError, match=r"hydra\.job\.id is unknown.*\n.*comment=\$\{hydra.job.id\}"):
        asked.of("comment", ["lr=1"])


def test_hydras_resolver_is_answered_with_the_reference_that_does(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(conf, ["hydra.launcher.comment='${hydra:runtime.choices.model}'"], monkeypatch)
    with pytest.raises(ConfigError, match=r"fix: \$\{hydra.runtime.choices.model\}"):
        asked.of("comment", ["lr=1"])


@pytest.mark.parametrize(
    ("given", "rows", "name", "found"),
    [
        ("mem_gb=${needed.mem}", [["needed=a"], ["needed=b"]], "mem_gb", [4.0, 8.0]),
        ("mem_gb=${missing}", [["missing=1"], ["missing=2"]], "mem_gb", [1.0, 2.0]),
        ("mem_gb=${word}", [["word=1"], ["word=2"]], "mem_gb", [1.0, 2.0]),
        ("cpus_per_task=${word}", [["word=1"], ["word=2"]], "cpus_per_task", [1, 2]),
        pytest.param(
            "timeout_min=${share}", [["share=1"], ["share=2"]], "timeout_min", [1, 2],
            marks=pytest.mark.skipif(not IS_1_3, reason="Hydra 1.4 composes no task where the kind of value changes"),
        ),
        ("walltime='0:0${share}:00'", [["share=1"], ["share=2"]], "timeout_min", [1, 2]),
        ("mem_gb=${new}", [["+new=1"], ["+new=2"]], "mem_gb", [1.0, 2.0]),
        ("nodes=${missing}", [["missing=1"], ["missing=2"]], "nodes", [1, 2]),
        ("exclude=${missing}", [["missing=a"], ["missing=b"]], "exclude", ["a", "b"]),
    ],
)
def test_what_only_the_tasks_have_may_be_referred_to(
    conf: Path, monkeypatch: pytest.MonkeyPatch, given: str, rows: list[list[str]], name: str, found: list[object]
) -> None:
    (conf / "needed").mkdir()
    for choice, mem in (("a", 4), ("b", 8)):
        (conf / "needed" / f"{choice}.yaml").write_text(f"mem: {mem}\n")
    (conf / "odd.yaml").write_text("defaults: [_self_, {needed: '???'}]\nmissing: '???'\nword: auto\nshare: 0.1\n")
    asked = Asked(conf, [f"hydra.launcher.{given}"], monkeypatch, name="odd")
    asked_rows = rows if rows[0][0].startswith("needed") else [["needed=a", *row] for row in rows]
    assert asked.of(name, *asked_rows) == found


def test_what_means_nothing_here_is_not_resolved(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["hydra.launcher.mem_gb=${nothing}", "hydra.launcher.cpus_per_task=${batch}"]
    asked = Asked(conf, given, monkeypatch, "local")
    assert asked.unused == ("mem_gb",)
    assert asked.of("mem_gb", ["lr=1"], ["lr=2"]) == [None, None]
    assert asked.values["cpus_per_task"] == asked.of("cpus_per_task", ["lr=1"])[0]
    with pytest.raises(ConfigError, match=r"cpus_per_task=.*is the same for all tasks"):
        asked.of("cpus_per_task", ["batch=77"])


def test_what_a_tasks_own_choice_refers_to_matters_too(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (conf / "model" / "deep.yaml").write_text("depth: ${optimizer.lr}\n")
    asked = Asked(conf, ["hydra.launcher.comment='${model.depth}'"], monkeypatch)
    rows = [["model=vit"], *[["model=deep", f"optimizer.lr={lr}"] for lr in (5, 6)], ["model=vit", "optimizer.lr=7"]]
    assert asked.of("comment", *rows) == ["12", "5", "6", "12"]
