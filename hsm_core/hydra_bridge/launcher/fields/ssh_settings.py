"""Reads the launcher's fields for machines behind SSH."""

from __future__ import annotations

import math

from hsm_core.errors import ConfigError
from hsm_core.hosts.ssh.path_map import read_path_map
from hsm_core.plan.suggest import closest
from hsm_core.settings import Fields, SshSettings

from .declared import ResultsConf


def ssh_settings(fields: Fields) -> SshSettings:
    """Reads them.

    Raises:
        ConfigError: one of them means nothing.
    """
    path_map = fields.entries("path_map")
    try:
        read_path_map(path_map)
    except ValueError as error:
        raise ConfigError(
            f"hydra.launcher.{error}", fix="'hydra.launcher.path_map=[{local:/data,remote:/scratch/data}]'"
        ) from None
    exclude, max_file_gb = _results(fields.mapping("results"))
    return SshSettings(
        fields.entries("hosts"), fields.one_of("transport", ("auto", "paramiko", "openssh")),
        fields.one_of("host_keys", ("known", "accept_new")), fields.text("ssh_config"), path_map,
        fields.one_of("on_host_lost", ("retry_elsewhere", "wait")),
        fields.within("host_lost_after_s", 10, 86_400_000),
        exclude, max_file_gb, fields.one_of("cleanup", ("on_success", "never")),
    )  # fmt: skip


def _results(values: dict[str, object]) -> tuple[tuple[str, ...], float | None]:
    known = vars(ResultsConf())
    for name in values.keys() - known.keys():
        meant = closest(name, known)
        raise ConfigError(
            f"hydra.launcher.results has no field '{name}'", evidence=f"there are: {', '.join(known)}",
            fix=f"hydra.launcher.results.{meant or 'exclude'}=…",
        )  # fmt: skip
    fields = Fields({f"results.{name}": value for name, value in {**known, **values}.items()})
    most = fields.number("results.max_file_gb")
    if most is not None and not 0 <= most < math.inf:
        raise ConfigError(
            f"hydra.launcher.results.max_file_gb={most} must be a number of GiB, at least 0",
            fix="hydra.launcher.results.max_file_gb=1",
        )
    patterns = fields.texts("results.exclude")
    for pattern in patterns:
        if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
            raise ConfigError(
                f"hydra.launcher.results.exclude: '{pattern}' names no file of a task's directory",
                fix="'hydra.launcher.results.exclude=[\"*.ckpt\",checkpoints/]'",
            )
    return patterns, most
