"""Tells from a failed ``qsub`` whether to wait, to ask again, or to give up."""

from __future__ import annotations

import re

from hsm_core.errors import BackendError, NoId
from hsm_core.hosts.command import Done

from .interface import LimitReached, NoAnswer, NotNow, Refused

#: nothing was accepted: it never reached the server, or the server would take nothing
_NOT_NOW = re.compile(
    r"cannot connect to server|Cannot connect to specified server|Couldn't connect to cluster"
    r"|Connection refused|Could not connect to batch server|could not connect to trqauthd"
    r"|Unable to communicate with|No free connections|too busy|Please (?:re)?try|shutting down",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"would exceed|Maximum number of jobs\b.* already in", re.IGNORECASE)
#: the server had the question when the line broke
_CUT_OFF = re.compile(
    r"Communication failure|End of File|Time out|timed out|Broken pipe|Connection reset|protocol error"
    r"|socket|Error \((?:15010|15031|15033)\)",
    re.IGNORECASE,
)

_FIXES = (
    (r"array job exceeds|Array Request", "qstat -Bf; qstat -Qf, then hydra.launcher.max_array_size=…"),
    (r"feasible|resource type|Unknown resource|select", "pbsnodes -a, then hydra.launcher.resources=…"),
    (r"limits|walltime", "qstat -Qf (resources_max), then hydra.launcher.walltime=…"),
    (r"queue", "qstat -Q, then hydra.launcher.queue=…"),
    (r"project|proxy", "hydra.launcher.project=…"),
    (r"account", "hydra.launcher.account=…"),
    (r"depend", "hydra.launcher.depend=… (a job that PBS still knows)"),
)  # fmt: skip


def refusal(done: Done) -> BackendError:
    """The error that a ``qsub`` without an id stands for, in PBS's own words."""
    if done.code == 0:
        return NoId("qsub told no id", evidence=done.evidence, fix="hsm doctor")
    if done.code is None or done.code < 0 or _CUT_OFF.search(done.err):
        return NoAnswer("qsub gave no id: PBS may have the job or not", evidence=done.evidence, fix="qselect")
    if _NOT_NOW.search(done.err):
        return NotNow("PBS takes no jobs for now", evidence=done.evidence, fix="qstat -B")
    if _LIMIT.search(done.err):
        return LimitReached("PBS takes no more jobs for now", evidence=done.evidence, fix="qstat -u $USER")
    said = _said(done)
    evidence = f"qsub: exit code {done.code}: {said}"
    return Refused("PBS refused the job", evidence=evidence, fix=_fix(said))


def _said(done: Done) -> str:
    """What it said on one line, without the usage that often follows."""
    said = re.split(r"^usage:", done.err, flags=re.MULTILINE | re.IGNORECASE)[0] or done.err
    return " ".join(said.split())[:400]


def _fix(words: str) -> str:
    matching = (fix for pattern, fix in _FIXES if re.search(pattern, words, re.IGNORECASE))
    return next(matching, "qstat -Bf; qstat -Qf")
