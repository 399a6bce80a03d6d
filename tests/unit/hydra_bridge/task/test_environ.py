"""An app is imported with the variables that it was started with; what it made up for all its processes stays."""

from __future__ import annotations

import os
import uuid

import pytest

from hsm_core.hydra_bridge.task.environ import as_at_start, digest


def test_what_is_made_up_where_a_variable_is_missed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"RUN_ID": "that of the sweep", "PORT": "80", "MODE": "at last", "FLAGS": "-a -b"}
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    changes = {name: (None, digest(value)) for name, value in wanted.items()} | {"FLAGS": ("-a", digest("-a -b"))}
    kind = type(os.environ)
    with as_at_start(changes):
        assert os.environ.setdefault("RUN_ID", uuid.uuid4().hex) == "that of the sweep"
        if "PORT" not in os.environ:
            os.environ["PORT"] = "8080"
        assert os.getenv("PORT") == "80"
        os.environ["MODE"] = "at first"
        assert os.environ["MODE"] == "at first"
        os.environ["FLAGS"] = os.environ.get("FLAGS", "") + " -b"
        assert os.environ.get("OTHER") is None
        monkeypatch.setenv("OTHER", "new")
        assert os.environ["OTHER"] == "new"
    assert {name: os.environ[name] for name in wanted} == wanted
    assert type(os.environ) is kind
