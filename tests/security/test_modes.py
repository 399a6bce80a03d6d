"""What hsm makes is its user's to change alone, whatever umask and setgid say; what may hold secrets, to read too."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from .people import People, interpreter

#: A task that returns what JSON can't hold, and raises what is pickled.
APP = """
import hydra

@hydra.main(version_base=None, config_path=None)
def main(cfg):
    if cfg.x == 2:
        raise ValueError("two")
    return {1, 2, 3}

if __name__ == "__main__":
    main()
"""


def ours(root: Path) -> Iterator[Path]:
    """All that hsm made: the sweep's .hsm, those of its tasks, and what is below."""
    for folder in root.rglob(".hsm"):
        yield folder
        yield from folder.rglob("*")


def mode(path: Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode) & 0o777


def sweep(people: People, root: Path, umask: int, *overrides: str) -> None:
    people.alice.write(people.alice.home / "app.py", APP)
    app = [str(people.alice.home / "app.py"), "-m", "hydra/launcher=hsm_local", "+x=1,2", f"hydra.sweep.dir={root}"]
    done = people.alice.run([interpreter(), *app, *overrides], umask=umask)
    assert "✓ 1 completed  ✗ 1 failed" in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077], ids=oct)
def test_nobody_else_may_write(people: People, umask: int) -> None:
    root = people.group_folder / f"modes-{umask:o}"
    sweep(people, root, umask)
    found = list(ours(root))
    assert {path for path in found if mode(path) & 0o022} == set()
    assert mode(root) & 0o022 == 0
    private = [path for path in found if path.suffix == ".pkl" or "/.hsm/launch-" in str(path)]
    assert {"payload.pkl", "config.pkl", "boot.json", "submission.json", "outcome.pkl"} <= {p.name for p in private}
    assert {path for path in private if mode(path) & 0o077} == set()


@pytest.mark.parametrize(("share", "reads"), [("none", False), ("group", True), ("read", True)])
def test_share_says_who_may_read(people: People, share: str, reads: bool) -> None:
    root = people.group_folder / f"share-{share}"
    sweep(people, root, 0o002, f"hydra.launcher.share={share}")
    seen = people.mallory.status(str(root))
    assert ("1 completed" in seen.stdout) == reads, seen.stdout + seen.stderr
    assert (people.mallory.run(["cat", str(root / "0" / ".hsm" / "outcome.json")]).returncode == 0) == reads
    assert mode(root / "0" / ".hsm") == mode(root / ".hsm") == {"none": 0o700, "group": 0o750, "read": 0o755}[share]


def test_a_colleague_reads_logs_and_results(people: People) -> None:
    root = people.group_folder / "read-by-all"
    people.alice.sweep(root, umask=0o002)
    assert "x is 1" in people.mallory.hsm("logs", str(root), "0").stdout
    assert people.mallory.hsm("results", str(root)).returncode == 0


def test_a_directory_that_had_other_things_keeps_its_mode(people: People) -> None:
    root = people.group_folder / "with-notes"
    people.alice.write(root / "notes.txt", "n")
    root.chmod(0o2775)
    people.alice.sweep(root, umask=0o002)
    assert stat.S_IMODE(os.stat(root).st_mode) == 0o2775
