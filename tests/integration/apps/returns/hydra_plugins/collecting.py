"""A sweeper that returns what the launcher returned, failures too, without looking at it."""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class CollectingSweeper(Sweeper):
    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        key, _, values = arguments[0].partition("=")
        return self.launcher.launch([[f"{key}={value}"] for value in values.split(",")], initial_job_idx=0)


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="collecting",
    node={"_target_": "hydra_plugins.collecting.CollectingSweeper"},
    provider="test",
)
