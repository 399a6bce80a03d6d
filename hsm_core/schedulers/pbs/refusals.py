"""Tells from a failed ``qsub`` whether to wait, to check if the job is there after all, or to give up.

Doubt is the rule: only words on the list below, in a line of qsub's own, say for sure that PBS has not taken the job.
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

#: A line in qsub's own form, without what it puts before each. Torque's stands in brackets before its usage.
#: Other lines are a site's: of a wrapper, a profile, a banner.
_OWN = re.compile(r"^\[?(?:\S*/)?qsub:[ \t]*(?:submit error \()?(.*\S)", re.MULTILINE)
#: what Torque refuses with its usage, which is before it asks the server
_IN_BRACKETS = re.compile(r"^\[.+\]\s*^usage: qsub ", re.MULTILINE)
#: it reached no server, and ends with the low byte of this error
_UNREACHED = re.compile(r"cannot connect to server .*\(errno=(\d+)\)")
#: the server would take nothing
_NOT_NOW = re.compile(r"Request not allowed: Server shutting down|Pbs Server is currently too busy", re.IGNORECASE)
_LIMIT = re.compile(r"would exceed |Maximum number of jobs\b.* already in", re.IGNORECASE)
#: the server had the question when the line broke
_CUT_OFF = re.compile(
    r"cannot connect to server .*errno=(?:15031|15033)|(?:Batch )?protocol error|Communication failure", re.IGNORECASE
)
#: what qsub itself refuses, before it asks the server
_BY_QSUB = (
    r"illegal -\S+ value", r"invalid option", r"option requires an argument", r"(?:opening )?script file(?::| ')",
    r"script not a file", r"script contains cr, lf", r"directive error", r"cannot send environment with the job",
    r"cannot submit non-rerunable Array Job", r"illegally formed destination", r"interactive and array job",
    r"Your job has been administratively rejected", r"There may be a more detailed explanation",
    r"submit filter returned an error code",
)  # fmt: skip
#: what the server refuses, in the words of OpenPBS and Torque
_BY_SERVER = (
    r"Unknown queue", r"No default queue specified", r"Queue is not enabled", r"Access to queue is denied",
    r"Queue does not allow", r"Unauthorized Request", r"Access from host not allowed", r"User '.*proxy job",
    r"Bad [UG]ID for job execution", r"Illegal attribute or resource value", r"Unknown resource",
    r"Undefined attribute", r"Cannot set attribute", r"Mutually exclusive values", r"(?:Job )?name is too long",
    r"Job (?:violates|exceeds) queue", r"cannot locate feasible nodes", r"Resource limit exceeds allowable",
    r"Resource invalid in", r'(?:"-lresource=" )?cannot be used with', r'Cannot have "',
    r'"min_walltime" (?:can not be greater than|and "max_walltime" are not valid)', r"duplicated resource",
    r"Duplicate entry in list", r"Array job exceeds", r"Bad Job Array Request", r"Invalid Job Dependency",
    r"Dependent parent job", r"Invalid Account", r"job is not rerunnable", r"Job routing over too many hops",
    r"Job rejected by all possible destinations", r"This job's resource request conflicts with the queue's default",
    r"Request doesn't meet minimum limit", r"jobscript size exceeded", r"hook rejected request",
    r"request rejected by filter hook", r"Error \((?:15002|15003|15004|15005|15007|15014)\b.*\) submitting job",
)  # fmt: skip
_REFUSED = re.compile("|".join((*_BY_QSUB, *_BY_SERVER)), re.IGNORECASE)
#: PBSE_HOOKERROR: a hook of the site refused it, in words of its own (pbs_error.h; an exit code is its low byte)
_BY_HOOK = 15136 & 0xFF
#: what an id begins with; other words on its output are a site's
_PART_OF_ID = re.compile(r"(?<!\S)\d")
#: how a shell tells that what it ran was killed; no error of PBS has such a low byte
_KILLED = range(129, 152)

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
    """Returns the error for a ``qsub`` that printed no id or ended badly, in PBS's own words."""
    if done.code == 0:
        return NoId("qsub printed no job id", evidence=done.evidence, fix="hsm doctor")
    own = _OWN.findall(done.err)
    if _is_cut_off(done, own):
        return NoAnswer("qsub printed no id: PBS may have accepted the job", evidence=done.evidence, fix="qselect")
    kind = _kind(done, own)
    if kind is NotNow:
        return NotNow("PBS accepts no jobs now", evidence=done.evidence, fix="qstat -B")
    if kind is LimitReached:
        return LimitReached("PBS accepts no more jobs now", evidence=done.evidence, fix="qstat -u $USER")
    evidence = f"qsub: exit code {done.code}: {_said(done)}"
    fix, field = _fix(" ".join(own))
    if kind is Refused:
        return Refused("PBS refused the job", evidence=evidence, fix=fix, field=field)
    return Unexplained("qsub failed", evidence=evidence, fix=fix)


def _is_cut_off(done: Done, own: list[str]) -> bool:
    """Returns whether it was killed or cut off from the server when the job may have been accepted."""
    if done.code is None or done.code < 0 or done.code in _KILLED or _PART_OF_ID.search(done.out):
        return True
    return any(map(_CUT_OFF.match, own))


def _kind(done: Done, own: list[str]) -> type[BackendError] | None:
    """Returns the error that its lines prove; None if any line is unknown, as that one may tell of another end."""
    unreached = _UNREACHED.match(own[-1]) if own else None
    if unreached:
        last_was_it = int(unreached[1]) & 0xFF == done.code  # else somebody tried again afterwards
        return NotNow if last_was_it and all(map(_kind_of, own)) else None
    if done.code == _BY_HOOK and own:
        return Refused
    kinds = [_kind_of(line) for line in own] or [Refused if _IN_BRACKETS.search(done.err) else None]
    return kinds[-1] if all(kinds) else None


def _kind_of(line: str) -> type[BackendError] | None:
    if _UNREACHED.match(line) or _NOT_NOW.match(line):
        return NotNow
    if _LIMIT.match(line):
        return LimitReached
    return Refused if _REFUSED.match(line) else None


def _said(done: Done) -> str:
    """Returns its message on one line, without the usage that often follows."""
    said = re.split(r"^usage: qsub ", done.err, flags=re.MULTILINE)[0] or done.err
    return " ".join(said.split())[:400]


def _fix(words: str) -> tuple[str, str]:
    """Returns what to look at, and which field to change."""
    matching = ((fix, field) for pattern, fix, field in _FIXES if re.search(pattern, words, re.IGNORECASE))
    return next(matching, ("qstat -Bf; qstat -Qf", ""))


def explained(error: BackendError, script: str, commands: Commands) -> BackendError:
    """Returns the same error with the field to change and possible values, as far as PBS tells them.

    Args:
        script: the text of the script that was refused.
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
    """Yields the longest time, in minutes, that server and queue take, if less than was asked for."""
    said = re.search(r"\bwalltime=([\d:]+)", script)
    limits = [_seconds(text) for place in places if (text := place.get("resources_max.walltime", ""))]
    if said and limits and min(limits) < _seconds(said[1]):
        yield str(min(limits) // 60)


def _seconds(clock: str) -> int:
    """Returns the seconds in ``90``, ``10:00`` or ``1:00:00``."""
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part or 0)
    return seconds
