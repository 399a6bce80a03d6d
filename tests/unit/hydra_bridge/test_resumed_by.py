"""What an app suggests that ``hsm resume`` started is a line that can be typed where that was."""

from __future__ import annotations

import json
import os

import pytest

from hsm_core.hydra_bridge import resumed_by
from hsm_core.settings import RESUMED_BY


@pytest.mark.parametrize(
    ("typed", "suggested", "line"),
    [
        ("resume x", "hydra.launcher.slots=1", "hsm resume x --set hydra.launcher.slots=1"),
        ("resume x --set hydra.launcher.nice=0", "hydra.launcher.nice=1", "hsm resume x --set hydra.launcher.nice=1"),
        ("retry x --set=+hydra.launcher.slots=0 --yes", "hydra.launcher.slots=1",
         "hsm retry x --yes --set hydra.launcher.slots=1"),
        ("resume x --set hydra.launcher.mem_gb=4", "hydra.launcher.slots=1",
         "hsm resume x --set hydra.launcher.mem_gb=4 --set hydra.launcher.slots=1"),
        ("resume x --launcher hsm_slurm", "hydra/launcher=hsm_local    # here",
         "hsm resume x --launcher hsm_local    # here"),
        ("resume x", "hydra.launcher.allow_changed=true", "hsm resume x --allow-changed"),
        ("resume x", "'hydra.launcher.only_tasks=\"3,7\"'", "hsm resume x --set 'hydra.launcher.only_tasks=\"3,7\"'"),
        ("resume x", "hydra.launcher.env.API_KEY=1", 'hsm resume x --set hydra.launcher.env.API_KEY="${API_KEY:?}"'),
        ("resume x", "hsm-status x", "hsm-status x"),
        ("resume x", "write \"it's\"", "write \"it's\""),
        ("resume x", "it's no shell", "it's no shell"),
    ],
)  # fmt: skip
def test_settings_become_options_of_the_command(
    monkeypatch: pytest.MonkeyPatch, typed: str, suggested: str, line: str
) -> None:
    monkeypatch.setenv(RESUMED_BY, json.dumps(typed.split()))
    monkeypatch.setattr(resumed_by, "_typed", [])
    resumed_by.note_command()
    assert RESUMED_BY not in os.environ
    text = "error: no\n  because: hydra.launcher.slots=0\n  next: "
    assert resumed_by.typable(text + suggested) == text + line


def test_without_such_a_command_all_stays_as_it_is() -> None:
    assert resumed_by.typable("  next: hydra.launcher.slots=1") == "  next: hydra.launcher.slots=1"
