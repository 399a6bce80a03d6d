"""A large file from a host goes on where it was interrupted, and is never put together from two."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from hsm_core.hosts.agent import copying
from hsm_core.hosts.agent.messages import Message, Unpacker, pack
from hsm_core.hosts.agent.serve import Agent


class Wire:
    """Asks an agent in this process; after ``left`` pieces the link breaks."""

    def __init__(self, left: int = 1000) -> None:
        self.agent, self.left, self.pieces = Agent(io.BytesIO(), beat_s=1.0, silent_s=1.0), left, 0

    def send(self, call: str, body: bytes = b"", **fields: object) -> Message:
        if call == "get":
            self.pieces += 1
            if self.pieces > self.left:
                raise ConnectionResetError("it broke")
        (asked,) = Unpacker(begun=True).feed(pack({**fields, "id": 1, "call": call}, body))
        head, data = self.agent._calls[call](asked.head, asked.body)
        (answer,) = Unpacker(begun=True).feed(pack(head, data))
        return answer

    def pull(self, there: Path, here: Path) -> None:
        copying.pull({there: here}, self.send, lambda asked: asked)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "there" / "model.ckpt"
    path.parent.mkdir()
    path.write_bytes(os.urandom(20 * copying.PIECE + 5))
    return path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here" / "model.ckpt"


def broken(large: Path, here: Path) -> Path:
    """Returns what is left of a copy that broke."""
    with pytest.raises(ConnectionResetError):
        Wire(12).pull(large, here)
    assert not here.exists()
    (part,) = here.parent.iterdir()
    assert part.stat().st_size >= copying.PIECE
    return part


def test_it_goes_on_where_it_was(large: Path, here: Path) -> None:
    broken(large, here)
    wire = Wire()
    wire.pull(large, here)
    assert here.read_bytes() == large.read_bytes()
    assert wire.pieces < 20
    assert os.listdir(here.parent) == ["model.ckpt"]


def test_of_a_file_that_has_changed_nothing_is_taken_over(large: Path, here: Path) -> None:
    broken(large, here)
    large.write_bytes(os.urandom(20 * copying.PIECE + 5))
    Wire().pull(large, here)
    assert here.read_bytes() == large.read_bytes()
    assert os.listdir(here.parent) == ["model.ckpt"]


def test_what_was_damaged_here_meanwhile_is_copied_again(large: Path, here: Path) -> None:
    part = broken(large, here)
    part.write_bytes(bytes(part.stat().st_size))
    with pytest.raises(OSError, match="is damaged, and is copied again"):
        Wire().pull(large, here)
    Wire().pull(large, here)
    assert here.read_bytes() == large.read_bytes()


def test_a_link_in_its_place_is_not_written_through(large: Path, here: Path, tmp_path: Path) -> None:
    part = broken(large, here)
    part.unlink()
    (tmp_path / "mine").write_text("mine")
    part.symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"):
        Wire().pull(large, here)
    assert (tmp_path / "mine").read_text() == "mine"
