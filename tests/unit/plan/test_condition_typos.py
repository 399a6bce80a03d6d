"""A condition that can't be read is written as it was meant."""

from __future__ import annotations

import pytest

from hsm_core.plan.condition_typos import meant

KEYS = ("lr", "opt", "model.depth", "db/engine")


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("opt=adam", "opt == 'adam'"),
        ("opt == adam", "opt == 'adam'"),
        ("opt!=adam", "opt!='adam'"),
        ("opt=adam-w", "opt == 'adam-w'"),
        ("opt=resnet/18", "opt == 'resnet/18'"),
        ("opt=3x", "opt == '3x'"),
        ("opt=@x", "opt == '@x'"),
        ("lr=0.1", "lr == 0.1"),
        ("opt=adam and lr<0.1", "opt == 'adam' and lr<0.1"),
        ("opt=adam && lr=>0.1", "opt == 'adam' and lr >= 0.1"),
        ("opt='adam'", "opt == 'adam'"),
        ("opt in [adam, sgd]", "opt in ['adam', 'sgd']"),
        ("otp=adam", "opt == 'adam'"),
        ("depth > 2", "model.depth > 2"),
        ("model.dept = 2", "model.depth == 2"),
        ("opt == true", "opt == true"),
        ("zzz > 1", ""),
        ("lr <", ""),
        ("", ""),
    ],
)
def test_meant(typed: str, right: str) -> None:
    assert meant(typed, KEYS.__contains__, KEYS) == right
