"""Writes a sweep, and the list of sweeps, as JSON for programs."""

from __future__ import annotations

from hsm_core.model import STATES
from hsm_core.overrides import without_secrets

from ..failures.by_cause import FailureGroup
from .sweep_view import SweepView

#: Raised when a key changes its meaning or goes away; new keys don't.
SCHEMA_VERSION = 1


def enveloped(**content: object) -> dict[str, object]:
    """Returns what a command prints for programs: an object with ``schema_version`` and named values."""
    return {"schema_version": SCHEMA_VERSION, **content}


def sweep_json(view: SweepView) -> dict[str, object]:
    """Returns the JSON of ``hsm-status SWEEP --json``."""
    record, pace = view.state.record, view.pace
    command = [without_secrets(word) for word in record.command]
    return enveloped(**brief_json(view)) | {
        "description": record.description, "tags": list(record.tags), "recorded_dir": record.dir,
        "moved": view.moved, "sweeper": record.sweeper, "command": command, "cwd": record.cwd,
        "user": record.user, "host": record.host, "rate_per_s": pace.rate, "eta_s": pace.eta,
        "failures": [failure_json(group) for group in (*view.failures, *view.unbegun)],
        "silent_workers": [
            {"worker": silence.worker, "host": silence.host, "last_word_s": round(silence.seconds, 1),
             "running": silence.running}
            for silence in view.silent
        ],
        "hosts": [
            {"name": host.name, "slots_used": host.used, "slots": host.slots, "done": host.done,
             "files_coming": host.coming, "last_word_s": round(host.seconds, 1), "health": host.health}
            for host in view.hosts
        ],
        "sources": [vars(source) for source in view.sources],
        "left_there": [
            {"source": one.source, "tasks": one.tasks, "files": one.files, "bytes": one.size} for one in view.left
        ],
        "waits": dict(view.waits), "troubles": view.troubles, "bad_lines": view.state.bad_lines,
        "not_read": view.state.unreadable,
        "next": view.next,
    }  # fmt: skip


def brief_json(view: SweepView) -> dict[str, object]:
    """Returns a sweep as a member of the list."""
    record = view.state.record
    return {
        "id": record.id, "name": record.name,
        "dir": str(view.state.paths.root), "created": record.created, "launcher": record.launcher,
        "total": view.state.total, "phase": view.phase,
        "refused": view.refused.message if view.refused else None,
        "counts": {state: view.counts[state] for state in STATES},
    }  # fmt: skip


def failure_json(group: FailureGroup) -> dict[str, object]:
    """Returns a group of failures as JSON."""
    return {
        "state": group.state, "reason": group.reason, "cause": group.cause, "count": group.count,
        "example": group.example, "message": group.message, "where": group.where,
        "log": str(group.log) if group.log else None, "tasks": list(group.tasks), "next": group.suggestion,
    }  # fmt: skip
