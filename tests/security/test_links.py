"""A task's files may be links that their reader made, as to a larger disk; nobody else's links are followed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .people import People


def swept(people: People, root: Path) -> Path:
    """A sweep of alice's; returns the directory of its first task."""
    people.alice.sweep(root, values="1")
    return next(path for path in sorted(root.iterdir()) if (path / ".hsm").is_dir())


def moved(people: People, path: Path, text: str, target: Path) -> None:
    people.alice.write(target, text)
    people.alice.run(["ln", "-sfn", str(target), str(path)])
    assert path.is_symlink()


def test_ones_own_links_are_read(people: People) -> None:
    task = swept(people, people.alice.home / "links")
    large = people.alice.home / "large"
    moved(people, task / "metrics.json", '{"quality": 4.25}', large / "metrics.json")
    log = next(iter(sorted(task.rglob("stdout.log"))))
    moved(people, log, "moved elsewhere\n", large / "middle.log")
    people.alice.run(["mv", str(large / "middle.log"), str(large / "end.log")])
    people.alice.run(["ln", "-s", "end.log", str(large / "middle.log")])
    rows = people.alice.hsm("results", str(people.alice.home / "links"), "--json")
    assert "4.25" in rows.stdout, rows.stdout + rows.stderr
    assert "moved elsewhere" in people.alice.hsm("logs", str(people.alice.home / "links"), "0").stdout


def test_links_of_others_are_not(people: People) -> None:
    root = people.drop / "foreign-links"
    task = swept(people, root)
    secret = people.alice.write(people.alice.home / "secret.json", json.dumps({"quality": 4.25, "note": "secret"}))
    log = next(iter(sorted(task.rglob("stdout.log"))))
    for path in (task / "metrics.json", log):
        path.unlink(missing_ok=True)
        path.symlink_to(secret)
        os.chown(path, people.mallory.uid, -1, follow_symlinks=False)
    assert "4.25" not in people.alice.hsm("results", str(root), "--json").stdout
    assert "4.25" not in people.alice.hsm("logs", str(root), "0").stdout


def test_ones_own_link_to_a_foreign_one_leads_nowhere(people: People) -> None:
    root = people.alice.home / "chained"
    task = swept(people, root)
    secret = people.alice.write(people.alice.home / "more.json", '{"quality": 5.75}')
    people.mallory.run(["ln", "-sfn", str(secret), str(people.drop / "step")])
    people.alice.run(["ln", "-sfn", str(people.drop / "step"), str(task / "metrics.json")])
    assert "5.75" not in people.alice.hsm("results", str(root), "--json").stdout


def test_links_in_a_circle_end(people: People) -> None:
    root = people.alice.home / "circle"
    task = swept(people, root)
    people.alice.run(["ln", "-sfn", "metrics.json", str(task / "metrics.json")])
    done = people.alice.hsm("results", str(root), timeout_s=20)
    assert "Traceback" not in done.stderr
