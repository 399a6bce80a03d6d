"""What differs from the versions that were tested is told, whatever Python it is."""

from __future__ import annotations

from tests.newer import differences, versions_in

FILE = """
# made by make
numpy==1.0 ; python_full_version < '3.0'
numpy==2.4.6 ; python_full_version >= '3.0'
Ruff==0.17
"""


def test_what_is_newer_or_was_not_there_is_told() -> None:
    known = versions_in(FILE)
    assert known == {"numpy": "2.4.6", "ruff": "0.17"}
    here = {"numpy": "2.5", "ruff": "0.17", "other": "1"}
    assert [*differences(here, known)] == ["numpy 2.5, tested with 2.4.6", "other 1, which the tests had not"]
