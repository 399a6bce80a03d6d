"""``hydra/launcher=hsm_pbs``: tasks run as jobs of PBS Pro, OpenPBS or Torque."""

from hsm_core.hydra_bridge import late_config, launcher


class HsmPbsLauncher(launcher.LauncherBase):
    """Runs a sweep in job arrays of PBS."""

    backend = "pbs"


late_config.offer("hydra/launcher", "hsm_pbs", "hsm_core.hydra_bridge.launcher_fields", "PbsConf")
