"""Writes the script of a PBS job: resources in PBS's words, then the set-up, then the command."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hsm_core.errors import ConfigError
from hsm_core.scripts.rendering import TEMPLATES, render

from .resources import resource_lines
from .settings import PbsResources

TEMPLATE = "pbs.sh.j2"


def script_text(
    resources: PbsResources,
    command: str,
    *,
    token: str,
    size: int | None,
    throttle: int | None,
    setup: Sequence[str],
    cwd: Path,
    template: Path | None = None,
    env: Mapping[str, str] | None = None,
    logs: Path | None = None,
    starts: Path | None = None,
) -> str:
    """Returns the script of a job, or of all elements of an array.

    Args:
        command: shell, or with ranks the words that each rank becomes; ``$ID``, ``$INDEX`` and ``$RESTART``
            are set for it.
        size, throttle: elements, and elements at once; a size of 1 is a plain job.
        setup: lines that run before errors end the script.
        cwd: where the command runs.
        template: a user's own, extending ``pbs.sh.j2``.
        env: variables for the command, as they are.
        logs: where qsub will run; Torque's script writes its log there itself.
        starts: where the job counts its starts.

    Raises:
        ConfigError: this flavour has no words for a resource, or the template is wrong.
    """
    ranks = resources.ranks
    values = {
        "directives": directives(resources, token, size, throttle),
        "setup": list(setup),
        "env": sorted((env or {}).items()),
        "umask": resources.umask or _own_umask(),
        "cwd": cwd,
        "command": command,
        "token": token,
        "log": logs / token if logs and resources.flavour == "torque" else None,
        "starts": starts,
        "index": _index(resources, size),
        "ranks": ranks,
        "ranks_per_node": resources.tasks_per_node,
        "rank_starter": _rank_starter(resources, ranks) if ranks > 1 else "",
        "rank_script": TEMPLATES / "rank.sh",
    }
    return render(TEMPLATE, values, template)


def _index(resources: PbsResources, size: int | None) -> str:
    """Returns the variable with an element's index; empty for a plain job, which may have inherited another's."""
    if size is None or size == 1:
        return ""
    return "$PBS_ARRAYID" if resources.flavour == "torque" else "$PBS_ARRAY_INDEX"


def _rank_starter(resources: PbsResources, ranks: int) -> str:
    """Returns the beginning of the line that starts the ranks.

    Raises:
        ConfigError: none was named; PBS starts no ranks by itself.
    """
    if not resources.ranks_by:
        raise ConfigError(
            f"PBS does not start the {ranks} ranks of a task: name what does",
            fix="hydra.launcher.ranks_by=mpiexec    # or pbsdsh, or the beginning of a command line",
        )
    known = {"mpiexec": f"mpiexec -n {ranks}", "pbsdsh": "pbsdsh --"}
    return known.get(resources.ranks_by, resources.ranks_by)


def directives(
    resources: PbsResources, token: str, size: int | None = None, throttle: int | None = None
) -> list[str]:
    """Returns the ``#PBS`` lines; raw ones stand where they take effect."""
    is_array = size is not None and size > 1
    lines = [f"-N {token}"]
    if is_array:
        at_once = f"%{throttle}" if throttle else ""
        lines.append(f"{'-t' if resources.flavour == 'torque' else '-J'} 0-{(size or 0) - 1}{at_once}")
    lines += [*_whose(resources), *resource_lines(resources), *_how(resources), *_output(resources, token, is_array)]
    first, last = _raw(resources)
    return [_one_line(line) for line in (*first, *(f"#PBS {line}" for line in lines), *last)]


def _whose(resources: PbsResources) -> Iterator[str]:
    """Yields the options for queue, account, project, priority and mail."""
    if resources.project and resources.flavour == "torque":
        raise ConfigError(
            "Torque has no projects: its -P submits as another user",
            fix="hydra.launcher.project=null    # set hydra.launcher.account instead",
        )
    options = (
        ("q", resources.queue), ("A", resources.account), ("P", resources.project),
        ("p", _priority(resources.priority)), ("M", resources.mail_user), ("m", resources.mail_type),
    )  # fmt: skip
    yield from (f"-{letter} {_word(value)}" for letter, value in options if value)


def _how(resources: PbsResources) -> Iterator[str]:
    yield "-r y"
    yield f"-S {_shell()}"
    yield f"-W umask={resources.umask or _own_umask()}"
    if resources.depend:
        yield f"-W depend={_word(resources.depend)}"


def _shell() -> str:
    """Returns a login shell that survives a warning, if PBS can be given its path: qsub splits at ``,`` and ``@``."""
    found = TEMPLATES / "login_shell.sh"
    is_plain = re.fullmatch(r"[A-Za-z0-9_./+-]+", str(found)) is not None
    return str(found) if is_plain and os.access(found, os.X_OK) else "/bin/bash"


def _output(resources: PbsResources, token: str, is_array: bool) -> Iterator[str]:
    """Yields the options for PBS's log: a name without a directory lands where qsub runs; Torque adds ``-<index>``.

    Torque delivers nothing into a directory with a space or a quote in its name, and nothing before the end.
    """
    yield "-j oe"
    per_element = is_array and resources.flavour == "pbspro"
    yield f"-o {token}.{'^array_index^.' if per_element else ''}log"
    if resources.writes_directly and resources.flavour == "pbspro":
        yield "-k doe"


def _priority(written: str | None) -> str | None:
    if written is None:
        return None
    number = str(written)
    if not number.lstrip("-").isdigit() or not -1024 <= int(number) <= 1023:
        raise ConfigError(f"priority {number!r} must be between -1024 and 1023", fix="hydra.launcher.priority=0")
    return number


def _raw(resources: PbsResources) -> tuple[list[str], list[str]]:
    """Returns raw lines to put before and after ours: the last of two counts, but the first of PBS Pro's ``-l``."""
    whole = [line.strip() for line in resources.directives if line.strip()]
    lines = [line if line.startswith("#PBS") else f"#PBS {line}" for line in whole]
    early = [line for line in lines if resources.flavour == "pbspro" and line.split()[1:2] == ["-l"]]
    return early, [line for line in lines if line not in early]


def _word(value: str) -> str:
    """Quotes one word of a directive, which qsub reads nearly as a shell does."""
    return shlex.quote(value)


def _one_line(directive: str) -> str:
    """Refuses a directive that would go on as a line of its own: one of shell, or another directive."""
    if re.search(r"[\x00\n\r]", directive):
        raise ConfigError(
            f"a directive can't contain a line break: {directive!r}",
            fix="remove the line break    # in hydra.launcher.directives, an entry is a line",
        )
    return directive


def _own_umask() -> str:
    """Returns this process's umask from Linux's proc: the system call could not read it without setting it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return "022"
    found = [line.split()[1] for line in status.splitlines() if line.startswith("Umask:")]
    return f"{int(found[0], 8):03o}" if found else "022"
