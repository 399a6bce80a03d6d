"""Logs of tasks are as under the basic launcher, however the app and its config set logging up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .as_basic import Both, run_as_basic

APP = """
import logging
import hydra
from early import early

log = logging.getLogger(__name__)

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    root = logging.getLogger()
    print("root", root.level, sorted(type(handler).__name__ for handler in root.handlers))
    print("early", early.level, early.disabled, early.getEffectiveLevel())
    print("app", log.level, log.disabled, log.getEffectiveLevel())
    print("theirs", logging.getLogger("hydra.core.utils").disabled, logging.getLogger("logging_example").level)
    for logger in (log, early, logging.getLogger("late"), logging.getLogger("hydra")):
        logger.debug("fine %s", cfg.x)
        logger.info("said %s", cfg.x)
        logger.warning("warned %s", cfg.x)
"""
SCRIPT = "from train import main\n\nmain()\n"
EARLY = """
import logging

early = logging.getLogger("early")
early.setLevel(logging.DEBUG)
"""
CONFIG = "defaults: [_self_]\nx: 1\n"


def run(
    folder: Path, *overrides: str, mine: str = "", isolation: str = "auto", more: Mapping[str, str] = {}
) -> Both:
    app = {
        "app.py": SCRIPT,
        "train.py": APP,
        "early.py": EARLY,
        "conf/__init__.py": "",
        "conf/config.yaml": CONFIG,
    }
    files = {**app, "conf/hydra/job_logging/mine.yaml": mine, **more}
    both = run_as_basic(folder, files, *overrides, ours=[f"hydra.launcher.isolation={isolation}"])
    both.same()
    both.same_output()
    return both


def rarer(*overrides: str) -> Any:
    return pytest.param(overrides, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "overrides",
    [
        ["hydra/job_logging=none"],
        ["hydra/hydra_logging=disabled"],
        ["hydra.verbose=[early,train]"],
        rarer(),
        rarer("hydra/hydra_logging=none"),
        rarer("hydra/hydra_logging=hydra_debug"),
        rarer("hydra.verbose=true"),
        rarer("hydra/job_logging=disabled"),
        rarer("hydra/job_logging=stdout"),
        rarer("hydra/hydra_logging=none", "hydra/job_logging=none"),
        rarer("hydra.job_logging.disable_existing_loggers=true"),
    ],
    ids=" ".join,
)
def test_what_hydra_offers(weird_tmp_path: Path, overrides: list[str]) -> None:
    run(weird_tmp_path, "x=1", *overrides)


MINE = """
version: 1
formatters:
  s: {format: "MY %(name)s %(message)s"}
handlers:
  out: {class: logging.StreamHandler, formatter: s, stream: ext://sys.stdout}
  relative: {class: logging.FileHandler, formatter: s, filename: "${hydra:runtime.output_dir}/sub-${x}.log", mode: w}
  late: {class: logging.FileHandler, formatter: s, filename: "${hydra:runtime.output_dir}/late.log", delay: true}
  never: {class: logging.FileHandler, level: ERROR, filename: "${hydra:runtime.output_dir}/no.log", delay: true}
root:
  handlers: [out, relative, late, never]
disable_existing_loggers: false
"""


@pytest.mark.parametrize(
    "isolation", ["auto", *(pytest.param(one, marks=pytest.mark.slow) for one in ("spawn", "none"))]
)
def test_a_root_without_a_level_and_files_named_by_the_config(weird_tmp_path: Path, isolation: str) -> None:
    both = run(weird_tmp_path, "x=1,2", "hydra/job_logging=mine", mine=MINE, isolation=isolation)
    assert b"MY train said 2" in both.ours.files["1/sub-2.log"]
    assert "1/no.log" not in both.ours.files


@pytest.mark.slow
def test_none_of_a_tasks_own_logs(weird_tmp_path: Path) -> None:
    """Its handlers are Hydra's, whose file is that of the process that started the sweep."""
    hydra_log = """
    version: 1
    formatters: {simple: {format: "H %(message)s"}}
    handlers:
      file: {class: logging.FileHandler, formatter: simple, filename: sweep/hydra.log, delay: true}
    root: {level: WARNING, handlers: [file]}
    disable_existing_loggers: false
    """
    files = {"conf/hydra/hydra_logging/mine.yaml": hydra_log}
    both = run(weird_tmp_path, "x=1", "hydra/hydra_logging=mine", "hydra/job_logging=none", more=files)
    assert b"H warned 1" in both.ours.files["hydra.log"]


SCRIPT_APP = """
import logging, logging.handlers, sys, warnings
import hydra

logging.basicConfig(format="EARLY %(message)s", level=logging.WARNING)
logging.captureWarnings(True)
warnings.filterwarnings("error", message="turn me")
warnings.filterwarnings("ignore", message="not me")
logging.addLevelName(25, "NOTE")
log = logging.getLogger(__name__)
own = logging.getLogger("own")
own.propagate = False
own.setLevel(logging.DEBUG)
own.addHandler(logging.StreamHandler(sys.stdout))
own.handlers[0].setFormatter(logging.Formatter("OWN %(name)s %(levelname)s %(message)s"))
before = logging.getLogRecordFactory()

def numbered(*words, **more):
    record = before(*words, **more)
    record.msg = f"~{record.msg}"
    return record

logging.setLogRecordFactory(numbered)

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    log.info("name %s", __name__)
    log.log(25, "noted")
    own.debug("to itself")
    warnings.warn("hear me", UserWarning)
    warnings.warn("not me", UserWarning)
    try:
        warnings.warn("turn me", UserWarning)
    except UserWarning as error:
        log.warning("turned: %s", error)
    try:
        {}["k"]
    except KeyError:
        log.exception("caught")
    print(logging.getLogger().level, logging.getLogger().handlers[0].formatter._fmt, log.getEffectiveLevel())

main()
"""
COLOURED = """
version: 1
formatters:
  c: {"()": colorlog.ColoredFormatter, format: "%(log_color)s%(levelname)s%(reset)s %(message)s"}
handlers:
  out: {class: logging.StreamHandler, formatter: c, stream: ext://sys.stdout}
root: {level: INFO, handlers: [out]}
loggers: {own: {level: INFO}}
disable_existing_loggers: false
"""


@pytest.mark.parametrize(
    "overrides",
    [["hydra/job_logging=none"], rarer(), rarer("hydra/job_logging=mine"), rarer("hydra.verbose=own"),
     rarer("hydra/hydra_logging=none", "hydra/job_logging=none")],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize(
    "isolation", ["auto", *(pytest.param(one, marks=pytest.mark.slow) for one in ("spawn", "none"))]
)
def test_what_a_script_sets_up_at_its_top(weird_tmp_path: Path, overrides: list[str], isolation: str) -> None:
    pytest.importorskip("colorlog")
    files = {"app.py": SCRIPT_APP, "conf/config.yaml": CONFIG, "conf/hydra/job_logging/mine.yaml": COLOURED}
    ours = [f"hydra.launcher.isolation={isolation}"]
    both = run_as_basic(weird_tmp_path, files, "x=1", *overrides, ours=ours)
    both.same()
    both.same_output(stderr=False)
