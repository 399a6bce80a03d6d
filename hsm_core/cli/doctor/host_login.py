"""Turns a login to a host into findings of hsm doctor: how it is reached, by which key, and who lets us in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hsm_core.errors import HsmError
from hsm_core.hosts.ssh.login_step import KINDS
from hsm_core.hosts.ssh.ssh_config import Target
from hsm_core.hosts.ssh.trial import MOST_SESSIONS, Trial
from hsm_core.schedulers.batch_system import Finding


def login_findings(trial: Trial, target: Target, login: str) -> Iterator[Finding]:
    """Yields a finding for each step of a login; the last one is that which failed.

    Args:
        target: where it went.
        login: the ssh command that goes there.
    """
    for doubt in target.doubts:
        yield Finding("ssh configuration", "note", doubt)
    reached = {step.kind: step.said for step in trial.steps if step.host == target.name}
    for kind in KINDS:
        if kind == trial.failed and trial.trouble is not None:
            found = bad(kind, trial.trouble)
            yield found if found.fix else replace(found, fix=f"{login} true    # the same by hand")
            return
        if kind in reached:
            more = f", by {trial.transport}" if kind == "connection" else ""
            yield Finding(kind, "ok", reached[kind] + more)
    if trial.sessions is not None:
        yield _sessions(trial.sessions)


def bad(name: str, trouble: HsmError) -> Finding:
    """Returns an error as a finding."""
    evidence = f" (because: {trouble.evidence})" if trouble.evidence else ""
    return Finding(name, "bad", f"{trouble.problem}{evidence}", trouble.fix)


def _sessions(found: int) -> Finding:
    if found == 0:
        fix = "MaxSessions 10    # in its sshd_config, then restart sshd"
        return Finding("sessions", "bad", "it lets us in, but runs no commands: MaxSessions 0", fix)
    more = " or more" if found >= MOST_SESSIONS else ""
    return Finding("sessions", "ok", f"{found}{more} at once on one connection; hsm needs 1")
