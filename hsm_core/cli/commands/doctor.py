"""hsm doctor: checks what keeps sweeps from working here, with a line to fix each."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import asdict

import click

from hsm_core.schedulers.batch_system import Finding
from hsm_core.text import columns
from hsm_core.views.status.sweep_json import enveloped
from hsm_core.views.text import paint

from ..click_types import examples, json_option
from ..doctor.checks import all_findings
from ..terminal import colour_on, say, say_json

_SIGN = {"ok": ("✓", "completed"), "note": ("!", "cancelled"), "bad": ("✗", "failed")}


@click.command("doctor", epilog=examples("cd my_project && hsm doctor"))
@json_option
def doctor(as_json: bool) -> int:
    """Check the machine, the environment and the project.

    Exit code 1 if something is wrong.
    """
    found = list(all_findings())
    if as_json:
        say_json(enveloped(findings=[asdict(finding) for finding in found]))
    for finding in found if not as_json else []:
        _tell(finding)
    return int(any(finding.level == "bad" for finding in found))


def _tell(finding: Finding) -> None:
    sign, colour = _SIGN[finding.level]
    wrapped = textwrap.wrap(
        f"{finding.name}: {finding.said}", columns() - 4, break_long_words=False, break_on_hyphens=False
    )
    say(f"{paint(sign, colour, colour_on(sys.stdout))} " + "\n    ".join(wrapped))
    if finding.fix:
        say(f"    next: {finding.fix}")
