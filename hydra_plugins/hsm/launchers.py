"""The launchers, where Hydra looks for them: in one module, as each module here costs every Hydra app at start."""

from hsm_core.hydra_bridge import late_config, launcher


class HsmLocalLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_local``: a pool of this machine."""

    backend = "local"


class HsmSlurmLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_slurm``: job arrays of Slurm."""

    backend = "slurm"


class HsmPbsLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_pbs``: job arrays of PBS Pro, OpenPBS or Torque."""

    backend = "pbs"


class HsmHpcLauncher(launcher.LauncherBase):
    """``hydra/launcher=hsm_hpc``: Slurm or PBS, whichever is found, or HSM_HPC_SYSTEM names."""

    def place(self) -> str:
        from hsm_core.hydra_bridge.hpc_place import hpc_place

        return hpc_place()


for _name, _kind in {"local": "LauncherConf", "slurm": "SlurmConf", "pbs": "PbsConf", "hpc": "HpcConf"}.items():
    late_config.offer("hydra/launcher", f"hsm_{_name}", "hsm_core.hydra_bridge.launcher_fields", _kind)
