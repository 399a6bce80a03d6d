"""Every line that a view prints to be copied runs what it shows, and no name in a record runs anything else."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import hsm_core
from hsm_core.model import Span
from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.files import to_json
from hsm_core.store.journal import JournalWriter
from hsm_core.store.tasks import TaskTable
from hsm_core.text import UNSEEN
from hsm_core.views.lines_to_copy.rerun import rerun_words
from tests.unit.cli.test_status import Shell
from tests.unit.store.making import ELSEWHERE, MadeSweep, complete, fail, killed_process, start

#: What a scheduler's refusal suggests, in an event that anybody may have written.
FIX = "pwn --all"
#: Runs ``pwn`` in a shell that takes any of it for its own words; and turns, hides and moves text.
EVIL = (
    "x'\"\n\npwn\n;pwn;$(pwn)`pwn`&pwn|pwn"
    "\n  next: pwn 1\nerror: pwn 2\n# \r\x1b[2K\x1b]0;pwn\x07\u202e\u200b\x9b31m --pwn !pwn %s\\n~"
)
NAMED = re.compile(r"^ *(?:next|rerun|try): (.*)$", re.MULTILINE)
#: In a message, further lines of a value stand further right than its own.
OWN = re.compile(r"^ {0,2}(?:next|rerun|try): (.*)$", re.MULTILINE)
VIEWS = (
    ("status",), ("status", "--json"), ("list", "--all"), ("errors",), ("errors", "--json"), ("logs",), ("logs", "0"),
    ("logs", "0", "--stderr"), ("tasks",), ("tasks", "--format", "wide"), ("tasks", "--format", "ids"),
    ("results",), ("results", "--best"), ("results", "--best", "nothing"), ("results", "--where", "nothing > 1"),
    ("command", "0"), ("command", "77"), ("reproduce", "0"), ("resume", "--dry-run"), ("retry", "--dry-run"),
    ("cancel", "--dry-run"), ("complete", "--dry-run"), ("wait", "--timeout", "0"), ("forget",),
    ("plot",), ("plot", "--best", "nothing"), ("plot", "--curves"), ("pull",),
)  # fmt: skip
WHOLE_SCRIPTS = ("command", "reproduce", "resume", "retry")


class Pasting:
    """A directory to be all of PATH, whose programs write down their words."""

    def __init__(self, place: Path) -> None:
        self.bin, self.log, self.home = place / "bin", place / "ran", place / "home"
        self.bin.mkdir()
        self.home.mkdir()
        log = shlex.quote(str(self.log))
        recorder = f"""#!/bin/sh\nprintf '%s\\0' "${{0##*/}}" "$@" >> {log}\nprintf '\\0' >> {log}\n"""
        names = "pwn hsm hsm-status python python3 git cp chmod df ls mkdir env touch"
        for name in names.split():
            (self.bin / name).write_text(recorder)
            (self.bin / name).chmod(0o755)

    def ran(self, shell: str, script: str) -> list[list[str]]:
        """The commands that a script ran, each with its words."""
        self.log.unlink(missing_ok=True)
        environment = {"PATH": str(self.bin), "HOME": str(self.home)}
        subprocess.run(
            [f"/bin/{shell}"], input=script.encode(), cwd=self.home, env=environment, capture_output=True, check=False
        )
        told = self.log.read_bytes().decode("utf-8", "surrogateescape") if self.log.exists() else ""
        return [words.split("\0") for words in told.removesuffix("\0\0").split("\0\0") if words]


@pytest.fixture
def pasting(tmp_path: Path) -> Pasting:
    return Pasting(tmp_path)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "state")


@pytest.fixture
def hostile(shell: Shell, tmp_path: Path) -> MadeSweep:
    """A sweep that says EVIL wherever a record can say anything, in a directory that is called so."""
    evil = EVIL.replace("/", "")
    cwd = tmp_path / evil / "cwd"
    cwd.mkdir(parents=True)
    sweep = MadeSweep(
        tmp_path / evil / "sweep", total=4, task_overrides=[[f"lr={EVIL}", f"+{EVIL}=1", EVIL] for _ in range(4)],
        description=EVIL, tags=(EVIL,), command=("python", EVIL), cwd=str(cwd), user=EVIL, host=EVIL,
        launcher="hsm_local", launcher_fields=(f"hydra.launcher.env={EVIL}",), metric=((EVIL, "min"),),
        overrides={"hydra": [f"hydra.job.name={EVIL}"], "task": [EVIL]}, git={"commit": "a" * 40, "branch": EVIL},
        versions={"python": EVIL, "hsm": "0.1.0"},
        app={
            "name": EVIL, "main": ["python", EVIL], "python": EVIL, "argv": ["--config-name", EVIL], "function": EVIL,
            "taken": [[EVIL], [EVIL]], "under_main": True, "env": {"A": EVIL, EVIL: EVIL}, "pythonpath": EVIL,
            "config_name": EVIL, "config_dir": EVIL,
        },
    )  # fmt: skip
    code = {"root": f"{tmp_path}/{evil}", "more": [], "files": {}, "untracked": [EVIL], "git": sweep.record.git}
    sweep.paths.first_code.code.write_bytes(to_json(code))
    sweep.paths.first_code.patch.write_text("")
    sweep.paths.first_code.requirements.write_text(f"# {EVIL}==1 from file:///{EVIL}\nclick==8\n")
    files = sweep.files(0)
    files.stdout.write_text(EVIL)
    files.stderr.write_text(EVIL)
    conductor = sweep.conductor((Span(0, 1, 4),))
    conductor.append(events.Refusal("launch-0/submit-1", EVIL, EVIL, FIX, choices=(EVIL, EVIL + "2")))
    worker = sweep.worker("w1", killed_process(), node=EVIL)
    fail(worker, 0, EVIL, "exception", trace=EVIL)
    start(worker, 1)
    complete(worker, 2)
    return sweep


@pytest.fixture
def on_hosts(hostile: MadeSweep) -> MadeSweep:
    """The same, whose other tasks are on a machine and in a queue, both of which are called so."""
    named = {"name": EVIL, "host": EVIL, "user": EVIL, "dir": EVIL, "python": EVIL, "transport": "openssh"}
    settings = {"address": json.dumps(named), "ssh_config": f"/{EVIL}", "dir": EVIL}
    writer = JournalWriter(hostile.paths.journal("conductor-b"))
    for event in (
        events.ConductorHead("conductor-b", replace(this_process(), host=EVIL), by=EVIL),
        events.SourceAdded(EVIL, "host", f"ssh:{EVIL}", settings),
        events.SourceAdded("queue", "queue", "local", {"scheduler": EVIL}),
        events.Submit("launch-0/submit-2", token=EVIL, tasks=(Span(1, 1, 1),), source=EVIL),
        events.HandedOver("launch-0/submit-2", native_id=EVIL),
        events.Submit("launch-0/submit-3", token="x", tasks=(Span(3, 1, 1),), source="queue", logs=(f"{EVIL}.out",)),
        events.HandedOver("launch-0/submit-3", native_id=EVIL), events.Waits(EVIL),
        events.Withdrawn("launch-0/submit-3", EVIL), events.Interrupted(EVIL),
    ):  # fmt: skip
        writer.append(event)
    worker = hostile.worker("w2", replace(ELSEWHERE, host=EVIL), (Span(1, 1),), node=EVIL)
    worker.append(events.Ready("launch-0", "fork", 1, 0.1, against_forks=(EVIL,)))
    worker.append(events.Broken("launch-0", EVIL, EVIL))
    worker.append(events.Trouble(EVIL))
    worker.append(events.Start(1, 1, EVIL.replace("/", ""), host=EVIL))
    worker.append(events.Lost(1, 1, EVIL, final=True))
    return hostile


def views(shell: Shell, sweep: MadeSweep) -> Iterator[tuple[str, str, str]]:
    for command, *words in VIEWS:
        named = [] if command == "list" else [str(sweep.root)]
        done = shell.run("hsm", command, *named, *words)
        yield " ".join((command, *words)), done.stdout, done.stderr


@pytest.mark.parametrize("kind", ["hostile", "on_hosts"])
def test_no_name_in_a_record_is_run_and_none_reaches_the_terminal(
    shell: Shell, kind: str, pasting: Pasting, request: pytest.FixtureRequest
) -> None:
    seen = 0
    for view, out, err in views(shell, request.getfixturevalue(kind)):
        assert "Traceback" not in err, view
        if not (view.startswith("logs 0") or "--json" in view):
            assert not UNSEEN.search((out + err).replace("\n", "")), view
        scripts = NAMED.findall(out) + OWN.findall(err) + ([out] if view.split()[0] in WHOLE_SCRIPTS else [])
        for script in scripts:
            seen += 1
            for name in ("bash", "sh"):
                ran = pasting.ran(name, script)
                assert not [words for words in ran if words[0] == "pwn"], (view, script)
                assert not [words for words in ran if words[0].startswith("hsm") and "--pwn" in words], (view, script)
    assert seen > 15


@pytest.mark.parametrize("name", ["bash", "sh"])
def test_a_task_is_run_with_the_very_words_that_are_recorded(
    shell: Shell, hostile: MadeSweep, pasting: Pasting, name: str
) -> None:
    words = rerun_words(hostile.record, TaskTable(hostile.paths)[0])
    line = shell.run("hsm", "command", str(hostile.root), "0").stdout
    assert len(line.splitlines()) == 1
    (pasting.bin / "env").unlink()  # the variables' names are no shell's
    (pasting.bin / "env").symlink_to("/usr/bin/env")
    assert pasting.ran(name, line) == [words]


@pytest.mark.parametrize("name", ["bash", "sh"])
def test_what_reproduces_a_task_runs_nothing_else(
    shell: Shell, hostile: MadeSweep, pasting: Pasting, name: str
) -> None:
    script = shell.run("hsm", "reproduce", str(hostile.root), "0").stdout
    commands = ("# ", "git ", "cd ", "python3 ", ".venv-again/bin/", "env ")
    assert all(line.startswith(commands) for line in script.splitlines())
    again = f"{hostile.root.parent}-{hostile.id}"
    git = pasting.ran(name, script)[0]
    assert git == ["git", "-C", str(hostile.root.parent), "worktree", "add", "--detach", "--", again, "a" * 40]


def test_a_commit_that_is_an_option_is_refused(shell: Shell, tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "s", total=1, versions={"python": "3"}, app={"main": ["python", "a.py"]})
    code = {"root": str(tmp_path), "untracked": [], "git": {"commit": "--upload-pack=pwn", "branch": "x"}}
    sweep.paths.first_code.code.write_bytes(to_json(code))
    done = shell.run("hsm", "reproduce", str(sweep.root), "0")
    assert done.returncode == 1
    assert "the record names no commit" in done.stderr


#: What quotes words for a shell that no terminal shows: job scripts, the agent's start; and how ``quoted`` is made.
QUOTING = (
    "overrides.py", "schedulers/pbs/script.py", "schedulers/slurm/directives.py", "schedulers/slurm/script.py",
    "hosts/agent/carried.py", "cli/click_types.py", "testing/host.py", "testing/scheduler.py",
)  # fmt: skip


def test_lines_to_copy_are_quoted_by_one_function() -> None:
    package = Path(hsm_core.__file__).parent
    found = {path for path in package.rglob("*.py") if re.search(r"shlex\.(quote|join)\b", path.read_text())}
    assert sorted(str(path.relative_to(package)) for path in found) == sorted(QUOTING)
