"""Reads why sbatch gave no job: whether to try again, to wait for other jobs to end, or to change something.

Doubt is the rule: only words that are listed here, in a line of sbatch's own, say for sure that Slurm has not taken
the job. The last of its lines counts: before it stand reasons, and what a plugin of the site has to say.
"""

from __future__ import annotations

import re
import signal

from hsm_core.errors import BackendError, NoId, Unexplained
from hsm_core.hosts.interface import Done

from ..interface import LimitReached, NoAnswer, NotNow, Refused

#: a line that sbatch prints, without what it puts before each; a site may have renamed it
_OWN = re.compile(r"^(?:\S*/)?sbatch[\w.-]*: (?:error: |fatal: )?(.*\S)", re.MULTILINE)
#: after these words stands one of slurm_strerror's texts (slurm_errno.c), mostly the controller's answer
_FAILED = "Batch job submission failed: "
#: the queue of the whole cluster is full: sbatch tries for two minutes by itself
_QUEUE_FULL = re.compile(
    rf"Slurm (?:temporarily unable to accept job|job queue full)|{_FAILED}Resource temporarily unavailable"
)
#: of the limits that the policy names, those that other jobs use up: less at once may be accepted
_LIMIT = re.compile(r"(?:Assoc|QOS)\w*Submit\w*Limit")
_NAMED_LIMIT = re.compile(r"(?:Assoc|QOS)\w+")
_POLICY = f"{_FAILED}Job violates accounting/QOS policy"
#: nothing was sent
_NOT_NOW = re.compile(
    rf"{_FAILED}.*(?:connect failure|standby mode|Rate limit exceeded|submissions disabled|temporarily disabled"
    r"|Can't find an address)",
    re.IGNORECASE,
)
#: something was sent, and what became of it is not known
_NO_ANSWER = re.compile(
    r"timed out|send failure|receive failure|shutdown failure|Zero Bytes|Unexpected message|Connection reset"
    r"|Broken pipe|not connected|Protocol authentication error|authentication credential|closed by"
    r"|delayed socket error|shutting down",
    re.IGNORECASE,
)
#: what sbatch itself refuses, before it sends anything; of what it says on several lines, the last
_BY_SBATCH = (
    r"unrecognized option", r"invalid option", r"option .*(?:requires an argument|is ambiguous|doesn't allow)",
    r"Invalid (?:numeric value|time limit|--\S+ |directive|argument: |number of)", r"Invalid .*specification",
    r"Unable to open file", r"This does not look like a batch script", r"For instance: #!",
    r"Batch script contains", r"instead of expected UNIX line breaks", r"contain a NULL character",
    r"(?:Batch )?Script (?:is|file) .*empty", r"(?:-S/)?--.* mutually exclusive",
    r"Memory specification can not be satisfied", r".* exceeds? .*maximum size", r"Script arguments not permitted",
)  # fmt: skip
#: what slurmctld refuses
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
_REFUSED = re.compile(rf"{'|'.join(_BY_SBATCH)}|{_FAILED}.*(?:{'|'.join(_BY_CONTROLLER)})", re.IGNORECASE)
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
    """Returns the error for an sbatch that printed no id."""
    if done.code == 0:
        return NoId("sbatch printed no job id", evidence=done.evidence, fix="hsm doctor")
    own = _OWN.findall(done.err)
    last, words = own[-1] if own else "", _reason(own)
    never_sent = _never_sent(own)
    if _was_killed(done) or (_NO_ANSWER.search(last) and not never_sent):
        return NoAnswer("sbatch did not say whether Slurm accepted the job", evidence=done.evidence)
    if _QUEUE_FULL.match(last):
        return queue_full(done)
    if _is_limit(own):
        return LimitReached(
            f"Slurm accepts no more jobs from you now: {words}", evidence=done.evidence, fix=_ACCOUNTS
        )
    if never_sent:
        return NotNow(f"Slurm accepts no jobs now: {words}", evidence=done.evidence, fix="scontrol ping")
    if _REFUSED.match(last):
        fix, field = _fix(words, own)
        return Refused(f"Slurm refused the job: {words}", evidence=done.evidence, fix=fix, field=field)
    return Unexplained("sbatch failed", evidence=done.evidence, fix=_fix(words, own)[0])


def _was_killed(done: Done) -> bool:
    """Returns whether a shell saw it killed: code 128 plus the signal; 255 is sbatch's own, for a wrong option."""
    return done.code is None or done.code < 0 or 128 < done.code <= 128 + max(signal.valid_signals())


def _never_sent(own: list[str]) -> bool:
    """Returns whether it reached no controller, or munge did not sign it."""
    if not own:
        return False
    unsigned = own[-1] == f"{_FAILED}Protocol authentication error"
    return bool(_NOT_NOW.match(own[-1])) or (unsigned and any(line.startswith("Munge encode failed") for line in own))


def _is_limit(own: list[str]) -> bool:
    """Returns whether it met a limit that other jobs use up; some versions don't name it."""
    if not own or not own[-1].startswith(_POLICY):
        return False
    named = _named_limits(own)
    return not named or bool(_LIMIT.fullmatch(named[-1]))


def is_queue_full(done: Done) -> bool:
    """Returns whether its last line says that the whole cluster's queue is full."""
    own = _OWN.findall(done.err)
    return bool(own and _QUEUE_FULL.match(own[-1]))


def queue_full(done: Done) -> LimitReached:
    return LimitReached(
        "Slurm's queue is full", evidence=done.evidence, fix="scontrol show config | grep MaxJobCount"
    )


def _named_limits(own: list[str]) -> list[str]:
    return [line for line in own if _NAMED_LIMIT.fullmatch(line)]


def _reason(own: list[str]) -> str:
    """Returns the reason in Slurm's words, without what stands before it."""
    said = [line.removeprefix(_FAILED) for line in own]
    return ": ".join([*_named_limits(own)[-1:], *said[-1:]])


def _fix(words: str, own: list[str]) -> tuple[str, str]:
    """Returns what to look at, and which field to change."""
    text = " ".join([words, *own]).lower()
    for pattern, fix, field in _FIXES:
        if re.search(pattern, words.lower()):
            return fix, field
    usual = "sbatch --help" if "option" in text else "hsm doctor"
    return next(((fix, "") for pattern, fix, _ in _FIXES if re.search(pattern, text)), (usual, ""))
