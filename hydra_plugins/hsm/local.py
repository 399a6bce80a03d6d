"""``hydra/launcher=hsm_local``: tasks run on this machine, several at once."""

from hsm_core.hydra_bridge import late_config, launcher


class HsmLocalLauncher(launcher.LauncherBase):
    """Runs a sweep in a pool of this machine."""

    backend = "local"


late_config.offer("hydra/launcher", "hsm_local", "hsm_core.hydra_bridge.launcher_fields", "LauncherConf")
