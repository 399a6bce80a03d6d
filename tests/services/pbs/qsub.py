"""qsub: from a line that a user types to the request that the server gets."""

from __future__ import annotations

import os
from types import ModuleType

from . import qsub_pbspro, qsub_torque
from .client import Knobs
from .submitting import Options, directives, named, origin, parse
from .wire import Told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Message


def submission(argv: list[str], knobs: Knobs) -> Message:
    """The request that a line of qsub becomes.

    Raises:
        Told: qsub refuses it without asking.
    """
    dialect = qsub_pbspro if knobs.flavour == "pbspro" else qsub_torque
    typed, rest = parse(argv, dialect.GRAMMAR)
    if len(rest) > 1:
        raise dialect.usage()
    script, default_name = named(rest, knobs.flavour)
    prefix = typed.values.get("C", os.environ.get("PBS_DPREFIX", "#PBS"))
    options = typed.over(directives(script, dialect.GRAMMAR, prefix))
    dialect.GRAMMAR.check("N", options.values.setdefault("N", default_name))
    if "%" in options.values.get("J", "") and not knobs.throttled_arrays:
        raise dialect.usage("qsub: illegal -J value")
    dialect.check_together(options.values, options.resources)
    elsewhere(options.values.get("q", ""), knobs)
    return {
        "do": "qsub",
        "script": script,
        "values": options.values,
        "resources": options.resources,
        "attributes": options.attributes,
        "environ": passed(options, dialect, knobs) | origin(),
        "cwd": os.getcwd(),
        "argv": argv,
    }


def elsewhere(destination: str, knobs: Knobs) -> None:
    server = destination.partition("@")[2]
    if server and server != knobs.server:
        words = f"Unknown Host.\nqsub: cannot connect to server {knobs.server} (errno=15008)\n"
        raise Told(words, 160)


def passed(options: Options, dialect: ModuleType, knobs: Knobs) -> dict[str, str]:
    """The variables that ``-v`` and ``-V`` pass to the job."""
    everything = "V" in options.values and (knobs.environment_passed or knobs.flavour == "torque")
    some: dict[str, str] = dialect.variables(options.values["v"]) if "v" in options.values else {}
    return (dict(os.environ) if everything else {}) | some
