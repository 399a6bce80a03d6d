"""Reads why sbatch gave no job: whether to try again, to wait for other jobs to end, or to change something.

Doubt is the rule: only words that are listed here say for sure that Slurm has not taken the job.
"""

from __future__ import annotations

import re
import signal

from hsm_core.errors import BackendError, NoId, Unexplained
from hsm_core.hosts.interface import Done

from ..interface import LimitReached, NoAnswer, NotNow, Refused

#: the queue of the whole cluster is full: sbatch tries for two minutes by itself
QUEUE_FULL = re.compile(
    r"temporarily unable to accept job|job queue full|MaxJobCount limit|Resource temporarily unavailable",
    re.IGNORECASE,
)
#: of the limits that the policy names, those that other jobs use up: less at once may be accepted
_LIMIT = re.compile(r"\b(Assoc|QOS)\w*Submit\w*Limit\b")
_POLICY = "violates accounting/QOS policy"
_NAMED_LIMIT = re.compile(r"^sbatch: error: ((?:Assoc|QOS)\w+)$", re.MULTILINE)
#: nothing was sent
_NOT_NOW = re.compile(
    r"connect failure|Communication connection failure|Munge encode failed|standby mode|Rate limit exceeded"
    r"|submissions disabled|temporarily disabled|Can't find an address",
    re.IGNORECASE,
)
#: something was sent, and what became of it is not known
_NO_ANSWER = re.compile(
    r"timed out|send failure|receive failure|shutdown failure|Zero Bytes|Unexpected message|Connection reset"
    r"|Broken pipe|not connected|Protocol authentication error|authentication credential|closed by"
    r"|delayed socket error|shutting down",
    re.IGNORECASE,
)
#: what sbatch itself refuses, before it sends anything
_BY_SBATCH = (
    r"unrecognized option", r"invalid option", r"option .*(?:requires an argument|is ambiguous|doesn't allow)",
    r"Invalid (?:numeric value|time limit|--\S+ )", r"Invalid \S+ specification", r"Unable to open file",
    r"does not look like a batch script", r"script contains DOS line breaks", r"Script (?:is|file) .*empty",
    r"mutually exclusive", r"Memory specification can not be satisfied", r"exceeds? .*maximum size",
)  # fmt: skip
#: what slurmctld refuses; source: the texts of slurm_strerror (slurm_errno.c)
_BY_CONTROLLER = (
    r"Invalid (?:partition|account|qos|wckey|job array|feature|generic resource|Trackable RESource|license|node name"
    r"|burst buffer|cluster|user id|group id|job constraint|directive|required)",
    r"(?:partition|account|reservation|qos|feature|gres|dependency|license|time limit)\b.* (?:is )?invalid",
    r"Requested (?:node|partition|time limit|reservation|GRES|operation|licenses|tasks|part of)",
    r"Required (?:node|partition)", r"not permitted", r"Access/permission denied", r"Job violates", r"_Limit\b",
    r"Node count specification invalid", r"More processors requested than permitted", r"Memory required by task",
    r"[Jj]ob dependency", r"[Bb]urst buffer", r"parameter too long", r"cpu.bind request",
    r"missing .*(?:time limit|required)", r"not allowed", r"AccountingStorageEnforce", r"has no associations",
)  # fmt: skip
_REFUSED = re.compile("|".join((*_BY_SBATCH, *_BY_CONTROLLER)), re.IGNORECASE)
_RESOURCES = 'sinfo -o "%P %l %D %c %m %G %f"   # partitions: time, nodes, cpus, memory, gres, features'
_ACCOUNTS = "sacctmgr show assoc user=$USER format=account,partition,qos,maxsubmitjobs"
#: words of a refusal → what to look at, and the launcher's field that they are about; empty: one of several
_FIXES = (
    (r"qos", _ACCOUNTS, "qos"),
    (r"account|association|policy", _ACCOUNTS, "account"),
    (r"partition", "sinfo -s   # the partitions", "partition"),
    (r"array", "scontrol show config | grep MaxArraySize   # highest index plus one", "max_array_size"),
    (r"time", 'sinfo -o "%P %l"   # the partitions and their time limits', "walltime"),
    (r"reservation", "scontrol show reservation", "additional_parameters.reservation"),
    (r"memory", _RESOURCES, "mem_gb"),
    (r"gres|generic resource|gpu", _RESOURCES, "gpus_per_node"),
    (r"feature|constraint", _RESOURCES, "constraint"),
    (r"resource|node|cpu|processor", _RESOURCES, ""),
)


def refusal(done: Done) -> BackendError:
    """What an sbatch that told no id means."""
    words = own_words(done)
    if done.code == 0:
        return NoId("sbatch printed no job id", evidence=done.evidence, fix="hsm doctor")
    if _untold(done, words):
        return NoAnswer("sbatch did not say whether Slurm accepted the job", evidence=done.evidence)
    if QUEUE_FULL.search(done.err):
        return queue_full(done)
    if _LIMIT.search(done.err) or (_POLICY in done.err and not _NAMED_LIMIT.search(done.err)):
        return LimitReached(
            f"Slurm accepts no more jobs from you now: {words}", evidence=done.evidence, fix=_ACCOUNTS
        )
    if _NOT_NOW.search(done.err):
        return NotNow(f"Slurm accepts no jobs now: {words}", evidence=done.evidence, fix="scontrol ping")
    if _REFUSED.search(words):
        fix, field = _fix(words, done)
        return Refused(f"Slurm refused the job: {words}", evidence=done.evidence, fix=fix, field=field)
    return Unexplained("sbatch failed", evidence=done.evidence, fix=_fix(words, done)[0])


def _untold(done: Done, words: str) -> bool:
    """Whether something may have been sent of which we know no end.

    A code of 128 and a signal's number says that a shell saw it killed; 255 is sbatch's own, of a wrong option.
    """
    if done.code is None or done.code < 0 or 128 < done.code <= 128 + max(signal.valid_signals()):
        return True
    return bool(_NO_ANSWER.search(words)) and not _NOT_NOW.search(done.err)


def queue_full(done: Done) -> LimitReached:
    return LimitReached(
        "Slurm's queue is full", evidence=done.evidence, fix="scontrol show config | grep MaxJobCount"
    )


def own_words(done: Done) -> str:
    """The reason of a refusal, in Slurm's words, without what stands before it."""
    lines = [line.strip() for line in done.err.split("\n") if line.strip()]
    failed = [line.partition("submission failed: ")[2] for line in lines if "submission failed: " in line]
    named = _NAMED_LIMIT.findall(done.err)
    plain = [re.sub(r"^sbatch: (error: )?", "", line) for line in lines]
    said = failed or [line for line in plain if not line.startswith("Try ")]
    return ": ".join([*named[-1:], *said[-1:]])


def _fix(words: str, done: Done) -> tuple[str, str]:
    """What to look at, and which field to change."""
    text = f"{words} {done.err}".lower()
    for pattern, fix, field in _FIXES:
        if re.search(pattern, words.lower()):
            return fix, field
    usual = "sbatch --help" if "option" in text else "hsm doctor"
    return next(((fix, "") for pattern, fix, _ in _FIXES if re.search(pattern, text)), (usual, ""))
