"""What a sweep and its tasks write goes where it says: no link of somebody else's leads it elsewhere."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from .people import People, interpreter

TAKE = """
    import sys
    from pathlib import Path
    from hsm_core.store.outcomes import Owner
    from hsm_core.worker.task.directory import redirect_output, take_directory
    files = take_directory(Path(sys.argv[1]), Owner("mine-1", 0, 1), (), lambda sweep: True)
    redirect_output(files.stdout, files.stderr)
    print("written")
"""


def shared_directory(people: People, name: str) -> Path:
    """A task's directory as umask 002 leaves it in a group's folder: the group may write."""
    directory = people.group_folder / name / "0"
    directory.parent.mkdir()
    for path in (directory.parent, directory):
        path.mkdir(exist_ok=True)
        path.chmod(0o2777)
    return directory


@pytest.mark.parametrize("kind", ["ln -s", "mkfifo"])
def test_a_log_that_is_a_link_does_not_lose_what_it_leads_to(people: People, kind: str) -> None:
    directory = shared_directory(people, f"logs-{kind.replace(' ', '')}")
    precious = people.alice.write(people.alice.home / "precious", "years of work")
    people.alice.run(["sh", "-c", f"umask 0; mkdir {directory}/.hsm"])
    log = directory / ".hsm" / "stdout.log"
    make = f"mkfifo {log}" if kind == "mkfifo" else f"{kind} {precious} {log}"
    assert people.mallory.run(["sh", "-c", make]).returncode == 0
    done = people.alice.python(TAKE, str(directory), timeout_s=30)
    assert done.returncode == 0, done.stderr
    assert precious.read_text() == "years of work"
    assert log.read_text() == "written\n"


def test_our_folder_is_made_not_followed(people: People) -> None:
    directory = shared_directory(people, "folder")
    mine = people.alice.home / "mine"
    people.alice.write(mine / "stdout.log", "years of work")
    people.mallory.run(["ln", "-s", str(mine), str(directory / ".hsm")])
    done = people.alice.python(TAKE, str(directory))
    assert "is a link of" in done.stderr
    assert (mine / "stdout.log").read_text() == "years of work"


def test_a_folder_of_somebody_else_is_not_used(people: People) -> None:
    directory = shared_directory(people, "theirs")
    people.mallory.run(["sh", "-c", f"umask 0; mkdir {directory}/.hsm"])
    done = people.alice.python(TAKE, str(directory))
    assert f"belongs to {people.mallory.name}, so it is not used" in done.stderr


def test_a_task_does_not_run_behind_a_link_of_somebody_else(people: People) -> None:
    directory = shared_directory(people, "linked")
    mine = people.alice.home / "elsewhere"
    people.alice.write(mine / "notes", "n")
    people.mallory.run(["sh", "-c", f"rmdir {directory}; ln -s {mine} {directory}"])
    done = people.alice.python(TAKE, str(directory))
    assert f"is a link of {people.mallory.name}" in done.stderr


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("ln -s {mine}/notes train.log", "train.log is a link of"),  # Hydra appends to it
        ("ln -s {mine} .hydra", ".hydra is a link of"),
        ("mkdir -m 777 .hydra; ln -s {mine}/notes .hydra/config.yaml", ".hydra belongs to"),
    ],
)
def test_nor_where_somebody_else_has_laid_links(people: People, tmp_path: Path, made: str, told: str) -> None:
    directory, mine = shared_directory(people, tmp_path.name), people.alice.home / "elsewhere"
    people.alice.write(mine / "notes", "n")
    people.mallory.run(["sh", "-c", f"umask 0; cd {directory}; {made.format(mine=mine)}"])
    assert told in people.alice.python(TAKE, str(directory)).stderr


def test_nor_in_a_directory_of_somebody_else(people: People, tmp_path: Path) -> None:
    directory = people.group_folder / tmp_path.name
    people.mallory.run(["mkdir", "-m", "777", str(directory)])
    assert f"{directory} belongs to" in people.alice.python(TAKE, str(directory)).stderr


def test_a_sweep_does_not_begin_in_a_folder_of_somebody_else(people: People) -> None:
    root = people.group_folder / "prepared"
    people.mallory.run(["sh", "-c", f"umask 0; mkdir -p {root}/.hsm/events {root}/.hsm/leases"])
    script = people.alice.write(people.alice.home / "app.py", textwrap.dedent("""
        import hydra
        @hydra.main(version_base=None, config_path=None)
        def main(cfg): pass
        if __name__ == "__main__": main()
    """))
    words = ["-m", "hydra/launcher=hsm_local", f"hydra.sweep.dir={root}", "+x=1"]
    done = people.alice.run([interpreter(), str(script), *words])
    assert done.returncode != 0
    assert f"belongs to {people.mallory.name}" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
