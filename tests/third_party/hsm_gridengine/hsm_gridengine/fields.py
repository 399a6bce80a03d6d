"""The launcher's fields: those of all hsm launchers, and Grid Engine's own."""

from __future__ import annotations

from dataclasses import dataclass

from hsm_core.hydra_bridge.launcher.fields.declared import LauncherConf


@dataclass(repr=False, eq=False)
class GridEngineConf(LauncherConf):
    """The same, with Grid Engine as the place."""

    _target_: str = "hydra_plugins.hsm_gridengine.launcher.GridEngineLauncher"

    # parallel environment that gives a job several cores of one host: qconf -spl
    parallel_environment: str = "smp"
    # what limits memory here, per core: h_vmem, mem_free, m_mem_free …
    memory_resource: str = "h_vmem"
    # what counts GPUs here
    gpu_resource: str = "gpu"
