"""Describes the events by which a conductor tells of the sources of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..event_codec import Event, event

#: Values by the names of the launcher's fields, such as what a job asked its scheduler for.
Fields: TypeAlias = Mapping[str, object]


@event(frozen=True)
class SourceAdded(Event, tag="source"):
    """From now on tasks may go to a source that the sweep's record does not name; see ``SourceRecord``."""

    name: str
    kind: str
    host: str
    settings: Fields | None = None


@event(frozen=True)
class SourceStanding(Event, tag="standing"):
    """From now on a source is given less, nothing, or again as much as it takes.

    Args:
        standing: ``well``, ``degraded``, ``disabled``; ``drained``: its user wants it to get nothing more.
        why: its newest failure.
    """

    name: str
    standing: str
    why: str = ""
