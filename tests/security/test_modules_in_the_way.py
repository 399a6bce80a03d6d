"""No module that lies in the current directory, which may be a group's, is imported by what hsm starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hsm_core.api.sweep import _HSM


def test_none_is_imported_from_the_current_directory(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("click", "json", "hsm_core"):
        (tmp_path / f"{name}.py").write_text(f"open({str(ran)!r}, 'w')\nraise SystemExit(9)")
    words = [sys.executable, *_HSM, "--version"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, ran.exists()) == (0, False), done.stderr
