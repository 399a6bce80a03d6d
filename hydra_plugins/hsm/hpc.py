"""``hydra/launcher=hsm_hpc``: tasks run as jobs of Slurm or PBS, whichever is here."""

from hsm_core.hydra_bridge import late_config, launcher


class HsmHpcLauncher(launcher.LauncherBase):
    """Runs a sweep in job arrays of the batch system that is found, or that HSM_HPC_SYSTEM names."""

    def place(self) -> str:
        from hsm_core.hydra_bridge.hpc_place import hpc_place

        return hpc_place()


late_config.offer("hydra/launcher", "hsm_hpc", "hsm_core.hydra_bridge.launcher_fields", "HpcConf")
