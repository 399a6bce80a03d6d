"""Where ``hydra/launcher=hsm_hpc`` sends its tasks."""

from __future__ import annotations

from hsm_core.detect.scheduler import chosen_system
from hsm_core.errors import ConfigError
from hsm_core.hosts.local import LocalHost
from hsm_core.schedulers.registry import title_of
from hsm_core.text import own_logger

from ..error_display import refuse

log = own_logger(__name__)


def hpc_place() -> str:
    """Returns the name of the batch system that is here.

    Raises:
        ConfigError: there is none, or it isn't clear which; Hydra shows it without a traceback.
    """
    try:
        found = chosen_system(LocalHost())
    except ConfigError as error:
        refuse(error, error.__cause__)
    log.info("hsm_hpc uses %s here", title_of(found))
    return found
