"""``hydra/launcher=hsm_slurm``: tasks run as jobs of Slurm."""

from hsm_core.hydra_bridge import late_config, launcher


class HsmSlurmLauncher(launcher.LauncherBase):
    """Runs a sweep in job arrays of Slurm."""

    backend = "slurm"


late_config.offer("hydra/launcher", "hsm_slurm", "hsm_core.hydra_bridge.launcher_fields", "SlurmConf")
