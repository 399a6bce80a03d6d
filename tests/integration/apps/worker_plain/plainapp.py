"""An app without Hydra: a task's overrides are Python, its directory's name first."""

from __future__ import annotations

import os
import pickle
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import weird_import  # written by the test: what happens while the app is imported

Enter = Callable[[str, Iterable[str]], str]
COUNTER = {"tasks": 0}


def prepare(payload: str) -> Path:
    return Path(payload).parent


def warm_up(prepared: Path) -> None:
    pass


def against_forks(prepared: Path) -> list[str]:
    return list(getattr(weird_import, "AGAINST_FORKS", ()))


def expect(prepared: Path, overrides: Sequence[str]) -> None:
    pass


def notes(prepared: Path) -> list[str]:
    return []


def run(prepared: Path, order: Mapping[str, Any], enter: Enter) -> object:
    """Run ``code`` in the directory ``where``; what it leaves in ``result`` is returned."""
    where, code = order["overrides"]
    directory = Path(order["sweep"]) / where
    enter(str(directory), [str(directory / ".hydra")])
    (directory / ".hydra").mkdir(exist_ok=True)
    names: dict[str, Any] = {
        "os": os, "sys": sys, "random": random, "here": directory, "order": order, "result": None,
        "COUNTER": COUNTER,
    }  # fmt: skip
    exec(compile(code, "task.py", "exec"), names)
    return names["result"]


def dumps(value: object) -> bytes:
    data = pickle.dumps(value)
    pickle.loads(data)
    return data
