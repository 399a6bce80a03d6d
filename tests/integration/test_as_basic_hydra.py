"""A task finds Hydra itself as under the basic launcher: its callbacks, its config, its exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from .as_basic import ON_13, Both, hsm, run_as_basic

SCRIPT = "from train import main\n\nmain()\n"
CALLBACKS = '''
import json, os, sys
from pathlib import Path
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.experimental.callback import Callback
from omegaconf import OmegaConf

class Notes(Callback):
    def __init__(self, word):
        self.word, self.seen = word, []

    def note(self, what, config, more, **found):
        self.seen.append(what)
        found = {
            "seen": self.seen, "word": self.word, "more": sorted(more), "cwd": os.getcwd(),
            "frozen": OmegaConf.is_readonly(config.hydra), "struct": OmegaConf.is_struct(config),
            "overrides": list(config.hydra.overrides.task), "mode": str(config.hydra.mode), "x": config.x,
            "number": OmegaConf.to_container(config.hydra.job, resolve=False), "argv": sys.argv[1:2],
            "set": os.environ.get("SET"), "known": HydraConfig.initialized(), **found,
        }
        where = Path(OmegaConf.select(config, "hydra.runtime.output_dir", default=None) or config.hydra.sweep.dir)
        where.mkdir(exist_ok=True)
        (where / f"{what}.json").write_text(json.dumps(found, indent=1, default=str))

    def on_multirun_start(self, config, **more):
        self.note("multirun_start", config, more)

    def on_job_start(self, config, *, task_function, **more):
        import train
        same = [task_function is train.task, task_function.__name__, task_function.__module__]
        self.note("job_start", config, more, same=same)

    def on_job_end(self, config, job_return, **more):
        found = {name: str(value) for name, value in vars(job_return).items() if name[1:7] != "remote"}
        self.note("job_end", config, more, kind=type(job_return).__name__, found=found)

    def on_multirun_end(self, config, **more):
        del self.seen[1:]  # what tasks add to it stays in their processes
        self.note("multirun_end", config, more)

class Pickling(Callback):
    """What Hydra 1.3's own PickleJobInfoCallback does."""

    def on_job_start(self, config, **_):
        import pickle
        self.output_dir = Path(config.hydra.runtime.output_dir) / config.hydra.output_subdir
        (self.output_dir / "config.pickle").write_bytes(pickle.dumps(config, protocol=4))

    def on_job_end(self, config, job_return, **_):
        import pickle
        (self.output_dir / "job_return.pickle").write_bytes(pickle.dumps(job_return, protocol=4))
'''
TRAIN = """
import copy, json, pickle
from pathlib import Path
import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

def kept(value):
    found = pickle.loads(pickle.dumps(value))
    return [found == value, copy.deepcopy(value) == value, type(found).__name__]

def task(cfg):
    ours, found = HydraConfig.get(), {}
    for name, value in {"cfg": cfg, "hydra": ours, "launcher": ours.launcher, "sweeper": ours.sweeper}.items():
        found[name] = kept(value)
    for name in ("sweep", "job", "runtime", "help"):
        found[name] = [*kept(ours[name]), type(OmegaConf.to_object(ours[name])).__name__]
    as_object = OmegaConf.to_object(ours.sweeper)
    found["object"] = [kept(as_object), type(as_object).__module__, isinstance(OmegaConf.get_type(ours), type)]
    Path(ours.runtime.output_dir, "found.json").write_text(json.dumps(found, indent=1))
    if cfg.x == 2:
        raise ValueError("bad x")
    return {"x": cfg.x}

main = hydra.main(version_base=None, config_path="conf", config_name="config")(task)
"""
CONFIG = """
defaults: [_self_]
x: 1
hydra:
  job: {env_set: {SET: set by hydra}}
  callbacks:
    notes: {_target_: callbacks.Notes, word: hello}
    pickling: {_target_: callbacks.Pickling}
"""
APP = {
    "app.py": SCRIPT, "train.py": TRAIN, "callbacks.py": CALLBACKS, "conf/__init__.py": "", "conf/config.yaml": CONFIG
}  # fmt: skip


def run(folder: Path, *overrides: str, files: Mapping[str, str] = APP, isolation: str = "auto") -> Both:
    both = run_as_basic(folder, files, *overrides, ours=[f"hydra.launcher.isolation={isolation}"])
    both.same()
    both.same_output(stderr=False)
    return both


@pytest.mark.parametrize(
    "isolation", ["auto", *(pytest.param(one, marks=pytest.mark.slow) for one in ("spawn", "none"))]
)
def test_callbacks_and_what_can_be_pickled(weird_tmp_path: Path, isolation: str) -> None:
    both = run(weird_tmp_path, "x=1", "hydra.job.chdir=true", isolation=isolation)
    assert b"set by hydra" in both.ours.files["0/job_start.json"]
    assert b'"working_dir": "sweep/0"' in both.ours.files["0/job_end.json"]


NETS = """
import hydra

class Net:
    def __init__(self, width):
        raise ValueError(f"no {width}")

@hydra.main(version_base=None, config_path=None)
def main(cfg):
    hydra.utils.instantiate({"net": {"_target_": "__main__.Net", "width": cfg.x}})

main()
"""


def test_what_hydra_makes_fails_where_the_app_says(weird_tmp_path: Path) -> None:
    both = run_as_basic(weird_tmp_path, {"app.py": NETS}, "+x=1")
    assert both.ours.code
    assert both.basic.code
    trace = both.output("stderr").decode()
    assert trace.count('app.py", line ') == 2
    assert "hydra/_internal" not in trace
    assert "hsm_core" not in trace
    assert re.search(r"at: +app\.py:5 in __init__\n", hsm(weird_tmp_path, "errors", "sweep").stdout)


THEIRS = "hydra.experimental.callbacks"
OF_HYDRA = [f"+hydra.callbacks.log._target_={THEIRS}.LogJobReturnCallback"] + (
    [f"+hydra.callbacks.info._target_={THEIRS}.PickleJobInfoCallback"] if ON_13 else []
)


def test_hydras_own_callbacks_and_a_task_that_fails(weird_tmp_path: Path) -> None:
    """Hydra 1.4 writes the traceback into the task's log by itself; 1.3 has callbacks that do."""
    both = run(weird_tmp_path, "x=2", *OF_HYDRA)
    assert both.ours.code
    assert both.output("stderr")
    assert both.output("stderr") in both.basic.err.encode()
    told = hsm(weird_tmp_path, "errors", "sweep").stdout
    assert re.search(r"at: +train\.py:21 in task\n", told)
    assert b'train.py", line 21, in task' in both.ours.files["0/train.log"]
