"""Generators that are seeded while this is imported, and others.

``LIBRARIES`` names libraries; with ``GLOBALS=seeded`` the generators that a library itself has are seeded.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

COUNT = 500
LIBRARIES = os.environ["LIBRARIES"].split(",")
IS_SEEDED = os.environ["GLOBALS"] == "seeded"
#: Name of a generator → draws numbers between 0 and 1.
SEEDED: dict[str, Callable[[], list[float]]] = {}
UNSEEDED: dict[str, Callable[[], list[float]]] = {}
GLOBALS = SEEDED if IS_SEEDED else UNSEEDED


def drawn(draw: Callable[[], float]) -> Callable[[], list[float]]:
    return lambda: [draw() for _ in range(COUNT)]


if "python" in LIBRARIES:
    if IS_SEEDED:
        random.seed(1)
    random.random()
    GLOBALS["random"] = drawn(random.random)
    SEEDED["Random(2)"] = drawn(random.Random(2).random)
    UNSEEDED["Random()"] = drawn(random.Random().random)

if "numpy" in LIBRARIES:
    import numpy as np

    if IS_SEEDED:
        np.random.seed(1)
    np.random.rand()
    GLOBALS["numpy"] = lambda: np.random.rand(COUNT).tolist()
    LEGACY = {"seeded": np.random.RandomState(3), "unseeded": np.random.RandomState()}
    SEEDED["RandomState(3)"] = lambda: LEGACY["seeded"].rand(COUNT).tolist()
    UNSEEDED["RandomState()"] = lambda: LEGACY["unseeded"].rand(COUNT).tolist()
    MADE = {"seeded": np.random.default_rng(4), "unseeded": np.random.default_rng()}
    SEEDED["default_rng(4)"] = lambda: MADE["seeded"].random(COUNT).tolist()
    UNSEEDED["default_rng()"] = lambda: MADE["unseeded"].random(COUNT).tolist()

if "torch" in LIBRARIES:
    import torch

    if IS_SEEDED:
        torch.manual_seed(1)
    torch.rand(3)
    GLOBALS["torch"] = lambda: torch.rand(COUNT).tolist()
    HELD = {"seeded": torch.Generator().manual_seed(5), "unseeded": torch.Generator()}
    SEEDED["Generator().manual_seed(5)"] = lambda: torch.rand(COUNT, generator=HELD["seeded"]).tolist()
    UNSEEDED["Generator()"] = lambda: torch.rand(COUNT, generator=HELD["unseeded"]).tolist()

if "tensorflow" in LIBRARIES:
    import tensorflow as tf

    if IS_SEEDED:
        tf.random.set_seed(1)
    GLOBALS["tensorflow"] = lambda: tf.random.uniform([COUNT]).numpy().tolist()
    UNSEEDED["tensorflow's generator"] = lambda: (
        tf.random.Generator.from_non_deterministic_state().uniform([COUNT]).numpy().tolist()
    )

if "jax" in LIBRARIES:
    import jax

    KEY = jax.random.key(6)
    SEEDED["jax"] = lambda: jax.random.uniform(KEY, [COUNT]).tolist()

if "C" in LIBRARIES:
    import ctypes

    LIBC = ctypes.CDLL(None)
    LIBC.srand(7)
    SEEDED["C"] = lambda: [LIBC.rand() / 2**31 for _ in range(COUNT)]
