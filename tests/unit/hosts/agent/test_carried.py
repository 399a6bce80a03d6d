"""The agent travels complete, and any login shell starts it."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from hsm_core.hosts.agent.carried import MODULES, command, program
from hsm_core.hosts.agent.messages import SENTINEL


def test_it_carries_all_that_it_imports_and_needs_nothing_else() -> None:
    sources = json.loads(zlib.decompress(program()))
    assert set(sources) == set(MODULES)
    for module, (is_package, text) in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                parts = module.split(".")[: -node.level + is_package or None] if node.level else []
                name = ".".join([*parts, *([node.module] if node.module else [])])
                assert name in MODULES or name.split(".")[0] in sys.stdlib_module_names, (module, name)
            elif isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names


SHELLS = [shell for shell in ("sh", "bash", "csh", "tcsh", "zsh", "fish") if shutil.which(shell)]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_login_shell_of_any_kind_starts_it(shell: str, weird_tmp_path: Path) -> None:
    (weird_tmp_path / "my python").symlink_to(sys.executable)
    pythons = ["it's not\\here!", f"{weird_tmp_path}/my python"]
    line = command(pythons, name="agent", beat_s=1.0, silent_s=5.0)
    done = subprocess.run([shell, "-c", line], input=program(), capture_output=True, timeout=60, check=False)
    assert SENTINEL in b"\n" + done.stdout, done.stderr
    head = json.loads(done.stdout.partition(SENTINEL.lstrip())[2].splitlines()[0])
    assert head["version"] == list(sys.version_info[:3])


def test_a_python_in_the_users_home_is_found(weird_tmp_path: Path) -> None:
    (weird_tmp_path / "python").symlink_to(sys.executable)
    done = subprocess.run(
        ["sh", "-c", command(["~/python"], name="agent", beat_s=1.0, silent_s=5.0)], input=program(),
        env={"HOME": str(weird_tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert SENTINEL in done.stdout
