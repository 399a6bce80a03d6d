"""The sweeper ``hsm``, where Hydra looks for it; what it does is in ``hsm_core.hydra_bridge.sweeper``."""

from hydra.core.config_store import ConfigStore

from hsm_core.hydra_bridge import sweeper, sweeper_fields


class HsmSweeper(sweeper.SweeperBase):
    """Grids, paired axes, exclusions and samples, for any launcher."""


ConfigStore.instance().store(
    group="hydra/sweeper", name="hsm", node=sweeper_fields.SweeperConf, provider="hsm"
)
