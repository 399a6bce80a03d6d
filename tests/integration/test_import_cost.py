"""Hydra imports every plugin at each start of any app: ours must cost next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"paramiko", "submitit", "jinja2", "rich", "click", "cloudpickle", "asyncio"}

# Other plugins of this environment import what they like, so the walk is narrowed to ours.
DISCOVER = """
import pkgutil, sys
import hydra_plugins
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
import hydra.core.plugins as plugins
hydra_plugins.__path__ = [path for path in hydra_plugins.__path__ if path.startswith(sys.argv[1])]
plugins.entry_points = lambda group: ()
found = Plugins.instance()
names = [c.__name__ for kind in (Launcher, Sweeper) for c in found.discover(kind)]
print(*names)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def discover() -> tuple[list[str], set[str]]:
    done = subprocess.run(
        [sys.executable, "-Werror", "-c", DISCOVER, str(ROOT)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    names, modules = done.stdout.splitlines()
    return names.split(), set(modules.split())


def test_discovery_finds_each_plugin_once_and_imports_nothing_heavy() -> None:
    names, modules = discover()
    assert names.count("HsmSweeper") == 1
    assert names.count("HsmLocalLauncher") == 1
    assert "optuna" not in modules, "the walk was not narrowed to ours"
    assert modules & HEAVY == set()
