"""A set-up line that fails ends its script with its own exit code, and the script's log says which one it was."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from hsm_core.errors import ConfigError
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.job_log import reason_in
from hsm_core.schedulers.setup_lines import failed_line, guarded, require_shell
from hsm_core.store.state.jobs import SETUP_ENDED, SETUP_FAILED


def run(folder: Path, lines: Sequence[str], *, strict: bool = True, on_stdin: bool = False) -> tuple[int, str]:
    """Exit code and output of a script with these lines, which says ``began`` after them."""
    script = folder / "a script.sh"
    script.write_text("\n".join(["#!/bin/bash", *guarded(lines, strict=strict), "false", "echo began"]))
    with script.open() as stream:
        argv = ["bash"] if on_stdin else ["bash", str(script)]
        done = subprocess.run(argv, stdin=stream, capture_output=True, text=True, cwd=folder, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("lines", "code", "named"),
    [
        (["echo a", "no-such-command --load x", "echo b"], 127, "no-such-command --load x"),
        (["module() { local x=1; eval false; return 4; }", "module load nosuch"], 4, "module load nosuch"),
        (["cd /nosuch"], 1, "cd /nosuch"),
        (["echo 'return 3' > it.sh", "source ./it.sh"], 3, "source ./it.sh"),
        (["if true; then", "ls /nosuch", "fi"], 2, "ls /nosuch"),
        (["echo a\n(exit 9)\necho b"], 9, "(exit 9)"),
    ],
)
@pytest.mark.parametrize("on_stdin", [False, True])
def test_a_line_that_fails_ends_the_script(
    tmp_path: Path, lines: list[str], code: int, named: str, on_stdin: bool
) -> None:
    ended, said = run(tmp_path, lines, on_stdin=on_stdin)
    assert ended == code
    assert "began" not in said
    assert f"hsm: a set-up line failed (exit code {code}): " in said
    assert on_stdin or said.splitlines()[-1].endswith(f": {named}")
    found = reason_in(said)
    assert found is not None
    assert found[0] == "launch"
    assert found[1].startswith(SETUP_FAILED)
    assert run(tmp_path, lines, strict=False)[1].endswith(("began\n", "No such file or directory\n", "not found\n"))


@pytest.mark.parametrize(
    ("lines", "code", "told"),
    [
        (["exit 7"], 7, "exit 7"),
        (["exit"], 0, "exit"),
        (["false || exit 3"], 3, "exit 3"),
        (["echo 'echo no licence; exit 5' > it.sh", "source ./it.sh"], 5, "it said: no licence"),
        (["set -u", "echo $NO_SUCH_NAME"], 1, ""),
        (["set -e", "false"], 1, "false"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("on_stdin", [False, True])
def test_a_line_that_ends_its_script_is_told(
    tmp_path: Path, lines: list[str], code: int, told: str, strict: bool, on_stdin: bool
) -> None:
    ended, said = run(tmp_path, lines, strict=strict, on_stdin=on_stdin)
    assert ended in (code, 127)
    assert "began" not in said
    assert said.count("hsm: a set-up line ") == 1
    found = reason_in(said)
    assert found is not None
    assert found[0] == "launch"
    assert found[1].startswith((SETUP_FAILED, SETUP_ENDED))
    assert told in found[1]


def test_a_script_that_is_killed_says_nothing_of_its_lines(tmp_path: Path) -> None:
    assert "hsm:" not in run(tmp_path, ["kill -TERM $$", "sleep 9"], strict=False)[1]


def test_what_the_scheduler_says_goes_before_the_exit_that_it_caused() -> None:
    assert reason_in(
        "slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2026-11-29T00:00:00 DUE TO TIME LIMIT ***\n"
        "hsm: a set-up line ended the job (exit code 1): sleep 100\n"
    ) == ("walltime", "slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2026-11-29T00:00:00 DUE TO TIME LIMIT ***")


def test_traps_of_the_user_stay(tmp_path: Path) -> None:
    _, said = run(tmp_path, ["trap 'echo cleaned' EXIT", "trap"])
    assert said.endswith("began\ncleaned\n")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["printf 'false\\ngrep -q x /dev/null\\ntrue\\n' > it.sh", "source ./it.sh"],
        ["f() { false; true; }", "f"],
        ["[ -f nosuch ] && echo x", "false || true", "if false; then echo x; fi", "! true", "export A=$(false)"],
    ],
)
def test_what_is_no_failure_of_a_line_goes_on(tmp_path: Path, lines: list[str]) -> None:
    code, said = run(tmp_path, lines)
    assert (code, said) == (0, "began\n")


def test_what_was_printed_before_is_told_too() -> None:
    log = "1\n2\n/var/spool/job7/slurm_script: line 9: x: not found\n3\nhsm: a set-up line failed (exit code 1): x\n"
    assert failed_line(log) == (
        "a set-up line failed (exit code 1): x; it said: 2 / line 9: x: not found / 3"
    )
    assert failed_line("it is hsm: a set-up line failed") == ""


@pytest.mark.parametrize("lines", [["echo 'x"], ["if true; then", "echo x"], ["fi"]])
def test_what_bash_cannot_read_is_refused_before_anything_is_submitted(lines: list[str]) -> None:
    with pytest.raises(ConfigError, match="bash can't read hydra"):
        require_shell(lines, LocalHost())


def test_what_bash_can_read_is_not_run(tmp_path: Path) -> None:
    require_shell([f"touch '{tmp_path}/x'", "module load nosuch", "if true; then", "false", "fi"], LocalHost())
    assert not list(tmp_path.iterdir())
