"""Creates an environment on a host whose packages have the versions that they have here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath

from hsm_core.detect.python_there import INSTALLED, Interpreter, own_interpreter, probe
from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.interface import Host
from hsm_core.overrides import joined, quoted

_CREATE_S, _INSTALL_S, _CHECK_S = 300.0, 3600.0, 120.0
#: What tasks need in any case; the worker itself travels with each sweep.
_ALWAYS = ("hydra-core", "omegaconf")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w., -]*\])?")
#: Of pip's words, those that tell that it reached no package index.
_NO_NETWORK = re.compile(
    r"Failed to establish a new connection: [^'\")]+|Connection to [\w.-]+ timed out|(?:Connect|Read)TimeoutError"
    r"|(?:Proxy|SSL)Error\([^)]*\)"
)


@dataclass(frozen=True)
class Plan:
    """Says what is to be done on a host.

    Args:
        python: the interpreter there that creates the environment.
        folder: of the environment there.
        packages: as pip takes them.
    """

    python: str
    folder: PurePosixPath
    packages: tuple[str, ...]

    @property
    def interpreter(self) -> str:
        return str(self.folder / "bin/python")

    @property
    def commands(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns what creates the environment, and what fills it; both may be run again."""
        quietly = ("--disable-pip-version-check", "--no-input", "--retries", "2")
        pip = (self.interpreter, "-m", "pip", "install", *quietly)
        return (self.python, "-m", "venv", str(self.folder)), (*pip, *self.packages)

    @property
    def words(self) -> str:
        """Returns the commands, to be read."""
        return "\n".join(f"  {joined(command)}" for command in self.commands)


def wanted_packages(more: Sequence[str]) -> tuple[str, ...]:
    """Returns what is installed: what tasks always need and what the user names, in the versions of this environment.

    Args:
        more: names of packages, or requirements that say more, which are taken as they are.

    Raises:
        ConfigError: one is an option or a path of this machine.
    """
    for one in more:
        if not one.isprintable() or not one or one.startswith(("-", ".", "/", "~")):
            raise ConfigError(
                f"--with {one} names no package", evidence="a path of this machine leads nowhere on another",
                fix="--with numpy    # a package as pip takes it",
            )  # fmt: skip
    return tuple(dict.fromkeys(_pinned(name) for name in (*_ALWAYS, *more)))


def _pinned(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        return name
    try:
        found = version(name.partition("[")[0])
    except PackageNotFoundError:
        return name
    return f"{name}=={found.partition('+')[0]}"  # no index has what follows a plus


def make_plan(host: Host, packages: Sequence[str]) -> Plan:
    """Returns what would be done on a host; does nothing yet.

    Raises:
        BackendError: no Python of this one's minor version is there, or something else lies where the environment
            belongs.
        HostTrouble: the host can't be asked.
    """
    here, called = own_interpreter(), _called(host)
    minor = here.version.rpartition(".")[0]
    folder = PurePosixPath(host.environment.get("HOME", "/")) / INSTALLED
    found = probe(host, str(folder / "bin/python"))
    if isinstance(found, Interpreter) and not _is_minor(found, minor):
        raise BackendError(
            f"{folder} on {called} is an environment of Python {found.version}; here it is {here.version}",
            fix=f"mv {quoted(str(folder))} {quoted(f'{folder}-{found.version}')}    # on {called}",
        )
    tried: dict[str, str] = {}
    for python in (f"python{minor}", "python3", *_of_uv(host, minor)):
        found = probe(host, python)
        if isinstance(found, Interpreter) and _is_minor(found, minor):
            return Plan(python, folder, tuple(packages))
        tried[python] = found if isinstance(found, str) else f"Python {found.version}"
    raise BackendError(
        f"{called} has no Python {minor}, which tasks need that are pickled here",
        evidence="there: " + "; ".join(f"{path}: {what}" for path, what in tried.items()),
        fix=f"uv python install {minor}    # on {called}, or as its system installs Python",
    )


def _of_uv(host: Host, minor: str) -> Iterator[str]:
    if host.which("uv"):
        done = host.run(["uv", "python", "find", "--no-project", minor], _CHECK_S)
        if done.code == 0 and done.out.strip():
            yield done.out.strip().splitlines()[-1]


def _is_minor(found: Interpreter, minor: str) -> bool:
    return found.version.rpartition(".")[0] == minor


def carry_out(host: Host, plan: Plan, login: str) -> Interpreter:
    """Creates the environment and fills it; returns its interpreter, once that has imported Hydra.

    Args:
        login: the ssh command that goes to the host.

    Raises:
        BackendError: a command failed, or what is there now will not do.
        HostTrouble: the connection broke; the same may be done again.
    """
    create, install = plan.commands
    done = host.run(create, _CREATE_S)
    if done.code != 0:
        minor = own_interpreter().version.rpartition(".")[0]
        lacks_pip = "ensurepip" in done.out + done.err
        raise BackendError(
            f"no environment can be created on {_called(host)}", evidence=done.evidence,
            fix=f"sudo apt install python{minor}-venv    # on {_called(host)}" if lacks_pip else "",
        )  # fmt: skip
    done = host.run(install, _INSTALL_S)
    if done.code != 0:
        raise _not_installed(host, plan, login, done.out + done.err, done.evidence)
    return _verified(host, plan)


def _not_installed(host: Host, plan: Plan, login: str, said: str, evidence: str) -> BackendError:
    called = _called(host)
    cause = _NO_NETWORK.search(said)
    if cause is None:
        return BackendError(f"the packages can't be installed on {called}", evidence=evidence)
    packages = joined(plan.packages)
    there = f"tar x && {quoted(plan.interpreter)} -m pip install --no-index --find-links wheels {packages}"
    return BackendError(
        f"{called} reaches no package index: it has no internet, or needs a proxy",
        evidence=f"pip: {cause[0]}",
        fix=f"pip wheel -w wheels {packages} && tar c wheels | {login} {quoted(there)}",
    )


def _verified(host: Host, plan: Plan) -> Interpreter:
    found = probe(host, plan.interpreter)
    if isinstance(found, str) or not found.understands(own_interpreter()):
        what = found if isinstance(found, str) else found.words
        raise BackendError(
            f"the environment on {_called(host)} is not what it should be", evidence=f"{plan.interpreter}: {what}"
        )
    done = host.run([plan.interpreter, "-c", "import hydra, omegaconf"], _CHECK_S)
    if done.code != 0:
        raise BackendError(f"the environment on {_called(host)} can't import Hydra", evidence=done.evidence)
    return found


def _called(host: Host) -> str:
    return host.name.partition(":")[2] or host.name


