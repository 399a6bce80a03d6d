"""Makes sure that a batch runs once: whoever links the claim first runs it."""

from __future__ import annotations

from dataclasses import asdict

from hsm_core.model import ProcessIdentity

from .files import create_exclusively, nonce, read_json, to_json
from .layout import SweepPaths


def claim_batch(
    paths: SweepPaths, batch: str, *, worker: str, native_id: str, restart: int, process: ProcessIdentity
) -> bool:
    """Claim a batch for a worker.

    Returns:
        False if another worker has it.

    Raises:
        OSError: the disk refuses; nothing is claimed.
    """
    content = {
        "nonce": nonce(16), "worker": worker, "native_id": native_id, "restart": restart, **asdict(process),
    }  # fmt: skip
    return create_exclusively(paths.claim(batch), to_json(content))


def claimant(paths: SweepPaths, batch: str) -> str | None:
    """The worker that claimed a batch; None if nobody did."""
    try:
        return str(read_json(paths.claim(batch))["worker"])
    except FileNotFoundError:
        return None
