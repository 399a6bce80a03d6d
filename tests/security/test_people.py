"""The users of these tests are real: one can't read the other's home, and both read what is shared."""

from __future__ import annotations

from .people import People


def test_a_colleague_reads_a_sweep_by_its_path(people: People) -> None:
    root = people.group_folder / "read-by-path"
    people.alice.sweep(root, umask=0o002)
    seen = people.mallory.status(str(root))
    assert "2 completed" in seen.stdout, seen.stdout + seen.stderr


def test_a_home_is_its_owners(people: People) -> None:
    people.alice.write(people.alice.home / "secret", "s")
    assert people.mallory.run(["cat", str(people.alice.home / "secret")]).returncode != 0
    assert people.alice.run(["cat", str(people.alice.home / "secret")]).stdout == "s"
