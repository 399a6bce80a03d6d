"""Types the launcher's fields that are PBS's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hsm_core.model import Resources
from hsm_core.settings import Fields


@dataclass(frozen=True)
class PbsResources(Resources):
    """The request of a job to PBS: the neutral fields, and PBS's own.

    Args:
        select, place: PBS Pro's: ``1:ncpus=4:mem=16gb+2:ncpus=1``, ``scatter:excl``.
        project: PBS Pro's ``-P``.
        storage: ``-l storage=…``, a site's own resource.
        depend: ``afterany:12.server``.
        umask: of the job and of its output, octal; None: that of the submitting process.
        ranks_by: what starts the ranks of a task: ``mpiexec``, ``pbsdsh``, or the beginning of a command line.
        flavour: whose words: ``pbspro`` is OpenPBS too; as the server is, whatever the user wrote.
        writes_directly: whether ``-k doe`` is known to this server.
    """

    select: str | None = None
    place: str | None = None
    project: str | None = None
    storage: str | None = None
    depend: str | None = None
    umask: str | None = None
    ranks_by: str | None = None
    flavour: Literal["pbspro", "torque"] = "pbspro"
    writes_directly: bool = True


def parse(own: Mapping[str, object]) -> PbsResources:
    """Reads PBS's own fields.

    Args:
        own: the launcher's fields by name, as plain values; others may be among them.

    Raises:
        ConfigError: one of them has the wrong type.
    """
    fields = Fields(own)
    return PbsResources(
        select=fields.text("select"),
        place=fields.text("place"),
        project=fields.text("project"),
        storage=fields.text("storage"),
        depend=fields.text("depend"),
        umask=fields.text("umask"),
        ranks_by=fields.text("ranks_by"),
    )
