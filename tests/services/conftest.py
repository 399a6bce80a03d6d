"""What the tests of the services share."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPTS = {
    "short.sh": "#!/bin/sh\ntrue\n",
    "sleep.sh": "#!/bin/sh\nsleep 60\n",
    "crlf.sh": "#!/bin/sh\r\ntrue\r\n",
    "comment.sh": "#!/bin/sh\n#PBS -j oe # trailing comment\n",
    "my job=1.sh": "true\n",
}


@pytest.fixture
def folder(weird_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that jobs are submitted from, with scripts in it."""
    for name, text in SCRIPTS.items():
        (weird_tmp_path / name).write_bytes(text.encode())
    monkeypatch.chdir(weird_tmp_path)
    return weird_tmp_path
