"""Grid Engine: submits with qsub, polls with qstat and qacct, cancels with qdel."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from xml.etree import ElementTree

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done, Host
from hsm_core.schedulers.interface import Allowed, JobStatus, LimitReached, NoAnswer, Refused, Script

from .accounting import read_accounting

SUBMIT_S, ASK_S, DELETE_S = 60.0, 20.0, 60.0
#: ids in one command line
PORTION = 500
#: seconds until it is asked again whether it does not know a job
AGAIN_S = 0.5
#: what ``-terse`` prints: ``12``, or ``12.1-4:1`` of an array
_ID = re.compile(r"^(\d+)(?:\.\d+-\d+:\d+)?$", re.MULTILINE)
_DOWN = re.compile(r"commlib error|unable to (?:send message to|contact) qmaster|can't resolve|sge_root", re.I)
_LIMIT = re.compile(r"jobs are allowed (?:per user|in the)", re.I)
_REFUSED = re.compile(
    r"job rejected|was rejected|no suitable queues|is not a .* value|denied:|not a valid object name|unknown resource"
    r"|Unable to read script file|invalid option|option allows|error opening",
    re.I,
)
_DELETED = re.compile(r"has (?:deleted|registered)|does not exist|is already in deletion")
_NO_JOBS = "Following jobs do not exist"
#: what the words of a refusal are about, and a field of the launcher
_FIELDS = (("queue", "queue"), ("project", "project"), ("h_rt", "walltime"), ("h_vmem", "mem_gb"))


class GridEngine:
    """One cell: the one that the environment's ``SGE_ROOT`` names, or the commands on PATH.

    Elements are counted from 1 on by Grid Engine; ``12.3`` is the element of index 2.
    """

    name = "gridengine"
    why_dropped = ""
    throttles = True

    def __init__(self, host: Host) -> None:
        self._host = host

    # submitting

    def submit_command(self, script: Script) -> list[str]:
        """What it says goes before what the script says. ``#!`` is ignored, so the shell is named.

        Without ``-notify``, qdel and the end of a job's time are a SIGKILL without a warning.
        """
        argv = ["qsub", "-terse", "-N", script.token, "-S", "/bin/bash", "-cwd", "-j", "y", "-r", "y", "-notify"]
        if script.size is None:
            return [*argv, "-o", f"{script.token}.log", str(script.path)]
        argv += ["-o", f"{script.token}.$TASK_ID.log", "-t", f"1-{script.size}"]
        return [*argv, *(["-tc", str(script.throttle)] if script.throttle else []), str(script.path)]

    def submit(self, script: Script) -> str:
        """Submits a script; ``qsub`` copies it."""
        try:
            done = self._host.run(self.submit_command(script), SUBMIT_S, cwd=script.cwd)
        except OSError as error:
            raise Refused("can't run qsub", evidence=str(error), fix="hsm doctor") from error
        ids = _ID.findall(done.out)
        if done.code == 0 and ids:
            return str(ids[-1])
        refusal = _refusal(done)
        if refusal.field == "queue":
            refusal.choices = tuple(self._ask(["qconf", "-sql"]).out.split())
        raise refusal

    def find(self, token: str) -> str | None:
        """The id of the job with this name, by the queue, then by the accounting, which may be 15 s late."""
        ids = [one.native_id for one in self._queue() if one.name == token]
        if not ids:
            ids = [one.native_id for one in self._accounting(token).values()]
        return min((one.partition(".")[0] for one in ids), key=int, default=None)

    # polling

    def poll(self, ids: Collection[str]) -> Mapping[str, JobStatus]:
        """One ``qstat``, and one more for jobs that are in error, which says why."""
        return {status.native_id: status for status in self._queue()}

    def poll_accounting(self, ids: Collection[str], since: float) -> Mapping[str, JobStatus]:
        """One ``qacct`` a job or array: it has a record of each element that ran."""
        found: dict[str, JobStatus] = {}
        for whole in sorted({one.partition(".")[0] for one in ids}):
            found |= self._accounting(whole)
        return found

    def unknown(self, ids: Collection[str]) -> Collection[str]:
        """Asked about one by one, and twice; of an array that is known, the elements that a whole answer lacks."""
        found = self._unknown(ids)
        if found:
            time.sleep(AGAIN_S)
            found &= self._unknown(found)
        return found

    def _unknown(self, ids: Collection[str]) -> set[str]:
        listed = {status.native_id for status in self._queue()}
        arrays = {one.partition(".")[0] for one in listed}
        found = {one for one in ids if one not in listed and "." in one and one.partition(".")[0] in arrays}
        for whole in sorted({one.partition(".")[0] for one in ids} - arrays):
            if _NO_JOBS in self._ask(["qstat", "-j", whole]).err:
                found |= {one for one in ids if one.partition(".")[0] == whole}
        return found

    def keeps_ended_s(self) -> float:
        """Nothing of a job stays in the queue."""
        return 0.0

    def queue(self) -> Sequence[JobStatus]:
        return self._queue()

    # ending, and limits

    def cancel(self, ids: Collection[str], *, at_once: bool = False) -> None:
        """``qdel`` warns a job and kills it when the queue's ``notify`` time is over, 60 s where nobody changed it.

        A worker has seen by then that it was asked to end, and has ended its tasks itself.
        """
        for some in _portions(sorted(ids)):
            done = self._ask(["qdel", *some], DELETE_S)
            told = [line for line in (done.out + done.err).splitlines() if line.strip()]
            if done.code != 0 and not (told and all(_DELETED.search(line) for line in told)):
                raise _no_answer(done)

    def is_id(self, native_id: str) -> bool:
        return re.fullmatch(r"[0-9]+(\.[0-9]+)?", native_id) is not None

    def element(self, native_id: str, index: int) -> str:
        return f"{native_id}.{index + 1}"

    def allowed(self, queue: str | None, account: str | None, qos: str | None) -> Allowed:
        """``max_aj_tasks``: how many elements an array may have, whatever their numbers; 0: any number."""
        done = self._ask(["qconf", "-sconf"])
        found = re.search(r"^max_aj_tasks\s+(\d+)", done.out, re.MULTILINE)
        most = int(found[1]) if found else 0
        return Allowed(array_size=most, sizes_from=f"max_aj_tasks={most}") if most else Allowed()

    def throttle(self, native_id: str, elements: int) -> bool:
        return self._ask(["qalter", "-tc", str(elements), native_id]).code == 0

    # questions

    def _queue(self) -> list[JobStatus]:
        """This user's jobs by element, as ``qstat`` says in XML; an answer that is cut is none.

        Raises:
            NoAnswer: it does not say.
        """
        done = self._ask(["qstat", "-xml", "-g", "d", "-u", self._host.user])
        try:
            jobs = list(ElementTree.fromstring(done.out).iter("job_list")) if done.code == 0 else None
        except ElementTree.ParseError:
            jobs = None
        if jobs is None:
            raise _no_answer(done)
        statuses = [_status(job) for job in jobs]
        return [self._in_error(status) if status.stuck else status for status in statuses]

    def _in_error(self, status: JobStatus) -> JobStatus:
        """With why it is, as ``qstat -j`` says; it stays in the queue until somebody deletes it."""
        said = self._ask(["qstat", "-j", status.native_id.partition(".")[0]]).out
        why = re.search(r"^error reason.*?: +(?:\S+ \S+ \[\S+\]: )?(.+)$", said, re.MULTILINE)
        evidence = f"Grid Engine could not start it: {why[1] if why else status.word}"
        return JobStatus(
            status.native_id, "ended", status.word, status.name, reason="launch", evidence=evidence, stuck=True
        )

    def _accounting(self, job: str) -> Mapping[str, JobStatus]:
        """Ended elements by native id, of a job's number or name; none where this machine can't read the accounting.

        Raises:
            NoAnswer: qacct does not end.
        """
        if self._host.which("qacct") is None:
            return {}
        done = self._ask(["qacct", "-o", self._host.user, "-j", job])
        if done.code is None:
            raise _no_answer(done)
        return read_accounting(done.out)

    def _ask(self, argv: Sequence[str], timeout_s: float = ASK_S) -> Done:
        """
        Raises:
            NoAnswer: it can't be started, does not end, or reaches no qmaster.
        """
        try:
            done = self._host.run(argv, timeout_s)
        except OSError as error:
            raise NoAnswer(f"can't run {argv[0]}", evidence=str(error), fix="which qstat") from error
        if done.code is None or (done.code != 0 and _DOWN.search(done.err)):
            raise _no_answer(done)
        return done


def _status(job: ElementTree.Element) -> JobStatus:
    """A ``job_list`` of qstat's: one element, or a plain job. Letters: q queued, E error, h held, R run again."""
    fact = {child.tag: child.text or "" for child in job}
    number, task, word = fact["JB_job_number"], fact.get("tasks", ""), fact["state"]
    queue, _, node = fact.get("queue_name", "").partition("@")
    held = "held" if word.startswith("h") and "q" in word else ""
    return JobStatus(
        native_id=f"{number}.{task}" if task else number,
        phase="waiting" if "w" in word or "q" in word else "running",
        word=word,
        name=fact["JB_name"],
        why=held,
        node=node,
        queue=queue,
        stuck="E" in word,
    )


def _refusal(done: Done) -> BackendError:
    """What a ``qsub`` means that told no id."""
    if _LIMIT.search(done.err):
        return LimitReached("Grid Engine takes no more jobs of yours now", evidence=done.evidence)
    if done.code is None or _DOWN.search(done.err) or not _REFUSED.search(done.err):
        return _no_answer(done)
    field = next((field for word, field in _FIELDS if word in done.err), "")
    fix = "qconf -sql" if field == "queue" else "qsub -w v    # says what no queue has"
    return Refused("Grid Engine refused the job", evidence=done.evidence, fix=fix, field=field)


def _no_answer(done: Done) -> NoAnswer:
    return NoAnswer("Grid Engine did not answer", evidence=done.evidence, fix="qstat -f")


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), PORTION):
        yield ids[first : first + PORTION]
