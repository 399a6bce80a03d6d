"""What hsm doctor --install does on a host is what was shown, in the versions of this environment."""

from __future__ import annotations

import json
from importlib import metadata

import pytest

from hsm_core.cli.doctor.install import carry_out, make_plan, wanted_packages
from hsm_core.detect.python_there import own_interpreter
from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.interface import Done
from hsm_core.testing.recording import RecordingHost, Reply

HERE = own_interpreter()
MINOR = HERE.version.rpartition(".")[0]
_HOME = {"HOME": "/home/ann"}


def answer(version: str = HERE.version) -> str:
    return "hsm-python:" + json.dumps({"python": "p", "version": version, **HERE.packages}) + "\n"


def host(**replies: Reply) -> RecordingHost:
    return RecordingHost(dict(replies), name="ssh:box1", environment=_HOME)


def test_a_plain_name_gets_the_version_that_is_here_and_all_else_stays() -> None:
    packages = wanted_packages(["click", "torch>=2.4", "no-such-package-here", "hydra-core"])
    assert packages == (
        f"hydra-core=={metadata.version('hydra-core')}", f"omegaconf=={metadata.version('omegaconf')}",
        f"click=={metadata.version('click')}", "torch>=2.4", "no-such-package-here",
    )  # fmt: skip


def test_what_follows_a_plus_is_known_to_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsm_core.cli.doctor.install.version", lambda name: "2.5.1+cu124")
    assert wanted_packages(["torch"])[-1] == "torch==2.5.1"


@pytest.mark.parametrize("word", ["-r", "--index-url=x", "./here", "/abs", "~/home", ".", "a\nb", ""])
def test_an_option_or_a_path_is_no_package(word: str) -> None:
    with pytest.raises(ConfigError, match="names no package"):
        wanted_packages([word])


def test_the_environment_is_made_by_a_python_of_this_minor_version() -> None:
    plan = make_plan(host(python3=answer(f"{MINOR}.0")), ["hydra-core==1"])
    assert plan.commands[0] == ("python3", "-m", "venv", "/home/ann/hsm-env")
    assert plan.commands[1][0] == "/home/ann/hsm-env/bin/python"
    assert plan.words.endswith(" hydra-core==1")


def test_without_such_a_python_it_is_told_what_is_there() -> None:
    with pytest.raises(BackendError, match=f"box1 has no Python {MINOR}") as raised:
        make_plan(host(python3=answer("3.7.1")), [])
    assert "python3: Python 3.7.1" in raised.value.evidence
    assert raised.value.fix.startswith(f"uv python install {MINOR} ")


def test_an_environment_of_another_python_is_left_alone() -> None:
    with pytest.raises(BackendError, match="is an environment of Python 3") as raised:
        make_plan(host(python=answer("3.7.1"), python3=answer()), [])
    assert raised.value.fix.startswith("mv /home/ann/hsm-env /home/ann/hsm-env-3.7.1 ")


@pytest.mark.parametrize(
    ("command", "said", "words", "fix"),
    [
        ("-m venv", "ensurepip is not available", "no environment can", f"sudo apt install python{MINOR}-venv"),
        ("-m venv", "No space left on device", "No space left on device", ""),
        (
            "-m pip", "('Failed to establish a new connection: [Errno 101] Network is unreachable')",
            "pip: Failed to establish a new connection: [Errno 101] Network is unreachable",
            "pip wheel -w wheels h==1 && tar c wheels | ssh box1 'tar x && ",
        ),
        ("-m pip", "No matching distribution found for h==1", "No matching distribution found for h==1", ""),
        ("-c import", "No module named yaml", "can't import Hydra", ""),
    ],
)  # fmt: skip
def test_what_fails_is_told_with_what_was_said(command: str, said: str, words: str, fix: str) -> None:
    bad = Done((), 1, "", said)
    replies: dict[str, Reply] = {"python": answer(), "python3": answer()}
    for one in ("-m venv", "-m pip", "-c import"):
        failing = bad if one == command else ""
        replies |= {f"python {one}": failing, f"python3 {one}": failing}
    there = RecordingHost(replies, name="ssh:box1", environment=_HOME)
    with pytest.raises(BackendError) as raised:
        carry_out(there, make_plan(there, ["h==1"]), "ssh box1")
    assert words in str(raised.value)
    assert raised.value.fix.startswith(fix)
    assert bool(raised.value.fix) == bool(fix)


def test_what_was_made_is_looked_at() -> None:
    replies: dict[str, Reply] = {"python": answer(), "python3": answer(), "python -m pip": "", "python3 -m venv": ""}
    there = RecordingHost({**replies, "python -c import": ""}, name="ssh:box1", environment=_HOME)
    plan = make_plan(there, ["h==1"])
    assert carry_out(there, plan, "ssh box1").understands(HERE)
    assert [call.argv for call in there.calls if "-m" in call.argv] == list(plan.commands)
