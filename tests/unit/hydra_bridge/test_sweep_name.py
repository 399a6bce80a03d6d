"""A sweep's name is its user's, its job's, or its script's."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hsm_core.hydra_bridge import sweep_name as module
from hsm_core.hydra_bridge.sweep_name import sweep_name


@pytest.mark.parametrize(
    ("job", "script", "typed", "name"),
    [
        ("train", "/home/a/run.py", "", "train"),
        ("train", "/home/a/run.py", "mine", "mine"),
        ("_implementations", "/home/a/train.py", "", "train"),
        ("_implementations", "/home/a/train.py", "mine", "mine"),
        ("_implementations", "", "", "_implementations"),  # a notebook
        ("_app", "/env/lib/python3.11/site-packages/pkg/__main__.py", "", "_app"),
    ],
)
def test_a_librarys_file_names_no_sweep(
    monkeypatch: pytest.MonkeyPatch, job: str, script: str, typed: str, name: str
) -> None:
    monkeypatch.setattr(module, "main_file", lambda: str(Path(script)) if script else "")
    assert sweep_name(OmegaConf.create({"hydra": {"job": {"name": job}}}), typed) == name
