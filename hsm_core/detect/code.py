"""Lists the code and config of an app, so that a change since the sweep began is noticed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

#: A new file of this kind is a change of the app; others may be what its tasks wrote.
_CODE = frozenset(
    {".py", ".pyx", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".c", ".cc", ".cpp", ".cu", ".h", ".hpp"}
)
#: Files that git does not know and that programs write as they run: logs, tables, models, pictures.
_WRITTEN = frozenset(
    {
        "", ".log", ".out", ".err", ".tmp", ".lock", ".pid", ".swp", ".pyc", ".csv", ".tsv", ".parquet", ".jsonl",
        ".ndjson", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".safetensors", ".h5", ".hdf5", ".db",
        ".sqlite", ".png", ".jpg", ".svg", ".pdf", ".html", ".md",
    }
)  # fmt: skip
_SKIPPED = frozenset({"multirun", "outputs", "__pycache__", "node_modules", "venv", "build", "dist", "wandb"})
#: What a directory with a sweep or a run of Hydra's holds; the last is there first.
_OF_RUNS = (".hsm", ".hydra", "multirun.yaml")
#: Files at most that git does not know, and bytes of each that are read: a home directory is no app.
_MOST_FILES, _MOST_BYTES = 20_000, 2_000_000


def code_root(cwd: str, script: str = "") -> str:
    """Returns the app's directory: the git repository of its script, or where its script or top package lies.

    Args:
        cwd: where it was started; it counts if the script is none of the user's own.
        script: the file with the app's main function.
    """
    place = _place_of(script) if script and not _is_installed(script) else cwd
    return git(place, "rev-parse", "--show-toplevel").strip() or place


def code_files(root: str, more: Iterable[str] = ()) -> dict[str, str]:
    """Returns the app's files with a hash of their content, by path relative to ``root``.

    With git, all that is tracked, and what could be; without, all but hidden and usual output directories.

    Args:
        more: directories elsewhere that it reads too; their files are named by their whole path.
    """
    found = _files(root)
    for folder in dict.fromkeys(more):
        if not _is_below(folder, root):
            found |= {os.path.join(folder, name): digest for name, digest in _files(folder).items()}
    return found


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Returns differences as lines: ``changed conf/config.yaml``, ``new helper.py``, ``gone old.py``."""
    lines = [f"changed {name}" for name in before if name in now and now[name] != before[name]]
    lines += [f"gone {name}" for name in before if name not in now]
    return lines + [f"new {name}" for name in now if name not in before and _suffix(name) in _CODE]


def changes_without_git(root: str, before: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns the recorded files that are no longer as they were, each with what happened to it.

    Nothing but these files is read, and git is not asked, so the record may be a stranger's.

    Args:
        before: as ``code_files`` lists an app that is in no git repository.
    """
    found = []
    for name, digest in islice(before.items(), _MOST_FILES):
        path = Path(root, name)
        if not path.is_file():
            found.append((name, "is gone"))
        elif _digest(path) != digest:
            found.append((name, "has changed"))
    return found


def committable(root: str) -> list[str]:
    """Returns the files that git would commit of ``root``, untracked too, but no sweeps; without git, ``walk``.

    Those of a submodule that is checked out are among them.
    """
    if not is_repository(root):
        return list(walk(root))
    inner = [f"{name}/{file}" for name in submodules(root) for file in committable(os.path.join(root, name))]
    return [*_tracked(root), *untracked(root), *inner]


def submodules(root: str, *, are_here: bool = True) -> list[str]:
    """Returns the submodules of a repository, by relative path, that are checked out, or those that are not."""
    entries = (entry.partition("\t") for entry in _listed(root, "ls-files", "-s", "-z"))
    found = [name for facts, _, name in entries if facts.startswith("160000 ")]
    return [name for name in found if os.path.exists(os.path.join(root, name, ".git")) == are_here]


def is_repository(root: str) -> bool:
    """Returns whether ``root`` lies in a git repository."""
    return bool(git(root, "rev-parse", "--git-dir"))


def untracked(root: str) -> list[str]:
    """Returns files that git could track but does not, so that its diff lacks them."""
    inside: dict[str, bool] = {}
    names = _listed(root, "ls-files", "-o", "--exclude-standard", "-z")
    return [
        name for name in names if not is_output(name) and not _in_sweep(root, os.path.dirname(name), inside)
    ]


def is_output(name: str) -> bool:
    """Returns whether a path lies in a hidden, environment or usual output directory."""
    parts = name.split("/")
    return any(part.startswith(".") for part in parts) or bool(_SKIPPED.intersection(parts[:-1]))


def walk(root: str) -> Iterator[str]:
    """Yields the files below ``root`` by relative path, without sweeps, environments and hidden directories.

    A link to a directory is yielded as one file, as git does.
    """
    for folder, folders, files in os.walk(root):
        if not {*_OF_RUNS, "pyvenv.cfg"}.isdisjoint([*folders, *files]):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*files, *links]):
            if not name.startswith("."):
                yield os.path.relpath(os.path.join(folder, name), root)


def git(directory: str, *words: str) -> str:
    """Returns what a git command prints; empty without git, or when it fails."""
    return _git(directory, *words).decode("utf-8", "surrogateescape")


def uncommitted(root: str) -> bytes:
    """Returns git's binary diff of what is not committed; empty without git, or above 10 MB."""
    found = _git(root, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-color")
    return found if len(found) <= 10_000_000 else b""


def mode_of_uncommitted(root: str) -> int:
    """Returns the mode that suits ``uncommitted``: nobody may read there what they may not in one of the files."""
    top = git(root, "rev-parse", "--show-toplevel").strip()
    mode = 0o644
    for name in _listed(root, "diff", "HEAD", "--name-only", "--no-ext-diff", "-z"):
        try:
            mode &= os.stat(os.path.join(top, name), follow_symlinks=False).st_mode
        except OSError:
            continue  # it was removed: what the diff tells of it is committed
    return mode | 0o600


def _place_of(script: str) -> str:
    """Returns the directory from which a file is imported: that of its top package, if it is in one."""
    place = os.path.dirname(os.path.abspath(script))
    while os.path.exists(os.path.join(place, "__init__.py")) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return place


def _is_installed(script: str) -> bool:
    """Returns whether a script is a console script or lies among installed packages."""
    folder = os.path.dirname(os.path.abspath(script))
    packages = {"site-packages", "dist-packages"}.intersection(Path(folder).parts)
    return bool(packages) or os.path.realpath(folder) == os.path.realpath(sysconfig.get_path("scripts"))


def _files(root: str) -> dict[str, str]:
    known = _tracked(root) if is_repository(root) else {}
    others = untracked(root) if known else walk(root)
    printed = _printed_to()
    for name in islice((name for name in others if _suffix(name) not in _WRITTEN), _MOST_FILES):
        path = Path(root, name)
        digest = "" if _place_on_disk(path) in printed else _digest(path)
        if digest:
            known[name] = digest
    return dict(sorted(known.items()))


def _printed_to() -> set[tuple[int, int]]:
    """Returns the files, if any, that this process prints to: ``python train.py -m … > out.txt``."""
    return {found for number in (1, 2) if (found := _place_on_disk(number)) is not None}


def _place_on_disk(file: Path | int) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _tracked(root: str) -> dict[str, str]:
    """Returns the files that git tracks below ``root``, as in the work tree; reads only those reported as changed."""
    found = {}
    for entry in _listed(root, "ls-files", "-s", "-z"):
        facts, _, name = entry.partition("\t")
        found[name] = facts.split(" ")[1][:16]
    changed = _listed(root, "diff-files", "--name-only", "--relative", "-z")
    files = [name for name in changed if os.path.isfile(os.path.join(root, name))]
    for name in set(changed).difference(files):
        folder = os.path.join(root, name)
        if os.path.isdir(folder):
            found[name] = git(folder, "rev-parse", "HEAD")[:16]  # a submodule
        else:
            found.pop(name, None)
    return found | _hashed(root, files)


def _hashed(root: str, names: list[str]) -> dict[str, str]:
    """Returns git's hashes of files in the work tree."""
    simple = [name for name in names if "\n" not in name]
    paths = "\n".join(os.path.join(root, name) for name in simple).encode("utf-8", "surrogateescape")
    hashes = _git(root, "hash-object", "--stdin-paths", text=paths).decode().split() if simple else []
    odd = {name: git(root, "hash-object", "--", name)[:16] for name in set(names).difference(simple)}
    return {name: digest[:16] for name, digest in zip(simple, hashes, strict=False)} | odd


def _listed(root: str, *words: str) -> list[str]:
    return [name for name in git(root, *words).split("\0") if name]


def _in_sweep(root: str, folder: str, known: dict[str, bool]) -> bool:
    """Returns whether a folder lies below a directory that holds a sweep or a run of Hydra's."""
    if folder not in known:
        place = os.path.join(root, folder)
        own = any(os.path.exists(os.path.join(place, name)) for name in _OF_RUNS)
        known[folder] = own or (bool(folder) and _in_sweep(root, os.path.dirname(folder), known))
    return known[folder]


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1]


def _is_below(path: str, root: str) -> bool:
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(root), ""))


def _digest(path: Path) -> str:
    try:
        size = path.stat().st_size
        return f"{size} bytes" if size > _MOST_BYTES else hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _git(directory: str, *words: str, text: bytes = b"") -> bytes:
    command = ["git", "-C", directory, *words]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=20, check=False, env=environment, input=text
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
