"""Points in the plane of two classes, made up on the spot and split in two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """Points ``x`` of shape (n, 2) and classes ``y`` (0.0 or 1.0), to learn from and to judge by."""

    train_x: np.ndarray
    train_y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray


def _moons(angle: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two half circles, one in the bend of the other."""
    upper = np.stack([np.cos(angle / 2) - 0.5, np.sin(angle / 2) - 0.25], axis=1)
    return np.where(y[:, None] > 0.5, -upper, upper)


def _rings(angle: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A circle around a smaller one."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(y > 0.5, 0.5, 1.2)[:, None]


def generate(name: str, samples: int, noise: float, rng: np.random.Generator) -> Split:
    y = rng.integers(0, 2, samples).astype(float)
    angle = rng.uniform(0, 2 * np.pi, samples)
    x = (_moons if name == "moons" else _rings)(angle, y) + rng.normal(0, noise, (samples, 2))
    half = samples // 2
    return Split(x[:half], y[:half], x[half:], y[half:])
