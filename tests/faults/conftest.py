"""Tells, at the end of the run, where the campaigns struck."""

from __future__ import annotations

from collections import Counter

import pytest

STRUCK = pytest.StashKey[Counter[tuple[str, str]]]()


@pytest.fixture
def struck(request: pytest.FixtureRequest) -> Counter[tuple[str, str]]:
    """Counts strikes by role and call; ``missed`` is a call that a run did not come to."""
    return request.config.stash.setdefault(STRUCK, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash.get(STRUCK, Counter())
    if counts:
        terminalreporter.section("strikes")
        for role in dict.fromkeys(role for role, _ in counts):
            calls = {call: count for (found, call), count in counts.items() if found == role}
            told = ", ".join(f"{count} × {call}" for call, count in sorted(calls.items()))
            terminalreporter.write_line(f"{role:11}{sum(calls.values()):4}: {told}")
