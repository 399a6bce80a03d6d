"""Of what stands under a script's guard, that is told which tasks do not see, and nothing else."""

from __future__ import annotations

import argparse
import logging
import threading
from collections import deque
from importlib import import_module
from pathlib import Path

import pytest

from hsm_core.hydra_bridge.launcher.app.unseen import changes_others, is_plain
from hsm_core.hydra_bridge.task.main_script import read_script

HEAD = "import hydra\n@hydra.main()\ndef main(cfg): pass\nif __name__ == '__main__':\n    {}\n    main()\n"


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("random.seed(3)", True), ("random.shuffle(x)", False), ("json.MARK = 1", True), ("json.dump(a, b)", False),
        ("shutil.rmtree('old')", False), ("decimal.getcontext().prec = 5", True), ("numpy.save('a', b)", True),
        ("sys.setrecursionlimit(9)", False), ("sys.path.append('a')", False), ("sys.exit('usage')", False),
        ("sys.stdout = open('a')", True), ("sys.stdout.flush()", False), ("sys.argv = []", False),
        ("logging.getLogger('a').setLevel(5)", False), ("logging.getLogger('a').addHandler(h)", True),
        ("logging.getLogger().addHandler(h)", False), ("logging.config.dictConfig(d)", True),
        ("unittest.mock.patch('a.b').start()", True), ("signal.signal(1, f)", True), ("os.umask(0)", False),
        ("time.sleep(1)", False), ("tempfile.tempdir = 'a'", True), ("gc.collect()", False), ("gc.disable()", True),
    ],
)  # fmt: skip
def test_statements_of_modules(tmp_path: Path, text: str, is_told: bool) -> None:
    (tmp_path / "app.py").write_text(HEAD.format(text))
    (setting,) = read_script(tmp_path / "app.py").settings
    assert changes_others(setting, import_module(setting.name)) == is_told


def test_functions_and_loggers(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HEAD.format("seed(3); log.addHandler(h); log.info('x'); choice([1])"))
    settings = read_script(tmp_path / "app.py").settings
    random, log = import_module("random"), logging.getLogger("mine")
    values = {"seed": random.seed, "log": log, "choice": random.choice}
    told = [one.text for one in settings if changes_others(one, values[one.name])]
    assert told == ["seed(3)", "log.addHandler(h)"]
    assert not changes_others(settings[1], logging.root)  # Hydra replaces its handlers


def test_plain_values() -> None:
    plain = [{"a": [1, (2.0, None)]}, argparse.Namespace(x={"b"}), deque([b"c"]), "text", 3]
    assert all(map(is_plain, plain))
    assert not any(map(is_plain, [[threading.Lock()], {"a": object()}, print, argparse.Namespace(x=[Path("a")])]))
