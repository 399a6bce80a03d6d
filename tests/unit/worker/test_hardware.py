"""GPU names for the record: a driver that answers, one that fails, one that hangs, none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.worker import hardware


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ("echo 'NVIDIA A100'; echo 'NVIDIA T4'", ["NVIDIA A100", "NVIDIA T4"]),
        ("exit 9", []),
        ("sleep 60", []),
        (None, []),
    ],
    ids=["answers", "fails", "hangs", "absent"],
)
def test_gpu_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, names: list[str]
) -> None:
    monkeypatch.setattr(hardware, "_TIMEOUT_S", 5.0 if names else 0.2)
    if answer is not None:
        command = tmp_path / "nvidia-smi"
        command.write_text(
            f"#!/bin/sh\n{answer}\n" if "sleep" not in answer else "#!/bin/sh\nexec sleep 60\n"
        )
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert hardware.GpuQuestion().answer() == names
