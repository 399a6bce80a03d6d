"""Train a small classifier on generated points; an ordinary Hydra app, nothing in it knows hsm."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import classifiers
import descent
import hydra
import numpy as np
import points
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

log = logging.getLogger(__name__)


def loss_and_accuracy(model: classifiers.Classifier, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean logistic loss (nats a point) and the share of points on the right side."""
    logits = model.logits(x)
    loss = np.mean(np.logaddexp(0.0, logits) - y * logits)
    return float(loss), float(np.mean((logits > 0) == (y > 0.5)))


def train_epoch(
    model: classifiers.Classifier,
    step: descent.Step,
    data: points.Split,
    batch: int,
    rng: np.random.Generator,
) -> None:
    order = rng.permutation(len(data.train_y))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        step.apply(model.params, model.gradients(data.train_x[chosen], data.train_y[chosen]))


def scores(model: classifiers.Classifier, data: points.Split) -> dict[str, float]:
    train_loss, _ = loss_and_accuracy(model, data.train_x, data.train_y)
    val_loss, val_accuracy = loss_and_accuracy(model, data.val_x, data.val_y)
    return {"train_loss": train_loss, "val_loss": val_loss, "val_accuracy": val_accuracy}


@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(cfg: DictConfig) -> dict[str, float]:
    """Train, write the learning curve to ``metrics.jsonl``, return the last scores."""
    rng = np.random.default_rng(cfg.seed)
    data = points.generate(cfg.data.name, cfg.data.samples, cfg.data.noise, rng)
    model = classifiers.build(cfg.model, rng)
    step = descent.build(cfg.optimizer, model.params)
    curve = Path(HydraConfig.get().runtime.output_dir) / "metrics.jsonl"
    with curve.open("w", encoding="utf-8") as out:
        for epoch in range(1, cfg.epochs + 1):
            train_epoch(model, step, data, cfg.batch_size, rng)
            now = scores(model, data)
            out.write(json.dumps({"step": epoch, **now}) + "\n")
    log.info("val_loss %.4f, val_accuracy %.3f", now["val_loss"], now["val_accuracy"])
    return now


if __name__ == "__main__":
    main()
