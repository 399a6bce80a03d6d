"""The line by which a user looks at a machine behind SSH that does not answer."""

from __future__ import annotations

from hsm_core.errors import BackendError
from hsm_core.hosts.ssh.recorded import words_to_type
from hsm_core.overrides import joined
from hsm_core.store.record import SourceRecord


def doctor_line(record: SourceRecord) -> str:
    """Returns a command that checks the machine of a source."""
    name = record.host.partition(":")[2]
    try:
        return f"hsm doctor {joined(words_to_type(name, record.settings))}"
    except BackendError:
        return f"hsm doctor {joined(['--host', name])}"
