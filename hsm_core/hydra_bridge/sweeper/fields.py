"""Declares the fields of the sweeper ``hsm``, under ``hydra.sweeper``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class SweeperConf:
    """The fields of a sweep: what varies, what to exclude, and its name."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmSweeper"
    # Mappings with a _target_ among swept values are values; Hydra must not build objects of them.
    _recursive_: bool = False

    # Key → override in Hydra's grammar, as for Hydra's basic sweeper: `lr: 0.1,0.01`.
    params: dict[str, Any] | None = field(default_factory=dict)
    # Key → YAML list of values, or a string in Hydra's sweep grammar (`range(0,5)`, `glob(*)`).
    # Keys are dotted paths, nested mappings or config groups, with + or ++ to add a key. All axes multiply.
    grid: dict[str, Any] | None = field(default_factory=dict)
    # Name → keys that vary together, each with a list of the same length. Several names, and grid, multiply.
    paired: dict[str, Any] | None = field(default_factory=dict)
    # Conditions such as `model == 'vit' and lr > 0.01`; a combination for which one is true is excluded.
    # One, a list, or a mapping of names to conditions (mappings of several sweep files merge).
    exclude: Any = None
    # How many tasks to draw at random. Null: all.
    sample: int | None = None
    # Seed for sample and order=shuffle.
    sample_seed: int = 0
    # How many tasks to run, the first ones. Null: all.
    limit: int | None = None
    # grid: the last key varies fastest, as in Hydra's basic sweeper. shuffle: random order.
    order: str = "grid"
    # Metric of the results: {name: val_loss, mode: min}, or a list of these. mode is min or max.
    metric: Any = None
    # Which tasks to compose before anything starts: cover (every group choice, every key, a value of each type),
    # all (every task) or none.
    validate: str = "cover"
    # Most tasks to give the launcher at a time. Null: all.
    max_batch_size: int | None = None
    # Name of the sweep, part of its id. Null: the app's name.
    name: str | None = None
    # What the sweep is for, in a sentence.
    description: str | None = None
    # Words to find the sweep by.
    tags: list[str] | None = None
    # Show the tasks, the command of one and what would be submitted, without starting or writing anything.
    dry_run: bool = False
    # Resume a sweep: its id, `latest`, or its directory. Needs an hsm launcher.
    resume: str | None = None
