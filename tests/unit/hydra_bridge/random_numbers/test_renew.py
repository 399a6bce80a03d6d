"""Forked processes: what the app seeded is kept, what it left unseeded differs, what can't be told is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
#: Imports an app, forks two processes and prints what each draws, then what can't be told.
SCRIPT = """
import json, os, sys, types
from hsm_core.hydra_bridge.random_numbers.renew import RandomNumbers

app, draws = sys.argv[1:]
module = sys.modules["app"] = types.ModuleType("app")
numbers = RandomNumbers()
numbers.about_to_import()
exec(app, vars(module))
numbers.imported()
numbers.find()
found = []
for _ in range(2):
    ours, theirs = os.pipe()
    if os.fork() == 0:
        numbers.renew()
        numbers.renew()
        with open(theirs, "w") as stream:
            json.dump(eval(draws, vars(module)), stream)
        os._exit(0)
    os.close(theirs)
    with open(ours) as stream:
        found.append(json.load(stream))
    os.wait()
print(json.dumps([found, numbers.unknown(), eval(draws, vars(module))]))
"""


def forked(app: str, draws: str) -> tuple[list[Any], list[str], Any]:
    """What two forked processes draw, what can't be told, and what the process that imported the app draws."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, app, draws], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, unknown, parent = json.loads(done.stdout)
    return found, unknown, parent


NUMPY = "import numpy as np; "
KEPT = {
    "seed": ("import random; random.seed(0)", "random.random()"),
    "seed, drawn": ("import random; random.seed(0); random.gauss(0, 1)", "random.gauss(0, 1)"),
    "seed by name": ("import random; from random import seed; seed('x')", "random.random()"),
    "instance": ("import random; R = random.Random(5)", "R.random()"),
    "instance, seeded later": ("import random; R = random.Random(); R.seed(5)", "R.random()"),
    "subclass": (
        "import random\nclass Mine(random.Random):\n def seed(self, *a): super().seed(7)\nR = Mine()",
        "R.random()",
    ),
    "saved state": ("import random; random.setstate(random.Random(3).getstate())", "random.random()"),
    "copy": ("import copy, random; R = copy.deepcopy(random.Random(3))", "R.random()"),
    "numpy seed": (NUMPY + "np.random.seed(3)", "np.random.rand()"),
    "numpy seed, drawn": (NUMPY + "np.random.seed(3); np.random.randn()", "np.random.randn()"),
    "default_rng": (NUMPY + "R = np.random.default_rng(42)", "R.random()"),
    "long seed": (NUMPY + f"R = np.random.default_rng({2**127 + 12345})", "R.random()"),
    "list of seeds": (NUMPY + "R = np.random.default_rng([1, 2**100])", "R.random()"),
    "spawned": (NUMPY + "R, _ = np.random.default_rng(1).spawn(2)", "R.random(), R.spawn(1)[0].random()"),
    "RandomState": (NUMPY + "R = np.random.RandomState(1)", "R.rand()"),
    "default_rng in a closure": (NUMPY + "R = (lambda rng: lambda: rng.random())(np.random.default_rng(1))", "R()"),
}  # fmt: skip
RENEWED = {
    "shared": ("import random", "random.random()"),
    "shared, drawn": ("import random; random.random()", "random.random()"),
    "half of a pair": ("import random; random.gauss(0, 1)", "random.gauss(0, 1)"),
    "seed()": ("import random; random.seed(3); random.seed()", "random.random()"),
    "seed for a while": (
        "import random; s = random.getstate(); random.seed(0); random.random(); random.setstate(s)",
        "random.random()",
    ),
    "instance": ("import random; R = random.Random()", "R.random()"),
    "instance in a slot": (
        "import random\nclass S: __slots__ = ('r',)\nR = S(); R.r = random.Random()", "R.r.random()",
    ),
    "copy": ("import copy, random; R = copy.copy(random.Random())", "R.random()"),
    "numpy": (NUMPY + "np.random.rand()", "np.random.rand()"),
    "numpy, half of a pair": (NUMPY + "np.random.randn()", "np.random.randn()"),
    "numpy seed()": (NUMPY + "np.random.seed(3); np.random.seed()", "np.random.rand()"),
    "numpy seed for a while": (
        NUMPY + "s = np.random.get_state(); np.random.seed(0); np.random.rand(); np.random.set_state(s)",
        "np.random.rand()",
    ),
    "numpy drawn a lot": (NUMPY + "np.random.rand(50_000)", "np.random.rand()"),
    "RandomState": (NUMPY + "R = np.random.RandomState(); R.randn()", "R.randn()"),
    "other bits": (NUMPY + "R = np.random.RandomState(np.random.PCG64()); R.randn()", "R.randn()"),
    "default_rng": (NUMPY + "R = np.random.default_rng(); R.random(100)", "R.random()"),
    **{
        kind: (NUMPY + f"R = np.random.Generator(np.random.{kind}()); R.random(99)", "R.random()")
        for kind in ("MT19937", "PCG64DXSM", "Philox", "SFC64")
    },
    "children": (NUMPY + "R = np.random.default_rng()", "R.spawn(1)[0].random()"),
    "sequence": (NUMPY + "S = np.random.SeedSequence()", "np.random.default_rng(S.spawn(1)[0]).random()"),
    "in a closure": (NUMPY + "R = (lambda rng: lambda: rng.random())(np.random.default_rng())", "R()"),
    "in a dict": (NUMPY + "R = {'a': [(np.random.default_rng(),)]}", "R['a'][0][0].random()"),
    "in a frozen heap": (NUMPY + "import gc; R = np.random.default_rng(); gc.freeze()", "R.random()"),
}  # fmt: skip
UNTOLD = {
    "state": (
        NUMPY + "R = np.random.default_rng(); R.bit_generator.state = np.random.default_rng(1).bit_generator.state",
        "app.R (numpy.random._pcg64.PCG64)",
    ),
    "own kind": (
        NUMPY + "\nclass Mine(np.random.PCG64): pass\nR = np.random.Generator(Mine())",
        "app.R (app.Mine)",
    ),
    "made without its methods": (
        "import random\nclass Mine(random.Random):\n def __init__(self): pass\nR = Mine()", "app.R (app.Mine)",
    ),
    "held by several modules": (
        "import random, sys, types\nclass Mine(random.Random):\n def __init__(self): pass\nR = Mine()\n"
        "for name in ('tool._impl', 'tool.api.long'):\n"
        " sys.modules[name] = types.ModuleType(name)\n sys.modules[name].R = R",
        "app.R (app.Mine)",
    ),
    "C": ("import ctypes; libc = ctypes.CDLL(None); libc.srand(3)", "app.libc (ctypes.CDLL)"),
}  # fmt: skip


@pytest.mark.parametrize(("app", "draws"), KEPT.values(), ids=KEPT)
def test_what_the_app_seeded_is_kept(app: str, draws: str) -> None:
    (first, second), unknown, parent = forked(app, draws)
    assert (first, second, unknown) == (parent, parent, [])


@pytest.mark.parametrize(("app", "draws"), RENEWED.values(), ids=RENEWED)
def test_what_the_app_left_unseeded_differs(app: str, draws: str) -> None:
    (first, second), unknown, parent = forked(app, draws)
    assert len({first, second, parent}) == 3
    assert unknown == []


@pytest.mark.parametrize(("app", "name"), UNTOLD.values(), ids=UNTOLD)
def test_what_cannot_be_told_is_named(app: str, name: str) -> None:
    assert forked(app, "None")[1] == [name]


def test_nothing_of_the_watch_stays() -> None:
    app = (
        "import random; from random import seed, setstate; R = random.Random(1); from secrets import randbits"
    )
    draws = (
        "[seed.__func__.__code__.co_filename, setstate.__func__.__code__.co_filename, repr(random._urandom),"
    )
    draws += "R.getstate.__func__.__code__.co_filename, repr(__import__('sys').meta_path).count('hsm_core')]"
    _, _, (seed, setstate, urandom, getstate, finders) = forked(app, draws)
    assert {Path(file).name for file in (seed, setstate, getstate)} == {"random.py"}
    assert (urandom, finders) == ("<built-in function urandom>", 0)


OTHER_NUMPY = {
    "what it was seeded with": ("g._SEQUENCE = ()", "app.R (numpy.random._pcg64.PCG64)"),
    "what a legacy generator draws from": ("g._DRAWN_FROM = 'x'", "(numpy.random.mtrand.RandomState)"),
    "how a sequence is set": ("g._RESTORE = ()", "a numpy.random.bit_generator.SeedSequence"),
    "where its entropy comes from": (
        "import os; np.random.bit_generator.randbits = lambda bits: int.from_bytes(os.urandom(bits // 8), 'big')",
        "app.R (numpy.random._pcg64.PCG64)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "name"), OTHER_NUMPY.values(), ids=OTHER_NUMPY)
def test_of_a_numpy_with_other_private_names_it_can_not_be_told(change: str, name: str) -> None:
    module = "import hsm_core.hydra_bridge.random_numbers.numpy_generators as g; "
    _, unknown, _ = forked(NUMPY + module + change + "; R = np.random.default_rng()", "None")
    assert any(one.endswith(name) for one in unknown), unknown


@pytest.mark.parametrize("name", ["tensorflow", "keras.src.random.seed_generator"])
def test_of_a_framework_with_other_private_names_it_can_not_be_told(name: str) -> None:
    app = f"import sys, types; sys.modules[{name!r}] = types.ModuleType({name!r})"
    assert forked(app, "None")[1] == [name]
