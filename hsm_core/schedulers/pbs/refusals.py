"""Tells from a failed ``qsub`` whether to wait, to look whether the job is there after all, or to give up.

Doubt is the rule: only words on the list below say for sure that PBS has not taken the job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hsm_core.errors import BackendError, NoId, Unexplained
from hsm_core.hosts.interface import Done

from ..interface import LimitReached, NoAnswer, NotNow, Refused
from .commands import Commands
from .limits import attributes_of
from .parse import Attributes

#: nothing was accepted: it never reached the server, or the server would take nothing
_NOT_NOW = re.compile(
    r"cannot connect to server|Cannot connect to specified server|Couldn't connect to cluster"
    r"|Connection refused|Could not connect to batch server|could not connect to trqauthd"
    r"|Unable to communicate with|No free connections|too busy|Please (?:re)?try|shutting down",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"would exceed|Maximum number of jobs\b.* already in", re.IGNORECASE)
#: the server had the question when the line broke
_CUT_OFF = re.compile(r"errno=(?:15031|15033)|Communication failure|protocol error", re.IGNORECASE)
#: what qsub itself refuses, before it asks the server
_BY_QSUB = (
    r"^usage:", r"illegal -\S+ value", r"invalid option", r"option requires an argument", r"script file",
    r"script not a file", r"script contains cr, lf", r"directive error", r"cannot send environment with the job",
    r"non-rerunable Array Job", r"can only be used in conjunction", r"Unknown Host",
)  # fmt: skip
#: what the server refuses, in the words of OpenPBS and Torque
_BY_SERVER = (
    r"Unknown queue", r"No default queue specified", r"Queue is not enabled", r"Access to queue is denied",
    r"Queue does not allow", r"Unauthorized Request", r"Access from host not allowed", r"proxy job",
    r"Bad [UG]ID for job execution", r"Illegal attribute or resource value", r"Unknown resource",
    r"Undefined attribute", r"Cannot set attribute", r"Mutually exclusive values", r"name is too long",
    r"Job (?:violates|exceeds) queue", r"cannot locate feasible nodes", r"Resource limit exceeds allowable",
    r"Resource invalid in", r"cannot be used with", r'Cannot have "', r"can not be greater than",
    r"not valid resources for a job array", r"duplicated resource", r"Duplicate entry in list",
    r"Array job exceeds", r"Bad Job Array Request", r"Invalid Job Dependency", r"Dependent parent job",
    r"Invalid Account", r"not rerunnable", r"Job rejected by all possible destinations", r"too many hops",
    r"conflicts with the queue's default", r"doesn't meet minimum limit", r"jobscript size exceeded",
    r"hook rejected request", r"Error \((?:15002|15003|15004|15005|15007|15014)\) submitting job",
)  # fmt: skip
_REFUSED = re.compile("|".join((*_BY_QSUB, *_BY_SERVER)), re.IGNORECASE | re.MULTILINE)
#: PBSE_HOOKERROR: a hook of the site refused it, in words of its own (pbs_error.h; an exit code is its low byte)
_BY_HOOK = 15136 & 0xFF

#: words of a refusal → what to look at, and the launcher's field that they are about
_FIXES = (
    (r"array job exceeds|Array Request", "qstat -Bf; qstat -Qf   # max_array_size", "max_array_size"),
    (r"feasible|resource type|Unknown resource|select", "pbsnodes -a   # what the nodes have", "resources"),
    (r"limits|walltime", "qstat -Qf   # resources_max", "walltime"),
    (r"queue", "qstat -Q", "queue"),
    (r"project|proxy", "qstat -Qf   # acl_groups, acl_users", "project"),
    (r"account", "qstat -Qf   # acl_groups, acl_users", "account"),
    (r"depend", "qstat   # jobs that PBS still knows", "depend"),
)  # fmt: skip


def refusal(done: Done) -> BackendError:
    """The error that a ``qsub`` without an id, or with a bad end, stands for, in PBS's own words."""
    if done.code == 0:
        return NoId("qsub printed no job id", evidence=done.evidence, fix="hsm doctor")
    if done.code is None or done.code < 0 or done.out.strip() or _CUT_OFF.search(done.err):
        return NoAnswer("qsub printed no id: PBS may have accepted the job", evidence=done.evidence, fix="qselect")
    if _NOT_NOW.search(done.err):
        return NotNow("PBS accepts no jobs now", evidence=done.evidence, fix="qstat -B")
    if _LIMIT.search(done.err):
        return LimitReached("PBS accepts no more jobs now", evidence=done.evidence, fix="qstat -u $USER")
    said = _said(done)
    evidence = f"qsub: exit code {done.code}: {said}"
    if _REFUSED.search(done.err) or (done.code == _BY_HOOK and said):
        fix, field = _fix(said)
        return Refused("PBS refused the job", evidence=evidence, fix=fix, field=field)
    return Unexplained("qsub failed", evidence=evidence, fix=_fix(said)[0])


def _said(done: Done) -> str:
    """What it said on one line, without the usage that often follows."""
    said = re.split(r"^usage:", done.err, flags=re.MULTILINE | re.IGNORECASE)[0] or done.err
    return " ".join(said.split())[:400]


def _fix(words: str) -> tuple[str, str]:
    """What to look at, and which field to change."""
    matching = ((fix, field) for pattern, fix, field in _FIXES if re.search(pattern, words, re.IGNORECASE))
    return next(matching, ("qstat -Bf; qstat -Qf", ""))


def explained(error: BackendError, script: str, commands: Commands) -> BackendError:
    """The same error with the field to be changed, as far as PBS tells it, and values that it may have.

    Args:
        script: what was refused.
    """
    if error.field not in ("queue", "walltime"):
        return error
    try:
        queues = attributes_of(commands, ["qstat", "-Q", "-f"])
        server = next(iter(attributes_of(commands, ["qstat", "-B", "-f"]).values()), {})
    except NoAnswer:
        return error
    usual = server.get("default_queue", "")
    if error.field == "queue":
        error.choices = tuple(sorted(_open(queues), key=lambda name: name != usual))
    else:
        said = re.search(r"^#PBS -q (\S+)", script, re.MULTILINE)
        places = [server, queues.get(said[1] if said else usual, {})]
        error.choices = tuple(_minutes(places, script))
        error.field = "walltime" if error.choices else ""  # another limit was met
    return error


def _open(queues: dict[str, Attributes]) -> Iterator[str]:
    for name, attributes in queues.items():
        if attributes.get("enabled", "True") == "True" and attributes.get("started", "True") == "True":
            yield name


def _minutes(places: list[Attributes], script: str) -> Iterator[str]:
    """The longest time that server and queue take, if that is less than was asked for."""
    said = re.search(r"\bwalltime=([\d:]+)", script)
    limits = [_seconds(text) for place in places if (text := place.get("resources_max.walltime", ""))]
    if said and limits and min(limits) < _seconds(said[1]):
        yield str(min(limits) // 60)


def _seconds(clock: str) -> int:
    """Of ``90``, ``10:00``, ``1:00:00``."""
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part or 0)
    return seconds
