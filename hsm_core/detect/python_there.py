"""Finds the Python on a host that can run what was pickled here: the same minor version, with the same Hydra."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hsm_core import parsing
from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Host
from hsm_core.hosts.ssh.recorded import words_to_type
from hsm_core.overrides import joined

_ASK_S = 60.0
_PACKAGES = ("hydra-core", "omegaconf")
#: Where ``hsm doctor --install`` creates an environment, below the home directory of a host.
INSTALLED = "hsm-env"
_MARK = "hsm-python:"
_PROBE = f"""
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {{"python": sys.executable, "version": "%d.%d.%d" % sys.version_info[:3]}}
for name in {_PACKAGES!r}:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = ""
print({_MARK!r} + json.dumps(found))
"""
_KINDS: parsing.Kinds = dict.fromkeys(("python", "version", *_PACKAGES), parsing.text)


@dataclass(frozen=True)
class Interpreter:
    """An interpreter and what decides whether it understands what another one pickled.

    Args:
        path: the interpreter.
        version: as ``3.11.2``.
        packages: versions by name; empty where a package is not there.
    """

    path: str
    version: str
    packages: Mapping[str, str]

    @property
    def words(self) -> str:
        """Returns its versions, to be read."""
        hydra = self.packages.get("hydra-core")
        return f"Python {self.version} {f'with Hydra {hydra}' if hydra else 'without hydra-core'}"

    def understands(self, other: Interpreter) -> bool:
        """Returns whether it has the minor versions of another one, of Python and of each package."""
        mine, others = ((one.version, *(one.packages[name] for name in _PACKAGES)) for one in (self, other))
        return all(map(_same_minor, mine, others))


def own_interpreter() -> Interpreter:
    """Returns the one that runs this."""
    packages = {name: _own(name) for name in _PACKAGES}
    return Interpreter(sys.executable, ".".join(map(str, sys.version_info[:3])), packages)


def find_python(host: Host, *, named: str | None = None, project: Path | None = None) -> Interpreter:
    """Returns the first interpreter of a host that understands what is pickled here.

    Tried in turn, unless one is named: the project's ``.venv``, the active virtual and conda environments, what
    ``hsm doctor --install`` created, what ``uv`` finds for the project, ``python3``.

    Args:
        named: the one to take, and no other; a leading ``~/`` is the host's.
        project: the project's directory on the host, where it has one.

    Raises:
        BackendError: none of them does; says what is here and what each of them is.
        HostTrouble: the host can't be asked.
    """
    here, tried = own_interpreter(), dict[str, str]()
    for path in [_from_home(named, host)] if named else _candidates(host, project):
        if path in tried:
            continue
        found = probe(host, path)
        if isinstance(found, Interpreter) and found.understands(here):
            return found
        tried[path] = found if isinstance(found, str) else found.words
    raise _none(host, here, tried, named)


def _from_home(path: str, host: Host) -> str:
    home = host.environment.get("HOME")
    return f"{home}/{path[2:]}" if home and path.startswith("~/") else path


def _candidates(host: Host, project: Path | None) -> Iterator[str]:
    if project is not None:
        yield str(project / ".venv/bin/python")
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if folder := host.environment.get(name):
            yield f"{folder}/bin/python"
    if home := host.environment.get("HOME"):
        yield f"{home}/{INSTALLED}/bin/python"
    if project is not None and host.which("uv"):
        done = host.run(["uv", "python", "find", "--project", str(project)], _ASK_S)
        if done.code == 0 and done.out.strip():
            yield done.out.strip().splitlines()[-1]
    yield "python3"


def probe(host: Host, path: str) -> Interpreter | str:
    """Returns what an interpreter is, or why nobody knows.

    Args:
        path: of it, or a command.
    """
    try:
        done = host.run([path, "-c", _PROBE], _ASK_S, cwd=Path("/"))  # a module in the way there can't disturb
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        return str(error.strerror or error).lower()
    line = next((line for line in reversed(done.out.splitlines()) if line.startswith(_MARK)), None)
    if done.code != 0 or line is None:
        return done.evidence
    try:
        told = parsing.fields(parsing.table(json.loads(line[len(_MARK) :])), _KINDS)
        return Interpreter(str(told["python"]), str(told["version"]), {name: str(told[name]) for name in _PACKAGES})
    except (ValueError, KeyError, RecursionError) as error:
        return f"its answer can't be used: {error}"


def _none(host: Host, here: Interpreter, tried: Mapping[str, str], named: str | None) -> BackendError:
    name = host.name.partition(":")[2] or host.name
    return BackendError(
        f"{name} has no Python that can run these tasks: here it is {here.words}"
        if named is None
        else f"{named} on {name} can't run these tasks: here it is {here.words}",
        evidence="there: " + "; ".join(f"{path}: {what}" for path, what in tried.items()),
        fix=f"hsm doctor {joined(words_to_type(name, host.settings))} --install    # creates ~/{INSTALLED} there"
        + (f"; then without python: {named}" if named else ""),
    )


def _own(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _same_minor(one: str, other: str) -> bool:
    return bool(one) and one.split(".")[:2] == other.split(".")[:2]
