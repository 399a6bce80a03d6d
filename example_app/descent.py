"""Two ways down a gradient: SGD with momentum, and Adam."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Arrays = list[np.ndarray]


class Step(Protocol):
    def apply(self, params: Arrays, gradients: Arrays) -> None: ...


class Sgd:
    def __init__(self, lr: float, momentum: float, params: Arrays) -> None:
        self.lr, self.momentum = lr, momentum
        self.speed = [np.zeros_like(p) for p in params]

    def apply(self, params: Arrays, gradients: Arrays) -> None:
        for p, g, v in zip(params, gradients, self.speed, strict=True):
            v *= self.momentum
            v -= self.lr * g
            p += v


class Adam:
    """Kingma and Ba 2015, with the constants of the paper."""

    def __init__(self, lr: float, params: Arrays) -> None:
        self.lr, self.count = lr, 0
        self.mean = [np.zeros_like(p) for p in params]
        self.square = [np.zeros_like(p) for p in params]

    def apply(self, params: Arrays, gradients: Arrays) -> None:
        self.count += 1
        for p, g, m, s in zip(params, gradients, self.mean, self.square, strict=True):
            m += 0.1 * (g - m)
            s += 0.001 * (g * g - s)
            unbiased = m / (1 - 0.9**self.count)
            p -= self.lr * unbiased / (np.sqrt(s / (1 - 0.999**self.count)) + 1e-8)


def build(cfg: Any, params: Arrays) -> Step:
    return Sgd(cfg.lr, cfg.momentum, params) if cfg.name == "sgd" else Adam(cfg.lr, params)
