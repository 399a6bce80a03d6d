"""What a worker says of a disk that refused its events."""

from __future__ import annotations

from typing import Any

from hsm_core.worker.supervisor.report import Report


class FullOnce:
    """A journal whose first flush fails."""

    trouble = "No space left on device"

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self._flushes = 0

    def append(self, event: dict[str, Any]) -> None:
        self.said.append(event)

    def flush(self) -> bool:
        self._flushes += 1
        return self._flushes > 1

    def sync(self) -> None:
        pass

    def seal(self) -> None:
        pass


def test_whose_events_a_full_disk_refused_is_told() -> None:
    journal = FullOnce()
    report = Report(journal, beat_s=60)  # type: ignore[arg-type]
    report._write_down(0.0)
    report._write_down(3.0)
    assert "the worker's events could not be written: No space left on device; written 3 s later" in str(journal.said)
