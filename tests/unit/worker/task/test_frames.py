"""A task's traceback shows the app, and neither what called it nor what that called it with."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hsm_core.worker.task.frames import cut_frames, where

APP = """
import json
from omegaconf import OmegaConf

def fails(how):
    return globals()[how]()

def plainly():
    raise ValueError("bad")

def in_a_library():
    json.loads("{")

def with_a_cause():
    try:
        instantiate(plainly)
    except ValueError as error:
        raise RuntimeError("worse") from error

def with_a_context():
    try:
        instantiate(plainly)
    finally:
        instantiate(1)

def in_a_group():
    found = []
    for _ in range(2):
        try:
            instantiate(plainly)
        except ValueError as error:
            found.append(error)
    raise ExceptionGroup("both", found)

def with_a_parser():
    parse(json.loads, "{")

def missing_in_a_config():
    OmegaConf.create({"a": "${oc.env:HSM_TEST_UNSET}"}).a

def in_a_resolver():
    OmegaConf.register_new_resolver("fails", plainly, replace=True)
    OmegaConf.create({"a": "${fails:}"}).a

def round_and_round():
    first, second = ValueError(1), ValueError(2)
    first.__cause__, second.__context__ = second, first
    raise first
"""
CALLER = "def call(function, *words):\n    return function(*words)\n"


def module(name: str, path: Path, text: str) -> ModuleType:
    path.write_text(text)
    made = ModuleType(name)
    exec(compile(text, str(path), "exec"), vars(made))
    return made


@pytest.fixture
def fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], BaseException]:
    """Calls a function of the app as we call Hydra, and Hydra it."""
    ours, theirs, private = (
        module(name, tmp_path / f"{name}.py", CALLER).call
        for name in ("hsm_core.worker.task.attempt", "hydra.core.utils", "hydra._internal.instantiate")
    )
    app = module("__main__", tmp_path / "train.py", APP)
    vars(app)["instantiate"] = private
    vars(app)["parse"] = module("antlr4.Parser", tmp_path / "Parser.py", CALLER).call
    monkeypatch.chdir(tmp_path)

    def call(how: str) -> BaseException:
        try:
            ours(theirs, app.fails, how)
        except Exception as error:  # noqa: BLE001  whatever the app raises
            error.__traceback__ = (
                error.__traceback__.tb_next if error.__traceback__ else None
            )  # this test's own
            return error
        raise AssertionError("it did not fail")

    return call


HOWS = ["plainly", "in_a_library", "with_a_cause", "round_and_round"]


@pytest.mark.parametrize("how", [*HOWS, *(["in_a_group"] if sys.version_info >= (3, 11) else [])])
def test_neither_our_frames_nor_hydras(fails: Callable[[str], BaseException], how: str) -> None:
    error = fails(how)
    cut_frames(error)
    told = "".join(traceback.format_exception(error))
    assert "train.py" in told
    assert "hsm_core" not in told
    assert "hydra.core" not in told


def test_what_hydra_does_for_the_app_is_left_out(fails: Callable[[str], BaseException]) -> None:
    error = fails("with_a_context")
    cut_frames(error)
    told = "".join(traceback.format_exception(error))
    assert "hydra._internal" not in told
    assert told.count("in with_a_context") == 2


@pytest.mark.filterwarnings(r"ignore:\s*register_new_resolver:UserWarning")
@pytest.mark.parametrize("how", ["missing_in_a_config", "in_a_resolver"])
def test_what_omegaconf_does_for_the_app_is_left_out(fails: Callable[[str], BaseException], how: str) -> None:
    error = fails(how)
    all_of_it = "".join(traceback.format_exception(error))
    cut_frames(error)
    told = "".join(traceback.format_exception(error))
    assert f"in {how}" in told
    assert ("in plainly" in told) == ("in plainly" in all_of_it)  # omegaconf 2.4 itself leaves out what it called
    assert "omegaconf/" not in told
    assert "antlr4/" not in told


def test_a_parser_that_the_app_uses_itself_stays(fails: Callable[[str], BaseException]) -> None:
    error = fails("with_a_parser")
    cut_frames(error)
    assert "Parser.py" in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("how", "place"),
    [("plainly", "train.py:9 in plainly"), ("in_a_library", "train.py:12 in in_a_library"),
     ("with_a_cause", "train.py:18 in with_a_cause")],
)  # fmt: skip
def test_the_innermost_place_of_the_app(fails: Callable[[str], BaseException], how: str, place: str) -> None:
    assert where(fails(how)) == place


def test_a_file_is_named_as_it_is_imported(
    fails: Callable[[str], BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert where(fails("plainly")) == f"{tmp_path}/train.py:9 in plainly"
    monkeypatch.syspath_prepend(tmp_path)
    assert where(fails("plainly")) == "train.py:9 in plainly"


def test_all_of_it_where_hydra_shows_all(
    fails: Callable[[str], BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    error = fails("plainly")
    cut_frames(error)
    assert "hsm_core" in "".join(traceback.format_exception(error))


def raised(kind: type[Any]) -> BaseException:
    try:
        vars(module_of_hydra)["call"](kind)
    except Exception as error:  # noqa: BLE001  of either kind
        return error
    raise AssertionError


module_of_hydra = ModuleType("hydra.core.utils")
exec("def call(kind):\n    raise kind('x')", vars(module_of_hydra))


def test_an_error_of_hydra_is_told_as_hydra_tells_it() -> None:
    compact = type("CompactHydraException", (Exception,), {})
    for kind, is_cut in ((type("Misspelt", (compact,), {}), True), (ValueError, False)):
        error = raised(kind)
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
        cut_frames(error)
        assert (error.__traceback__ is None) == is_cut


def test_compiled_code_of_a_library_is_not_the_apps(tmp_path: Path) -> None:
    library = {"__name__": "numpy.random.mtrand", "__file__": f"{sysconfig.get_paths()['purelib']}/numpy/mtrand.so"}
    exec(compile("def seed(): raise ValueError('no')", "numpy/random/mtrand.pyx", "exec"), library)
    app = {"__name__": "__main__", "__file__": str(tmp_path / "train.py"), "seed": library["seed"]}
    exec(compile("\ndef main(): seed()", str(tmp_path / "train.py"), "exec"), app)
    with pytest.raises(ValueError, match="no") as raised:
        app["main"]()
    assert where(raised.value).endswith("train.py:2 in main")
