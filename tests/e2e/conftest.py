"""What the pages of the documentation need to run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.ssh_sweeping import with_hydra
from tests.services.fleet import Fleet


@pytest.fixture
def sshd(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Hosts behind SSH that the user calls box1, box2, and where the example app can run."""
    with_hydra(fleet, "numpy", folder="hsm-env")
    config = tmp_path / "ssh_config"
    config.write_text(re.sub(r"(?m)^Host h(\d)$", r"Host box\1", fleet.ssh_config.read_text()))
    monkeypatch.setenv("HSM_SSH_CONFIG", str(config))
    return fleet
