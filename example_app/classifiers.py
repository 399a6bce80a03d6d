"""Three classifiers of points in the plane: a line, a line over radial bumps, a small network."""

from __future__ import annotations

from typing import Any

import numpy as np


def _logit_slopes(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Derivative of the mean logistic loss by each logit."""
    return (1.0 / (1.0 + np.exp(-np.clip(logits, -60, 60))) - y) / len(y)


class Linear:
    """A straight line; subclasses change what it is drawn over."""

    def __init__(self, inputs: int = 2) -> None:
        self.params = [np.zeros(inputs), np.zeros(1)]

    def features(self, x: np.ndarray) -> np.ndarray:
        return x

    def logits(self, x: np.ndarray) -> np.ndarray:
        weights, bias = self.params
        return self.features(x) @ weights + bias[0]

    def gradients(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        slopes = _logit_slopes(self.logits(x), y)
        return [self.features(x).T @ slopes, slopes.sum(keepdims=True)]


class Rbf(Linear):
    """A line over radial bumps at random centers."""

    def __init__(self, centers: int, gamma: float, rng: np.random.Generator) -> None:
        super().__init__(centers)
        self.centers, self.gamma = rng.uniform(-2, 2, (centers, 2)), gamma

    def features(self, x: np.ndarray) -> np.ndarray:
        squares = ((x[:, None, :] - self.centers) ** 2).sum(axis=2)
        return np.exp(-self.gamma * squares)


class Mlp:
    """One hidden layer of tanh units."""

    def __init__(self, width: int, rng: np.random.Generator) -> None:
        into, out = rng.normal(0, 1, (2, width)), rng.normal(0, width**-0.5, width)
        self.params = [into, np.zeros(width), out, np.zeros(1)]

    def logits(self, x: np.ndarray) -> np.ndarray:
        into, shift, out, bias = self.params
        return np.tanh(x @ into + shift) @ out + bias[0]

    def gradients(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        into, shift, out, bias = self.params
        hidden = np.tanh(x @ into + shift)
        slopes = _logit_slopes(hidden @ out + bias[0], y)
        back = np.outer(slopes, out) * (1 - hidden**2)
        return [x.T @ back, back.sum(axis=0), hidden.T @ slopes, slopes.sum(keepdims=True)]


Classifier = Linear | Mlp


def build(cfg: Any, rng: np.random.Generator) -> Classifier:
    if cfg.name == "linear":
        return Linear()
    if cfg.name == "rbf":
        return Rbf(cfg.centers, cfg.gamma, rng)
    return Mlp(cfg.width, rng)
