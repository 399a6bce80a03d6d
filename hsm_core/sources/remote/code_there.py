"""Says where a host has the app's code, and folders of this machine that the app's config names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hsm_core.errors import BackendError
from hsm_core.hosts.installing import compare
from hsm_core.hosts.interface import Host
from hsm_core.hosts.ssh.recorded import read_written, ssh_options
from hsm_core.overrides import joined, quoted

_ASK_S = 60.0
#: Files that change what an app does by being there: modules, and configs.
_CODE = (".py", ".yaml", ".yml")
_NOT_CODE = ("multirun.yaml",)
_Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class CodeThere:
    """Holds what a host has of the app.

    Args:
        project: the folder of its code, as the user said it; empty: where ``path_map`` has it, or as it is here.
        path_map: folders here, and where they are there; the first that holds a path counts.
    """

    project: str = ""
    path_map: tuple[tuple[str, str], ...] = ()

    def folder(self, root: str) -> str:
        """Returns where the app's directory lies there."""
        return self.project or move(root, self.path_map)


def move(path: str, moved: _Pairs) -> str:
    """Returns where a path lies on a host; the same, if it is in none of the folders that moved."""
    for here, there in moved:
        if path == here or path.startswith(here.rstrip("/") + "/"):
            return (there.rstrip("/") + path[len(here.rstrip("/")) :]) or "/"
    return path


def require_folder(host: Host, folder: str) -> None:
    """Refuses a host that lacks the app's directory.

    Raises:
        BackendError: it does.
        OSError: it can't be asked.
    """
    if host.run(["test", "-d", folder], _ASK_S).code != 0:
        called = _called(host)
        raise BackendError(
            f"{called} does not have the app's code", evidence=f"there is no folder {folder}",
            fix=f"{{name: {called}, project: /…}}    # where it is there; or hydra.launcher.code=snapshot sends it",
        )  # fmt: skip


def require_same(
    host: Host, python: str, root: str, files: Mapping[Path, Path], folder: str, commit: str = ""
) -> None:
    """Refuses a host whose folder has other code than the app here.

    Args:
        python: an interpreter of the host.
        root: the app's directory here, or a copy of it.
        files: its files: paths here, by their names relative to it.
        folder: where the host has it.
        commit: that it must have there, too, if it is a repository of git there; empty: any.

    Raises:
        BackendError: it names what differs, and what to type.
        OSError: the host can't be asked.
    """
    require_folder(host, folder)
    found = compare(host, files, Path(folder), python)
    if found.gone or found.changed:
        count = found.gone + found.changed
        told = f"{count} of {len(files)} files: {', '.join(found.names)}{', …' if count > len(found.names) else ''}"
        raise _differs(host, folder, f"{told} ({found.gone} missing there)", copy_line(host, root, folder))
    theirs, names = _git_there(host, folder)
    login = joined(["ssh", *_way(host)])
    there = quoted(folder)
    if more := sorted(name for name in names - {str(name) for name in files} if _is_code(name)):
        line = f"{login} {quoted(f'cd {there} && rm -- {joined(more[:5])}')}    # or move them away"
        raise _differs(host, folder, f"there only: {', '.join(more[:20])}", line)
    if commit and theirs and theirs != commit:
        words = f"git -C {there} fetch && git -C {there} checkout {commit[:12]}"
        line = f"{login} {quoted(words)}    # once it is pushed"
        raise _differs(host, folder, f"the files are the same; commit {theirs[:12]} there, {commit[:12]} here", line)


def copy_line(host: Host, root: str, folder: str) -> str:
    """Returns the line that copies the app to a host: what git would commit, or without git all but usual outputs."""
    *options, login = _way(host)
    way = f"-e {quoted(joined(['ssh', *options]))} " if options else ""
    target = quoted(f"{login}:{folder}/")
    if not os.path.exists(os.path.join(root, ".git")):
        left_out = "--exclude=multirun --exclude=outputs --exclude=__pycache__"
        return f"rsync -a --chmod=u+w {left_out} {way}{quoted(root)}/ {target}"
    listed = "git ls-files -co --exclude-standard -z | rsync -ar --from0 --files-from=- --ignore-missing-args"
    return f"cd {quoted(root)} && {listed} {way}. {target}"


def _differs(host: Host, folder: str, evidence: str, line: str) -> BackendError:
    return BackendError(f"the code in {folder} on {_called(host)} is not the code here", evidence=evidence, fix=line)


def _git_there(host: Host, folder: str) -> tuple[str, set[str]]:
    """Returns the commit of a repository there, and its files, ignored ones not; nothing if there is none."""
    asked = host.run(["git", "-C", folder, "rev-parse", "--show-cdup", "HEAD"], _ASK_S) if host.which("git") else None
    lines = asked.out.splitlines() if asked is not None and asked.code == 0 else []
    if len(lines) != 2 or lines[0]:  # none, or one above
        return "", set()
    listed = host.run(["git", "-C", folder, "ls-files", "-co", "--exclude-standard", "-z"], _ASK_S)
    return lines[1], set(listed.out.split("\0")) if listed.code == 0 else set()


def _is_code(name: str) -> bool:
    parts = name.split("/")
    return name.endswith(_CODE) and parts[-1] not in _NOT_CODE and not any(part.startswith(".") for part in parts)


def _way(host: Host) -> list[str]:
    return ssh_options(*read_written(_called(host), host.settings))


def _called(host: Host) -> str:
    return host.name.partition(":")[2] or host.name
