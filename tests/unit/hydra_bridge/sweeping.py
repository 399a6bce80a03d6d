"""An app with config groups, and sweeps of it inside the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from omegaconf import DictConfig, OmegaConf

FILES = {
    "config.yaml": """
        defaults: [_self_, model: cnn, data: small]
        lr: 0.1
        seed: 0
        batch: 32
        steps: ${batch}
        optimizer: {lr: 0.1, name: sgd}
        items: [1]
        anything: null
        hydra: {job: {chdir: false}}
        """,
    "model/cnn.yaml": "name: cnn\ndepth: 3\n",
    "model/mlp.yaml": "name: mlp\ndepth: 2\nwidth: 8\n",
    "model/vit.yaml": "name: vit\ndepth: 12\n",
    "data/small.yaml": "size: 10\n",
    "data/big.yaml": "# @package _global_\nbatch: 64\ndata: {size: 1000}\n",
    "db/engine/fast.yaml": "kind: fast\n",
    "db/engine/slow.yaml": "kind: slow\n",
}


def write_app(directory: Path, **more: str) -> Path:
    """The app's config directory; ``more`` are sweep files by name."""
    sweeps = {
        f"sweep/{name}.yaml": f"# @package _global_\ndefaults: [override /hydra/sweeper: hsm]\n{text}"
        for name, text in more.items()
    }
    for name, text in {**FILES, **sweeps}.items():
        path = directory / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "\n".join(line[8:] if line.startswith(" " * 8) else line for line in text.split("\n"))
        )
    return directory / "conf"


def sweeper_file(text: str) -> str:
    """A sweep file with ``text`` under ``hydra.sweeper``."""
    lines = "\n".join(f"    {line}" for line in text.strip().splitlines())
    return f"hydra:\n  sweeper:\n{lines}\n"


def plain(config: DictConfig) -> Any:
    return OmegaConf.to_container(config, resolve=True)


def run_sweep(
    conf: Path, overrides: Sequence[str], task: Callable[[DictConfig], Any] = plain
) -> list[Sequence[JobReturn]]:
    """``-m`` with these overrides, the basic launcher unless they say otherwise."""
    always = [f"hydra.sweep.dir={conf.parent / 'out'}", "hydra.mode=MULTIRUN"]
    with initialize_config_dir(str(conf), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        returned: list[Sequence[JobReturn]] = hydra.multirun(
            config_name="config",
            task_function=task,
            overrides=[*always, *overrides],
            with_log_configuration=False,
        )
    return returned


def tasks_of(conf: Path, *overrides: str) -> list[list[str]]:
    """The overrides of every task that such a sweep runs."""
    return [list(one.overrides) for batch in run_sweep(conf, overrides) for one in batch]
