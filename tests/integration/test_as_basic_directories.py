"""A task's directory is the app's: resolved once, and no file of ours there is in its way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hsm_core.store.layout import TaskPaths

from .as_basic import Both, hsm, run_as_basic

IMPURE = """
    import itertools, os, hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    counter = itertools.count()
    OmegaConf.register_new_resolver("next", lambda: f"{os.getpid()}x{next(counter)}")

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg):
        print(os.environ.get("HSM_TASK_DIR"))
        with open(os.path.join(HydraConfig.get().runtime.output_dir, "result.txt"), "w") as stream:
            stream.write(f"{cfg.x}")

    main()
"""
CLASH = """
    import json, os, sys, hydra
    from pathlib import Path
    from hydra.core.hydra_config import HydraConfig

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg):
        out = Path(HydraConfig.get().runtime.output_dir)
        print("printed before", cfg.x, flush=True)
        for name in ("outcome.json", "outcome.pkl", "stdout.log", "stderr.log", "checkpoint.pkl", "attempt-1"):
            assert not (out / name).exists(), name
            (out / name).write_text(f"the app's own {cfg.x}")
        print("printed after", cfg.x)
        print("told", cfg.x, file=sys.stderr)
        return cfg.x

    main()
"""
LEAVES = """
    import os, shutil, sys, hydra
    from hydra.core.hydra_config import HydraConfig

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg):
        out = HydraConfig.get().runtime.output_dir
        print("begins", flush=True)
        if cfg.how == "rename":
            os.rename(out, out + "-done")
        else:
            shutil.rmtree(out)
        if cfg.how == "clear":
            os.makedirs(out)
            with open(os.path.join(out, "model.bin"), "w") as stream:
                stream.write("weights")
        if cfg.how == "fail":
            raise ValueError("too bad")
        print("ends")
        return cfg.how

    main()
"""
CONFIG = {"conf/config.yaml": "x: 1\nhow: none\n"}


def directories(both: Both) -> list[Path]:
    """The tasks' directories, in order."""
    return sorted(path.parent.parent for path in (both.folder / "sweep").glob("*/.hydra/config.yaml"))


@pytest.mark.parametrize("isolation", ["fork", "spawn", "none"])
def test_a_directory_is_resolved_once(weird_tmp_path: Path, isolation: str) -> None:
    config = """
        x: 1
        hydra:
          sweep:
            subdir: ${hydra.job.num}-${next:}
          job_logging:
            handlers:
              file:
                filename: ${hydra.runtime.output_dir}/${next:}.log
    """
    both = run_as_basic(
        weird_tmp_path, {"app.py": IMPURE, "conf/config.yaml": config}, "x=1,2",
        ours=(f"hydra.launcher.isolation={isolation}",),
    )  # fmt: skip
    assert both.ours.code == both.basic.code == 0, both.ours.err
    found = directories(both)
    assert len(found) == 2
    for number, directory in enumerate(found):
        assert re.fullmatch(rf"{number}-\d+x\d+", directory.name)
        names = sorted(path.name for path in directory.iterdir())
        assert names[:2] + names[3:] == [".hsm", ".hydra", "result.txt"]
        assert re.fullmatch(r"\d+x\d+\.log", names[2])
        assert TaskPaths(directory).stdout.read_text() == f"{directory}\n"
        assert hsm(both.folder, "logs", "sweep", str(number)).stdout == f"{directory}\n"


def test_files_of_the_app_may_have_any_name(weird_tmp_path: Path) -> None:
    both = run_as_basic(weird_tmp_path, {"app.py": CLASH, **CONFIG}, "x=1,2")
    both.same()
    assert both.ours.files["0/stdout.log"] == b"the app's own 1"
    assert hsm(both.folder, "logs", "sweep", "1").stdout == "printed before 2\nprinted after 2\n"
    assert hsm(both.folder, "logs", "sweep", "1", "--stderr").stdout == "told 2\n"


@pytest.mark.parametrize("how", ["rename", "remove", "clear"])
def test_a_task_may_remove_its_directory(weird_tmp_path: Path, how: str) -> None:
    both = run_as_basic(weird_tmp_path, {"app.py": LEAVES, **CONFIG}, f"how={how},{how}")
    both.same()
    assert hsm(both.folder, "logs", "sweep", "1").stdout == "begins\nends\n"
    assert how in hsm(both.folder, "results", "sweep").stdout


def test_what_a_task_printed_when_it_failed_outlives_its_directory(weird_tmp_path: Path) -> None:
    both = run_as_basic(weird_tmp_path, {"app.py": LEAVES, **CONFIG}, "how=fail,fail")
    assert (both.basic.code, both.ours.code) == (1, 3)
    assert "ValueError: too bad" in hsm(both.folder, "logs", "sweep", "0", "--stderr").stdout
