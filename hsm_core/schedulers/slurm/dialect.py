"""Submits to Slurm with sbatch, polls with squeue and sacct, cancels with scancel."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from hsm_core.hosts.interface import Done, Host

from ..interface import Allowed, JobStatus, NoAnswer, Refused, Script
from .choices import explained
from .commands import Commands, sbatch_environment, unanswered
from .limits import read_allowed, read_config
from .parse import (
    EXIT_FORMAT,
    SACCT_FIELDS,
    SEPARATOR,
    SQUEUE_FORMAT,
    read_exit_codes,
    read_sacct,
    read_squeue,
    with_exit_code,
)
from .refusals import is_queue_full, queue_full, refusal

SUBMIT_S = 60.0
#: ids in one command line
PORTION = 500
#: jobs that are asked about one by one at once
MOST_ASKED = 40
#: seconds by which the clocks of the cluster may differ from ours
CLOCKS_S = 3600.0
_NO_ACCOUNTING = re.compile(
    r"accounting storage is disabled|not running a supported accounting", re.IGNORECASE
)
#: how scontrol says that it knows no such job, and that an array has no such element any more
_UNKNOWN_JOB, _UNKNOWN_ELEMENT = re.compile(r"Invalid job id specified"), re.compile(r"^Job \S+ not found", re.M)
_GONE = re.compile(r"Invalid job id|already completing or completed|already finished|pending execution", re.I)


class Slurm:
    """The Slurm cluster that the commands on a host's PATH talk to."""

    name = "slurm"
    why_dropped = ""
    throttles = True

    def __init__(self, host: Host) -> None:
        self._host, self._commands = host, Commands(host)
        self._accounting = True
        self._exit_codes: dict[str, str] = {}
        self._keeps_s: float | None = None

    def submit_command(self, script: Script) -> list[str]:
        return submit_command(script)

    def submit(self, script: Script) -> str:
        argv, text = submit_command(script), self._text(script)
        try:
            env = sbatch_environment(self._host.environment, text)
            done = self._host.run(argv, SUBMIT_S, cwd=script.cwd, env=env)
        except OSError as error:
            raise Refused("can't run sbatch", evidence=str(error), fix="hsm doctor") from error
        return accepted(done) or self._later(script, done)

    def _later(self, script: Script, done: Done) -> str:
        """Returns the id if the last try went in of an sbatch that we ended while it waited for room; else raises."""
        if done.code is None and is_queue_full(done):
            found = self.find(script.token)
            if found is None:
                raise queue_full(done)
            return found
        raise explained(refusal(done), self._text(script), self._commands)

    def _text(self, script: Script) -> str:
        return self._host.read(script.path).decode()

    def find(self, token: str) -> str | None:
        # an answer of Slurm's, also where it is empty
        ids = self._squeue("-t", "all", "-n", token, "-o", "%F").split()
        if not ids:
            yesterday = time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400))
            ids = re.findall(r"^\d+", self._sacct("-S", yesterday, f"--name={token}", "-o", "JobID"), re.M)
        return min((one for one in ids if one.isdigit()), key=int, default=None)

    def poll(self, ids: Collection[str]) -> Mapping[str, JobStatus]:
        seen = read_squeue(self._squeue("-r", "-t", "all", "-o", SQUEUE_FORMAT))
        asked = set(map(_whole, ids))
        failed = {one for one in seen if seen[one].word == "FAILED" and _whole(one) in asked}
        self._ask_exit_codes(failed)
        return seen | {one: with_exit_code(seen[one], self._exit_codes.get(one, "")) for one in failed}

    def _ask_exit_codes(self, failed: set[str]) -> None:
        """Asks once for each failed job, all in one question; without an answer, again at the next poll."""
        self._exit_codes = {one: code for one, code in self._exit_codes.items() if one in failed}
        new = failed - self._exit_codes.keys()
        if not new:
            return
        wholes = ",".join(sorted(set(map(_whole, new))))
        try:
            told = read_exit_codes(self._squeue("-r", "-t", "all", "-j", wholes, "-O", EXIT_FORMAT))
        except NoAnswer:
            return
        self._exit_codes |= {one: told.get(one, "") for one in new}

    def poll_accounting(self, ids: Collection[str], since: float) -> Mapping[str, JobStatus]:
        seen: dict[str, JobStatus] = {}
        start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since - CLOCKS_S))
        for some in _portions(sorted(set(map(_whole, ids)))):
            seen |= read_sacct(self._sacct("-S", start, "-j", ",".join(some), "-o", SACCT_FIELDS))
        return seen

    def unknown(self, ids: Collection[str]) -> Collection[str]:
        """Asks about each id by itself, as squeue says nothing of several; about an unknown array only once."""
        found: set[str] = set()
        wholes: set[str] = set()
        asked = 0
        for native_id in random.sample(sorted(ids), len(ids)):  # so that each has its turn
            if _whole(native_id) not in wholes:
                if asked == MOST_ASKED:  # the next question is about those that are left
                    break
                asked += 1
                done = self._commands.said(["scontrol", "-o", "show", "job", native_id])
                if _UNKNOWN_JOB.search(done.err):
                    wholes.add(_whole(native_id))
                elif not _UNKNOWN_ELEMENT.search(done.out + done.err):
                    continue
            found.add(native_id)
        return found

    def keeps_ended_s(self) -> float:
        """Returns Slurm's MinJobAge; elements cancelled while they wait are not kept at all."""
        if self._keeps_s is None:
            config = read_config(self._commands.answer(["scontrol", "show", "config"]))
            told = re.match(r"\d+", config.get("MinJobAge", ""))
            self._keeps_s = float(told[0]) if told else 0.0
        return self._keeps_s

    def queue(self) -> Sequence[JobStatus]:
        seen = read_squeue(self._squeue("-r", "-o", SQUEUE_FORMAT))
        return [status for status in seen.values() if status.phase != "ended"]

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        """Cancels jobs; without ``at_once`` they get TERM, and KILL after the cluster's KillWait."""
        orders = [["--batch", "--signal=KILL"], []] if at_once else [[]]
        trouble = [
            done
            for order in orders
            for some in _portions(sorted(ids))
            if not _obeyed(done := self._commands.said(["scancel", *order, *some]))
        ]
        if trouble:
            raise unanswered(trouble[0])

    def is_id(self, native_id: str) -> bool:
        return re.fullmatch(r"[0-9]+(_[0-9]+)?", native_id) is not None

    def element(self, native_id: str, index: int) -> str:
        return f"{native_id}_{index}"

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        return read_allowed(self._commands, queue, account, qos)

    def throttle(self, native_id: str, elements: int) -> bool:
        """Sets how many elements may run at once; returns False for an array that has ended.

        Raises:
            NoAnswer: the controller did not answer.
        """
        done = self._commands.said(["scontrol", "update", f"jobid={native_id}", f"arraytaskthrottle={elements}"])
        if done.code != 0 and not _GONE.search(done.err):
            raise unanswered(done)
        return done.code == 0

    def _squeue(self, *question: str) -> str:
        """Returns the lines that squeue prints below its heading.

        Raises:
            NoAnswer: the heading is missing or the last line is cut off, so jobs may be missing.
        """
        argv = ["squeue", "-a", "-u", self._host.user, *question]
        said = self._commands.answer(argv)
        heading = re.search(r"^(?:ARRAY_JOB_ID|JOBID)\b.*\n", said, re.MULTILINE)
        if heading is None or not said.endswith("\n"):
            told = f"squeue printed {said[-80:]!r}" if said else "squeue printed nothing, not even its heading"
            raise NoAnswer("squeue's answer is incomplete", evidence=told, fix="scontrol ping")
        return said[heading.end() :]

    def _sacct(self, *question: str) -> str:
        """Returns what the accounting says of the user's jobs; nothing where there is no accounting."""
        self._accounting = self._accounting and self._host.which("sacct") is not None
        if not self._accounting:
            return ""
        form = ["-X", "-P", "-n", f"--delimiter={SEPARATOR}"]
        done = self._commands.said(["sacct", *form, "-u", self._host.user, *question])
        if done.code == 0:
            return done.out
        if not _NO_ACCOUNTING.search(done.err):
            raise unanswered(done)
        self._accounting = False
        return ""


def submit_command(script: Script) -> list[str]:
    """Returns the command that submits a script; its options take precedence over the script's."""
    argv = ["sbatch", "--parsable", f"--job-name={script.token}", f"--output={log_pattern(script)}"]
    argv.append("--open-mode=append")
    if script.size is not None:
        limit = f"%{script.throttle}" if script.throttle is not None else ""
        argv.append(f"--array=0-{script.size - 1}{limit}")
    return [*argv, str(script.path)]


def log_pattern(script: Script) -> str:
    """Returns the pattern of Slurm's own log, in ``script.cwd``.

    Slurm puts the directory before a relative name and then replaces patterns in both, so a directory with a
    percent sign is spelt out with that doubled. One with a backslash can't be written to in every version.
    """
    name = "slurm-%j.log" if script.size is None else "slurm-%A_%a.log"
    directory = str(script.cwd)
    if "\\" in directory:
        return os.devnull
    return directory.replace("%", "%%") + f"/{name}" if "%" in directory else name


def accepted(done: Done) -> str | None:
    """Returns the id that sbatch printed, ``680`` or ``680;cluster``; it counts however sbatch ended afterwards."""
    match = re.search(r"^(\d+)(;\S*)?$", done.out, re.MULTILINE)
    return match[1] if match else None


def _obeyed(done: Done) -> bool:
    """Returns whether scancel did what it could: jobs already gone are no error."""
    errors = [line for line in done.err.split("\n") if line.strip()]
    return all(_GONE.search(line) for line in errors) and (done.code == 0 or bool(errors))


def _whole(native_id: str) -> str:
    """Returns the id of the job that an element belongs to."""
    return native_id.partition("_")[0]


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), PORTION):
        yield ids[first : first + PORTION]
