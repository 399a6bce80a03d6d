"""The Python of a host is one that understands what is pickled here; else both sides are named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hsm_core.detect.python_there import Interpreter, find_python, own_interpreter
from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done
from hsm_core.hosts.local import LocalHost
from hsm_core.testing.recording import RecordingHost, Reply

HERE = own_interpreter()


def answer(path: str = "/there/python3", version: str = HERE.version, **packages: str) -> str:
    told = {**HERE.packages, **{name.replace("_", "-"): value for name, value in packages.items()}}
    return "Welcome\nhsm-python:" + json.dumps({"python": path, "version": version, **told}) + "\n"


def test_the_one_that_runs_this_is_found_here() -> None:
    assert find_python(LocalHost(), named=sys.executable) == HERE


@pytest.mark.parametrize(
    ("project", "environment", "wanted"),
    [
        (Path("/p"), {"VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c"}, "/v"),
        (Path("/p"), {"CONDA_PREFIX": "/c"}, "/c"),
        (Path("/p"), {}, "/uv"),
        (None, {}, "/usr"),
    ],
)
def test_the_nearest_environment_goes_first(project: Path | None, environment: dict[str, str], wanted: str) -> None:
    def told(argv: object) -> Done:
        path = argv[0]  # type: ignore[index]
        if path.startswith(("/p/", "~")):
            raise FileNotFoundError(2, "No such file or directory", path)
        return Done((), 0, answer(path if path != "python3" else "/usr"), "")

    replies: dict[str, Reply] = {"python": told, "python3": told, "uv python find": "/uv/bin/python\n"}
    host = RecordingHost(replies, environment=environment)
    assert find_python(host, project=project).path.startswith(wanted)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(version="3.9.1"), "python3: Python 3.9.1 with Hydra"),
        (answer(hydra_core=""), "without hydra-core"),
        (answer(hydra_core="1.1.0"), "with Hydra 1.1.0"),
        ("hsm-python:[1]\n", "can't be used"),
        ("hsm-python:" + "[" * 100_000, "can't be used"),
        ("nothing\n", "python3: exit code 0: nothing"),
        (Done((), 1, "", "broken"), "python3: exit code 1: broken"),
    ],
)
def test_without_one_both_sides_are_named(reply: Reply, words: str) -> None:
    with pytest.raises(BackendError, match="box1 has no Python") as raised:
        find_python(RecordingHost({"python3": reply}, name="ssh:box1"))
    assert HERE.words in str(raised.value)
    assert words in raised.value.evidence
    assert raised.value.fix.startswith("hsm doctor --host box1 --install ")


def test_only_the_named_one_is_asked() -> None:
    host = RecordingHost({"python3": answer()}, name="ssh:box1")
    with pytest.raises(BackendError, match="/opt/python on box1 can't run") as raised:
        find_python(host, named="/opt/python")
    assert "no such file" in raised.value.evidence
    assert len(host.calls) == 1


def test_another_patch_version_will_do() -> None:
    minor = HERE.version.rpartition(".")[0]
    assert Interpreter("p", f"{minor}.99", HERE.packages).understands(HERE)


def test_a_path_from_home_is_the_host_s() -> None:
    host = RecordingHost({"python": answer()}, environment={"HOME": "/home/ann"})
    find_python(host, named="~/hsm-env/bin/python")
    assert host.calls[0].argv[0] == "/home/ann/hsm-env/bin/python"
