"""The fields of the sweeper ``hsm``: what may stand under ``hydra.sweeper``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class SweeperConf:
    """A sweep: what varies, what is left out, how it is called."""

    _target_: str = "hydra_plugins.hsm.plugins.HsmSweeper"
    # Mappings with a _target_ among swept values are values; Hydra must not build objects of them.
    _recursive_: bool = False

    # Key → override in Hydra's grammar, exactly as for Hydra's basic sweeper: `lr: 0.1,0.01`.
    params: dict[str, Any] | None = field(default_factory=dict)
    # Key → YAML list of values, or a string in Hydra's sweep grammar (`range(0,5)`, `glob(*)`).
    # Keys are dotted paths, nested mappings or config groups, with + or ++ to add a key. All axes multiply.
    grid: dict[str, Any] | None = field(default_factory=dict)
    # Name → mapping of keys to equally long lists that vary together. Several names, and grid, multiply.
    paired: dict[str, Any] | None = field(default_factory=dict)
    # Conditions such as `model == 'vit' and lr > 0.01`; where one is true, the combination is left out.
    # One, a list, or a mapping of names to conditions (mappings of several sweep files merge).
    exclude: Any = None
    # So many tasks, drawn at random from what is left. Null: all.
    sample: int | None = None
    # Seed of the draw, and of order=shuffle.
    sample_seed: int = 0
    # The first so many tasks only. Null: all.
    limit: int | None = None
    # grid: as Hydra's basic sweeper, the last axis fastest. shuffle: a random order.
    order: str = "grid"
    # What results are judged by: {name: val_loss, mode: min}, or a list of these. mode is min or max.
    metric: Any = None
    # What is composed before anything starts: cover (every group choice, every key, a value of each type),
    # all (every task) or none.
    validate: str = "cover"
    # Tasks handed to the launcher at once. Null: all.
    max_batch_size: int | None = None
    # What the sweep is called; part of its id. Null: the app's name.
    name: str | None = None
    # What it is for, in a sentence.
    description: str | None = None
    # Words to find it by.
    tags: list[str] | None = None
    # Show the tasks, the command of one and what would be submitted. Starts nothing, writes nothing.
    dry_run: bool = False
    # Go on with the recorded tasks of a sweep: its id, `latest`, or its directory. Needs an hsm launcher.
    resume: str | None = None
