"""Runs PBS's own commands, each with a time-out, and tells "no" from "no answer"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hsm_core.hosts.interface import Done, Host

from ..interface import NoAnswer, Refused

ASK_S = 60.0
#: deleting thousands of waiting elements keeps qdel busy for half a minute, and longer on Torque
DELETE_S = 120.0

#: PBSE_UNKJOBID; in PBS Pro also PBSE_HISTJOBID, in Torque also PBSE_UNKARRAYID and PBSE_JOBNOTFOUND
UNKNOWN = 153
FINISHED = 35
USAGE = 2
GONE = {"pbspro": {UNKNOWN, FINISHED}, "torque": {UNKNOWN, 234, 238}}

_DOWN = re.compile(
    r"cannot connect to server|Cannot connect to specified server|Couldn't connect to cluster"
    r"|Connection refused|Unknown Host|Could not connect to batch server|could not connect to trqauthd"
    r"|Server shutting down|Unable to communicate with|Communication failure",
    re.IGNORECASE,
)

#: what is said of a job that the server does not know
_UNKNOWN_WORDS = r"Unknown Job Id(?: Error)?|Unknown Array ID|Job not found|nonexistent job id:?"
_GONE_LINE = re.compile(rf"{_UNKNOWN_WORDS}|Job has finished|state for job - COMPLETE")


class TimedOut(NoAnswer):
    """A command did not end in time."""


class Commands:
    """PBS's commands on a host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def ask(self, argv: Sequence[str], timeout_s: float = ASK_S, *, cwd: Path | None = None) -> Done:
        """Runs one of PBS's commands to its end, whatever it says.

        Raises:
            TimedOut: it did not end in time.
            NoAnswer: it can't be started, or reached no server.
        """
        try:
            done = self.host.run(argv, timeout_s, cwd=cwd)
        except OSError as error:
            raise NoAnswer(f"can't run {argv[0]}", evidence=str(error), fix="which qstat") from error
        if done.code is None:
            raise TimedOut("PBS did not answer", evidence=done.evidence, fix="qstat -B")
        if is_down(done):
            raise no_answer(done)
        return done

    def version(self) -> tuple[int, ...]:
        """Returns the version, as ``qstat --version`` tells it: ``(23, 6, 6)``; empty if it tells none.

        PBS Professional counts by whole years: its ``2022.1`` is OpenPBS's ``22``.

        Raises:
            NoAnswer: it can't be asked.
        """
        done = self.ask(["qstat", "--version"])
        found = re.search(r"(?:pbs_version|Version)\s*[=:]\s*\D{0,3}(\d+(?:\.\d+)*)", done.out + done.err)
        parts = tuple(int(part) for part in found[1].split(".")) if found else ()
        return (parts[0] % 2000, *parts[1:]) if parts else ()

    def run_qsub(self, argv: Sequence[str], cwd: Path) -> Done:
        """Runs ``qsub`` in the directory where the job's log is to land, whatever it says.

        Raises:
            Refused: it can't be started.
        """
        try:
            return self.host.run(argv, ASK_S, cwd=cwd)
        except OSError as error:
            raise Refused("can't run qsub", evidence=str(error), fix="which qsub") from error


def is_down(done: Done) -> bool:
    """Returns whether the command says that it reached no server."""
    return done.code != 0 and bool(_DOWN.search(done.err))


def is_gone(done: Done, flavour: str) -> bool:
    """Returns whether it says only that the job is unknown, or has ended."""
    return not is_down(done) and (done.code in GONE[flavour] or "state for job - COMPLETE" in done.err)


def says_only_that(done: Done) -> bool:
    """Returns whether every error line is about an unknown or ended job: then the rest was answered."""
    return all(_GONE_LINE.search(line) for line in done.err.splitlines() if line.strip())


def says_unknown(done: Done) -> bool:
    """Returns whether it says that the server does not know the one job it was asked about."""
    return re.search(_UNKNOWN_WORDS, done.err) is not None


def no_answer(done: Done) -> NoAnswer:
    return NoAnswer("PBS did not answer", evidence=done.evidence, fix="qstat -B")
