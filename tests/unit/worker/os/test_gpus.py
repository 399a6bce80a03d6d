"""GPU names for the record: a driver that answers, one that fails, one that hangs, none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.worker.os import gpus


@pytest.mark.parametrize(
    ("answer", "names"),
    [("echo A100; echo T4", ["A100", "T4"]), ("exit 9", []), ("exec sleep 60", []), (None, [])],
    ids=["answers", "fails", "hangs", "absent"],
)
def test_gpu_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, names: list[str]
) -> None:
    monkeypatch.setattr(gpus, "_TIMEOUT_S", 5.0 if names else 0.2)
    if answer is not None:
        command = tmp_path / "nvidia-smi"
        command.write_text(f"#!/bin/sh\n{answer}\n")
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert gpus.GpuQuestion().answer() == names
