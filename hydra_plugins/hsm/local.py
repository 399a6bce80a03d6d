"""``hydra/launcher=hsm_local``: tasks run on this machine, several at once."""

from hydra.core.config_store import ConfigStore

from hsm_core.hydra_bridge import launcher, launcher_fields


class HsmLocalLauncher(launcher.LauncherBase):
    """Runs a sweep in a pool of this machine."""

    backend = "local"


ConfigStore.instance().store(
    group="hydra/launcher", name="hsm_local", node=launcher_fields.LauncherConf, provider="hsm"
)
