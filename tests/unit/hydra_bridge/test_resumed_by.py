"""What an app suggests that ``hsm resume`` started is a line that can be typed where that was."""

from __future__ import annotations

import json
import os

import pytest

from hsm_core.hydra_bridge import resumed_by
from hsm_core.settings import RESUMED_BY
from hsm_core.text import advice


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
    text = "error: no\n  because: hydra.launcher.slots=0\n  "
    assert resumed_by.typable(text + advice(suggested)) == text + advice(line)


@pytest.mark.parametrize(
    ("typed", "text", "line"),
    [
        ("-m x=1", "  fix: hydra.launcher.slots=1    # here",
         "  next: python a.py -m x=1 hydra.launcher.slots=1    # here"),
        ("-m lrr=1,2", "error: lrr=1: no key 'lrr'\n  fix: lr=1,2",
         "error: lrr=1: no key 'lrr'\n  next: python a.py -m lr=1,2"),
        ("-m modle=b", "error: no key 'modle'\n  fix: model=b",
         "error: no key 'modle'\n  next: python a.py -m model=b"),
        ("-m db.a=2 hydra.launcher.tasks_per_node=1", "error: tasks_per_job=0\n  fix: hydra.launcher.tasks_per_job=1",
         "error: tasks_per_job=0\n  next: python a.py -m db.a=2 hydra.launcher.tasks_per_node=1"
         " hydra.launcher.tasks_per_job=1"),
        ("-m s=2 n=2", "error: 's' and 'n'\n  fix: slots=2\n  fix: nice=2", ""),
        ("-m hydra.launcher.slott=2 hydra.launcher.nise=2",
         "error: 'slott'\n  fix: hydra.launcher.slots=2\nerror: 'nise'\n  fix: hydra.launcher.nice=2",
         "error: 'slott'\n  fix: hydra.launcher.slots=2\nerror: 'nise'\n  fix: hydra.launcher.nice=2"
         "\n  next: python a.py -m hydra.launcher.slots=2 hydra.launcher.nice=2"),
        ("-m +sweep=one", "  fix: slots: 3    # instead of slot", ""),
        ("-m +sweep=one", "  fix: lr=range(0,5)", ""),
        ("-m +sweep=one", "  fix: hydra.sweep.dir=DIRECTORY", ""),
        ("-m +sweep=one", "  fix: hydra.launcher.gres=…", ""),
        ("-m +sweep=one", "  next: hsm-status x", ""),
        ("-m token=a", "  fix: hydra.launcher.slots=1",
         '  next: python a.py -m token="${TOKEN:?}" hydra.launcher.slots=1'),
    ],
)  # fmt: skip
def test_an_app_repeats_its_own_line(monkeypatch: pytest.MonkeyPatch, typed: str, text: str, line: str) -> None:
    monkeypatch.setattr("sys.orig_argv", ["python", "a.py", *typed.split()])
    monkeypatch.setattr("sys.argv", ["a.py", *typed.split()])
    assert resumed_by.typable(text) == (line or text)


def test_without_a_known_line_all_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.orig_argv", ["python", "-c", "main()", "-m"])
    monkeypatch.setattr("sys.argv", ["-c", "-m"])
    assert resumed_by.typable("  fix: hydra.launcher.slots=1") == "  fix: hydra.launcher.slots=1"
