"""Users of this machine for the tests of what one of them can do to another."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .people import People, made_people, why_absent


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    """Two users who share a group; skipped where they can't be made, which fails where all services are required."""
    if why := why_absent():
        if os.environ.get("HSM_SERVICES") == "required":
            pytest.fail(f"users are required here, but: {why}", pytrace=False)
        pytest.skip(why)
    with made_people() as found:
        yield found
