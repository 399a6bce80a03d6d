"""Lets swept values refer to keys that only the tasks have, on Hydra 1.3 too.

Hydra 1.3 resolves everything under ``hydra.sweeper`` against the config of the sweep before it makes the
sweeper, so ``grid: {optimizer: [adam], x: ["${optimizer.beta}"]}`` would fail if the base optimizer has no
``beta``. Hydra 1.4 does not.
"""

from __future__ import annotations

from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


def keep_unresolved(plugins: Plugins, target: str) -> None:
    """Makes ``plugins`` create the sweeper ``target``, which takes no fields, without reading its fields.

    All other sweepers are made as before.
    """
    ordinary = plugins.instantiate_sweeper

    def instantiate_sweeper(*, config: Any, **context: Any) -> Sweeper:
        chosen = config.hydra.sweeper
        if chosen is None or chosen.get("_target_") != target:
            return ordinary(config=config, **context)
        sweeper: Sweeper = plugins.class_name_to_class[target]()  # type: ignore[assignment]
        sweeper.setup(config=config, **context)
        return sweeper

    vars(plugins).setdefault("instantiate_sweeper", instantiate_sweeper)
