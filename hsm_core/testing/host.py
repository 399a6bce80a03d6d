"""Checks what every host must do; a test module of a host binds it to a real one."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path

import pytest

from hsm_core.hosts.interface import Host
from hsm_core.hosts.registry import open_host

from .waiting import wait_until


class HostContract:
    """Subclass it as ``TestMyHost``, and give it the fixtures ``host`` and ``folder``.

    Args:
        host: the host.
        folder: an empty directory on it, which a test of this machine can read and write, too.
    """

    def test_what_a_command_prints_and_how_it_ends_are_told_apart(self, host: Host) -> None:
        done = host.run(["sh", "-c", "echo out; echo err >&2; exit 3"], 60.0)
        assert (done.code, done.out, done.err) == (3, "out\n", "err\n")

    @pytest.mark.parametrize("word", ["a b", "it's", '"', "$HOME", "`id`", "a\nb", "ünï ☂", "", "*", "\\"])
    def test_words_arrive_as_they_are(self, host: Host, word: str) -> None:
        assert host.run(["printf", "%s|", word, "end"], 60.0).out == f"{word}|end|"

    def test_a_command_that_is_not_there_is_an_error(self, host: Host) -> None:
        with pytest.raises(OSError):
            host.run(["no-such-command-here"], 60.0)
        assert host.which("no-such-command-here") is None
        assert (host.which("sh") or "").endswith("/sh")

    def test_one_that_does_not_end_in_time_is_killed_with_what_it_started(self, host: Host, folder: Path) -> None:
        mark = folder / "late"
        began = time.monotonic()
        done = host.run(["sh", "-c", f"echo so far; (sleep 2; touch {shlex.quote(str(mark))}) & sleep 60"], 0.5)
        assert (done.code, done.out) == (None, "so far\n")
        assert time.monotonic() - began < 30
        time.sleep(2.5)
        assert not mark.exists()

    def test_a_command_has_no_input(self, host: Host) -> None:
        assert host.run(["cat"], 60.0).out == ""

    def test_it_runs_where_it_is_told_with_the_variables_that_it_is_given(self, host: Host, folder: Path) -> None:
        env = {"PATH": host.environment["PATH"], "HSM_TEST": "a 'b'"}
        done = host.run(["sh", "-c", 'pwd; echo "$HSM_TEST $HOME"'], 60.0, cwd=folder, env=env)
        assert done.out == f"{folder}\na 'b' \n"

    def test_commands_run_as_its_user(self, host: Host) -> None:
        assert host.run(["id", "-un"], 60.0).out.strip() == host.user

    def test_a_started_process_lives_on_and_writes_to_its_log(self, host: Host, folder: Path) -> None:
        log = folder / "log"
        log.write_text("before\n")
        process = host.start(["sh", "-c", "echo started; exec sleep 60"], host.environment, log)
        assert host.evidence_of_death(process) is None
        wait_until(lambda: log.read_text() == "before\nstarted\n")
        host.signal(process, signal.SIGTERM)
        wait_until(lambda: host.evidence_of_death(process) is not None)
        host.signal(process, signal.SIGTERM)  # to one that is gone: nothing

    def test_what_can_not_be_started_is_an_error(self, host: Host, folder: Path) -> None:
        with pytest.raises(OSError):
            host.start(["no-such-command-here"], host.environment, folder / "log")

    def test_it_is_found_again_by_its_name(self, host: Host) -> None:
        assert type(open_host(host.name)) is type(host)
        assert open_host(host.name).name == host.name

    def test_a_file_is_read_in_parts(self, host: Host, folder: Path) -> None:
        path = folder / "it's a file"
        path.write_bytes(b"0123456789")
        assert (host.read(path), host.read(path, 7), host.read(path, 2, 3)) == (b"0123456789", b"789", b"234")
        with pytest.raises(OSError):
            host.read(folder / "none")
