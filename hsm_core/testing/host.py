"""Checks what every host must do; a test module of a host binds it to a real one."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm_core.hosts.interface import Host
from hsm_core.hosts.registry import open_host

from .waiting import wait_until

_MANY = {f"small {number}": b"%d" % number * number for number in range(300)}


class HostContract:
    """Subclass it as ``TestMyHost``, and give it the fixtures ``host`` and ``folder``.

    Args:
        host: the host.
        folder: an empty directory on it, which need not be seen from this machine.
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
        done = host.run(["sh", "-c", f"echo so far; (sleep 1; touch {shlex.quote(str(mark))}) & sleep 60"], 0.5)
        assert (done.code, done.out) == (None, "so far\n")
        assert time.monotonic() - began < 30
        time.sleep(1.2)
        assert host.files(folder) == []

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
        host.write(log, b"before\n")
        process = host.start(["sh", "-c", "echo started; exec sleep 60"], host.environment, log)
        assert host.evidence_of_death(process) is None
        wait_until(lambda: host.read(log) == b"before\nstarted\n")
        host.signal(process, signal.SIGTERM)
        wait_until(lambda: host.evidence_of_death(process) is not None)
        host.signal(process, signal.SIGTERM)  # to one that is gone: nothing

    def test_what_can_not_be_started_is_an_error(self, host: Host, folder: Path) -> None:
        with pytest.raises(OSError):
            host.start(["no-such-command-here"], host.environment, folder / "log")

    def test_it_is_found_again_by_its_name(self, host: Host) -> None:
        settings = json.loads(json.dumps(dict(host.settings)))
        again = open_host(host.name, settings={**settings, "scheduler": "slurm"})
        assert (type(again), again.name, again.settings) == (type(host), host.name, host.settings)
        assert again.user == host.user
        again.close()

    def test_a_command_reads_what_it_is_given(self, host: Host) -> None:
        given = "ünï ☂\n" * 100_000  # more than a pipe holds
        assert host.run(["sh", "-c", "cat; echo end"], 60.0, stdin=given.encode()).out == f"{given}end\n"
        assert host.run(["true"], 60.0, stdin=given.encode()).code == 0

    def test_several_commands_run_at_once(self, host: Host) -> None:
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(host.run, ["sh", "-c", "sleep 1; echo slow"], 60.0)
            began = time.monotonic()
            assert host.run(["echo", "quick"], 60.0).out == "quick\n"
            assert not slow.done() or time.monotonic() - began > 1
            assert slow.result().out == "slow\n"

    def test_a_file_is_read_in_parts(self, host: Host, folder: Path) -> None:
        path = folder / "it's a file"
        host.write(path, b"0123456789")
        assert (host.read(path), host.read(path, 7), host.read(path, 2, 3)) == (b"0123456789", b"789", b"234")
        assert host.read(path, 10) == b""
        with pytest.raises(FileNotFoundError, match="none"):
            host.read(folder / "none")

    def test_a_file_is_written_whole_with_its_folders_for_its_user_alone(self, host: Host, folder: Path) -> None:
        path = folder / "a\nb" / "ünï ☂"
        host.write(path, b"one")
        host.write(path, b"\0\xff\n")
        assert host.read(path) == b"\0\xff\n"
        assert {(str(one.name), one.kind, one.mode) for one in host.files(folder)} == {
            ("a\nb", "folder", 0o700), ("a\nb/ünï ☂", "file", 0o600),
        }  # fmt: skip
        with pytest.raises(OSError):
            host.write(path / "below a file", b"")
        assert len(host.files(folder)) == 2

    def test_what_is_appended_twice_is_there_once(self, host: Host, folder: Path) -> None:
        path = folder / "new" / "lines"
        host.append(path, 0, b"one\n")
        for _ in range(2):
            host.append(path, 4, b"two\n")
        host.append(path, 4, b"two\nthree\n")  # as after a disk that was full
        assert host.read(path) == b"one\ntwo\nthree\n"
        for offset, data in ((20, b"gap"), (4, b"other"), (0, b"one\n")):
            with pytest.raises(ValueError):
                host.append(path, offset, data)
        assert host.read(path) == b"one\ntwo\nthree\n"

    def test_what_is_written_over_stays_in_its_place(self, host: Host, folder: Path) -> None:
        path = folder / "lease"
        host.write(path, b"one two")
        before = host.files(folder)[0].size
        host.overwrite(path, b"ONE")
        assert (host.read(path), host.files(folder)[0].size) == (b"ONE two", before)
        with pytest.raises(ValueError):
            host.overwrite(path, b"more than it has")
        with pytest.raises(FileNotFoundError):
            host.overwrite(folder / "none", b"")
        assert host.read(path) == b"ONE two"

    def test_its_clock_goes_on_and_tells_seconds_since_its_boot(self, host: Host) -> None:
        first = host.clock()
        assert 0 < first <= host.clock() < first + 60

    def test_files_are_copied_both_ways(self, host: Host, folder: Path, tmp_path: Path) -> None:
        contents = {"empty": b"", "a\nb ü": b"\0\n\xff", "large": os.urandom(3_000_000), **_MANY}
        here, back = tmp_path / "here", tmp_path / "back" / "again"
        here.mkdir()
        for name, content in contents.items():
            (here / name).write_bytes(content)
        (here / "empty").chmod(0o755)
        host.push({here / name: folder / "new" / name for name in contents})
        host.pull({folder / "new" / name: back / name for name in contents})
        assert {path.name: path.read_bytes() for path in back.iterdir()} == contents
        modes = {one.name.name: one.mode for one in host.files(folder / "new")}
        assert (modes["empty"], modes["large"]) == (0o700, 0o600)

    def test_what_can_not_be_copied_is_an_error_that_leaves_nothing(
        self, host: Host, folder: Path, tmp_path: Path
    ) -> None:
        there, here = folder / "none", tmp_path / "none"
        with pytest.raises(FileNotFoundError):
            host.pull({there: here})
        with pytest.raises(FileNotFoundError):
            host.push({here: there})
        assert (host.files(folder), list(tmp_path.glob("*none*"))) == ([], [])

    def test_links_are_listed_and_not_followed(self, host: Host, folder: Path) -> None:
        host.write(folder / "in" / "file", b"123")
        host.run(["sh", "-c", "ln -s / up; ln -s none broken; mkfifo pipe"], 60.0, cwd=folder)
        found = {str(one.name): (one.kind, one.size, one.target) for one in host.files(folder)}
        assert found == {
            "in": ("folder", 0, ""), "in/file": ("file", 3, ""),
            "up": ("link", 0, "/"), "broken": ("link", 0, "none"),
        }  # fmt: skip
        with pytest.raises(OSError):
            host.files(folder / "none")

    def test_closing_ends_what_runs_and_not_what_was_started(self, host: Host, folder: Path) -> None:
        process = host.start(["sleep", "60"], host.environment, folder / "log")
        with ThreadPoolExecutor() as pool:
            running = pool.submit(host.run, ["sh", "-c", "touch begun; sleep 50; touch late"], 60.0, cwd=folder)
            wait_until(lambda: any(one.name.name == "begun" for one in host.files(folder)))
            began = time.monotonic()
            host.close()
            with contextlib.suppress(OSError):  # a host that is told to close need not tell how it ended
                running.result()
        assert time.monotonic() - began < 30
        assert host.evidence_of_death(process) is None
        host.signal(process, signal.SIGKILL)
        wait_until(lambda: host.evidence_of_death(process) is not None)
