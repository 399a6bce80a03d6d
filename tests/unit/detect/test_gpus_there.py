"""The GPUs of a host, and who uses them, as nvidia-smi tells."""

from __future__ import annotations

import pytest

from hsm_core.detect.gpus_there import gpus_of
from hsm_core.hosts.interface import Done
from hsm_core.testing.recording import RecordingHost

_LIST = "nvidia-smi --query-gpu=index,name,uuid,memory.used,memory.total"
_USERS = "nvidia-smi --query-compute-apps=gpu_uuid"


def test_the_one_on_which_somebody_computes_is_busy() -> None:
    listed = "0, NVIDIA H200, GPU-a, 4, 143771\n1, NVIDIA H200, GPU-b, 120000, 143771\n"
    first, second = gpus_of(RecordingHost({_LIST: listed, _USERS: "GPU-b\nGPU-b\n"}))
    assert (first.index, first.name, first.is_busy) == ("0", "NVIDIA H200", False)
    assert (second.index, second.memory, second.is_busy) == ("1", "120000 of 143771 MiB", True)


def test_without_the_command_or_without_a_gpu_there_are_none() -> None:
    assert gpus_of(RecordingHost()) == ()
    assert gpus_of(RecordingHost({"nvidia-smi": Done((), 6, "No devices were found\n", "")})) == ()


@pytest.mark.parametrize("reply", [Done((), 9, "NVIDIA-SMI has failed", ""), "0, NVIDIA H200\n", "<html>\n"])
def test_what_it_says_otherwise_is_never_taken_for_none(reply: str | Done) -> None:
    with pytest.raises(ValueError, match="nvidia-smi"):
        gpus_of(RecordingHost({"nvidia-smi": reply}))
