"""What a sweep loads when it goes on is what its user started: the user's own state folder knows it, byte by byte."""

from __future__ import annotations

import shlex

import pytest

from .people import People
from .test_acting import failed_sweep


@pytest.mark.parametrize("name", ["boot.json", "payload.pkl", "config.pkl"])
def test_an_app_that_was_exchanged_is_not_loaded(people: People, name: str) -> None:
    root = people.alice.home / f"exchanged-{name}"
    failed_sweep(people.alice, root, people.alice.home / "own.py")
    launch = root / ".hsm" / "launch-0"
    with open(launch / name, "ab") as stream:
        stream.write(b" ")
    before = sorted(path.name for path in (root / ".hsm").iterdir())
    done = people.alice.hsm("retry", str(root), "--yes")
    assert done.returncode == 1, done.stderr
    assert f"{launch} holds an app that you neither made nor accepted" in done.stderr
    assert sorted(path.name for path in (root / ".hsm").iterdir()) == before
    assert "Traceback" not in done.stderr


def test_with_another_state_folder_one_accepts_it_once(people: People) -> None:
    root, state = people.alice.home / "taken along", people.alice.home / "state"
    started = failed_sweep(people.alice, root, people.alice.home / "own.py")
    more = {"XDG_STATE_HOME": str(state)}
    refused = people.alice.hsm("retry", str(root), "--yes", env=more)
    assert "holds an app that you neither made nor accepted" in refused.stderr
    line = next(one for one in refused.stderr.splitlines() if one.startswith("  next: HSM_ACCEPT="))
    variable, *words = shlex.split(line.partition("next: ")[2], comments=True)
    assert words == ["hsm", "resume", str(root)]
    name, _, digest = variable.partition("=")
    accepted = people.alice.hsm(*words[1:], "--retry-failed", "--yes", env={**more, name: digest})
    assert "neither made nor accepted" not in accepted.stderr, accepted.stderr
    started.unlink()
    again = people.alice.hsm("retry", str(root), "--yes", env=more)
    assert "neither made nor accepted" not in again.stderr, again.stderr
    assert started.exists()
    assert (state / "hsm" / "payloads").stat().st_mode & 0o022 == 0


def test_another_digest_accepts_nothing(people: People) -> None:
    root = people.alice.home / "others-digest"
    failed_sweep(people.alice, root, people.alice.home / "own.py")
    more = {"XDG_STATE_HOME": str(people.alice.home / "third"), "HSM_ACCEPT": "0" * 64}
    assert "neither made nor accepted" in people.alice.hsm("retry", str(root), "--yes", env=more).stderr


def test_what_was_moved_is_still_known(people: People) -> None:
    root = people.alice.home / "to-move"
    failed_sweep(people.alice, root, people.alice.home / "own.py")
    root.rename(moved := root.with_name("moved-away"))
    assert "neither made nor accepted" not in people.alice.hsm("retry", str(moved), "--yes").stderr
