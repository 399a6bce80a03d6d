"""The sweeper ``hsm``, where Hydra looks for it; what it does is in ``hsm_core.hydra_bridge.sweeper``."""

import sys

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from hsm_core.hydra_bridge import late_config, sweeper, unresolved


class HsmSweeper(sweeper.SweeperBase):
    """Grids, paired axes, exclusions and samples, for any launcher."""


class HsmSweeperHint(SearchPathPlugin):
    """Looks at the command line before Hydra composes."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        unresolved.keep_unresolved(Plugins.instance(), f"{__name__}.HsmSweeper")
        if not {"-m", "--multirun", "hydra.mode=MULTIRUN"}.intersection(sys.argv):
            return
        from hsm_core.hydra_bridge import one_value, sweeper_hint

        for told in one_value.swept_settings(sys.argv[1:]):
            print(told, file=sys.stderr)
        own = [entry.path for entry in search_path.get_path() if entry.provider == "main"]
        primary = sweeper_hint.primary_in_use(sys._getframe(1))
        hint = sweeper_hint.overridden(own, sys.argv[1:], primary, added_wins=not unresolved.HYDRA_1_3)
        if hint:
            print(hint, file=sys.stderr)


late_config.offer("hydra/sweeper", "hsm", "hsm_core.hydra_bridge.sweeper_fields", "SweeperConf")
