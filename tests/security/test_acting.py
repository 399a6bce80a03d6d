"""Nobody else's sweep acts in one's name: not by its path, not by a name that can mean another one a moment later."""

from __future__ import annotations

import json
import os
import shlex
import struct
import textwrap
from pathlib import Path

import pytest

from .people import People, Person, interpreter

#: An app that leaves a file when it is started, and fails its tasks so that there is something to resume.
APP = """
import sys
from pathlib import Path
import hydra

@hydra.main(version_base=None, config_path=None)
def main(cfg):
    raise ValueError("x")

if __name__ == "__main__":
    Path(__file__).with_suffix(".log").touch()
    main()
"""


def failed_sweep(person: Person, root: Path, app: Path, umask: int = 0o022) -> Path:
    """A sweep with a failed task; returns the file that its app leaves when it is started again."""
    person.write(app, APP)
    words = ["-m", "hydra/launcher=hsm_local", "+x=1", f"hydra.sweep.dir={root}"]
    person.run([interpreter(), str(app), *words], umask=umask, cwd=app.parent)  # where whoever resumes it can be, too
    assert (root / ".hsm" / "sweep.json").is_file()
    started = app.with_suffix(".log")
    person.run(["rm", str(started)])
    return started


@pytest.fixture
def evil(people: People, tmp_path: Path) -> tuple[Path, Path]:
    """A sweep of mallory's that alice can read, and the file that shows that its app ran."""
    name = tmp_path.name
    started = failed_sweep(people.mallory, people.drop / name / "sweep", people.drop / name / "app.py")
    people.mallory.run(["chmod", "-R", "a+rwX", str(people.drop / name)])
    return people.drop / name / "sweep", started


@pytest.mark.parametrize("command", ["resume", "retry", "complete", "cancel"])
def test_a_sweep_of_somebody_else_does_not_act(people: People, evil: tuple[Path, Path], command: str) -> None:
    root, started = evil
    more = ["--retry-failed"] if command in ("resume", "complete") else []
    done = people.alice.hsm(command, str(root), "--yes", *more)
    assert not started.exists()
    assert done.returncode == 1
    assert f"belongs to {people.mallory.name}" in done.stderr
    assert ("it would run: cd " in done.stderr) == (command != "cancel")  # nothing of it runs
    line = f"hsm-status {root} " if command == "cancel" else f"cp -r {root} ~/sweep; hsm resume ~/sweep --dry-run "
    assert f"next: {line}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_launcher_does_not_go_on_with_it_either(people: People, evil: tuple[Path, Path]) -> None:
    root, _ = evil
    app = people.alice.write(people.alice.home / "app.py", APP)
    words = ["-m", "hydra/launcher=hsm_local", f"hydra.launcher.resume={root}", "hydra.launcher.force=true"]
    done = people.alice.run([interpreter(), str(app), *words])
    assert done.returncode == 1
    assert "may be somebody else's work: nothing is done" in done.stderr


def test_a_copy_is_ones_own(people: People, evil: tuple[Path, Path]) -> None:
    root, _ = evil
    refused = people.alice.hsm("resume", str(root), "--retry-failed").stderr
    people.alice.run(["sh", "-c", refused.partition("next: ")[2].partition("; hsm")[0]])
    shown = people.alice.hsm("resume", str(people.alice.home / "sweep"), "--retry-failed", "--dry-run")
    assert "would run 1 task: 0" in shown.stderr, shown.stderr
    people.alice.run(["rm", "-r", str(people.alice.home / "sweep")])


def test_one_record_of_somebody_else_is_enough(people: People, tmp_path: Path) -> None:
    root = people.drop / tmp_path.name / "sweep"
    started = failed_sweep(people.alice, root, people.alice.home / "own.py")
    journal = next((root / ".hsm" / "events").glob("local-*.jsonl"))
    os.chown(journal, people.mallory.uid, -1)
    done = people.alice.hsm("retry", str(root), "--yes")
    assert not started.exists()
    assert f"{journal} belongs to {people.mallory.name}" in done.stderr


def test_a_place_where_everybody_can_rename_it(people: People, tmp_path: Path) -> None:
    place = people.drop / tmp_path.name
    started = failed_sweep(people.alice, place / "sweep", people.alice.home / "own.py")
    place.chmod(0o777)
    done = people.alice.hsm("retry", str(place / "sweep"), "--yes")
    assert not started.exists()
    assert "everybody can rename what is in" in done.stderr
    (line,) = [one.partition("next: ")[2] for one in done.stderr.splitlines() if "next: " in one]
    assert people.alice.run(shlex.split(line)).returncode == 0
    people.alice.hsm("retry", str(place / "sweep"), "--yes")
    assert started.exists()


def test_a_place_of_everybodys_that_only_a_group_can_come_to(people: People, tmp_path: Path) -> None:
    """Its members need not be in the group of that place: then they may write what everybody may."""
    outer = people.group_folder.parent / tmp_path.name
    place = outer / "place"
    place.mkdir(parents=True)
    os.chown(outer, people.alice.uid, people.alice.shared)
    os.chown(place, people.alice.uid, people.alice.gid)
    outer.chmod(0o750)
    place.chmod(0o757)
    started = failed_sweep(people.alice, place / "sweep", people.alice.home / "own.py")
    unlisted = {"XDG_STATE_HOME": str(people.alice.home / "another")}
    done = people.alice.hsm("retry", str(place / "sweep"), "--yes", env=unlisted)
    assert f"its group can rename what is in {place}" in done.stderr
    assert not started.exists()
    people.alice.hsm("retry", str(place / "sweep"), "--yes")
    assert started.exists()


def test_an_access_list_that_lets_somebody_write_is_seen(people: People, tmp_path: Path) -> None:
    """It gives no more than the group's bits of the mode, and what hsm makes lacks those for writing."""
    place = people.group_folder.parent / tmp_path.name
    place.mkdir()
    os.chown(place, people.alice.uid, people.alice.gid)
    nobody = 0xFFFFFFFF
    entries = [(1, 7, nobody), (2, 7, people.mallory.uid), (4, 5, nobody), (16, 7, nobody), (32, 5, nobody)]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)  # acl(5)
    try:
        for kind in ("access", "default"):
            os.setxattr(place, f"system.posix_acl_{kind}", packed)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")
    started = failed_sweep(people.alice, place / "sweep", people.alice.home / "own.py")
    ours = [place / "sweep", place / "sweep" / ".hsm", *(place / "sweep" / ".hsm").rglob("*")]
    assert not [path for path in ours if people.mallory.run(["test", "-w", str(path)]).returncode == 0]
    unlisted = {"XDG_STATE_HOME": str(people.alice.home / "another")}
    done = people.alice.hsm("retry", str(place / "sweep"), "--yes", env=unlisted)
    assert f"its group can rename what is in {place}" in done.stderr
    assert not started.exists()


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077], ids=oct)
def test_ones_own_in_a_folder_of_the_group_acts(people: People, umask: int) -> None:
    root = people.group_folder / f"acts-{umask:o}"
    started = failed_sweep(people.alice, root, people.alice.home / "own.py", umask)
    done = people.alice.hsm("retry", str(root), "--yes", umask=umask)
    assert started.exists(), done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_folder_of_the_group_ones_own_list_must_know_it(people: People) -> None:
    root = people.group_folder / "unlisted"
    started = failed_sweep(people.alice, root, people.alice.home / "own.py")
    done = people.alice.hsm("retry", str(root), "--yes", env={"XDG_STATE_HOME": str(people.alice.home / "new")})
    assert not started.exists()
    assert "its group can rename what is in" in done.stderr


def test_a_link_of_somebody_else_does_not_lead_to_another_sweep_of_ones_own(people: People, tmp_path: Path) -> None:
    root = people.drop / tmp_path.name / "sweep"
    started = failed_sweep(people.alice, root, people.alice.home / "own.py")
    foreign, own = people.group_folder / tmp_path.name, people.alice.home / tmp_path.name
    people.mallory.run(["ln", "-s", str(root), str(foreign)])
    people.alice.run(["ln", "-s", f"../group/../group/{tmp_path.name}", str(own)])
    for way in (foreign, own):
        done = people.alice.hsm("retry", str(way), "--yes")
        assert f"/{foreign.name} is a link of {people.mallory.name}" in done.stderr
        assert not started.exists()
    people.alice.run(["ln", "-sfn", str(root), str(own)])
    people.alice.hsm("retry", str(own), "--yes", "--allow-changed")
    assert started.exists()


def test_a_directory_that_is_exchanged_all_the_time_never_acts(people: People, tmp_path: Path) -> None:
    """What is checked is one's own; what is read a moment later must be, too."""
    place = people.group_folder / tmp_path.name
    place.mkdir()
    os.chown(place, 0, people.alice.shared)
    place.chmod(0o2775)
    failed_sweep(people.alice, place / "sweep", people.alice.home / "own.py")
    apps = people.drop / tmp_path.name
    theirs = failed_sweep(people.mallory, place / "other", apps / "other.py")
    people.mallory.run(["chmod", "-R", "a+rwX", str(apps)])
    code = """
        import os, sys
        os.chdir(sys.argv[1])
        parent = os.getppid()
        while os.getppid() == parent:  # it may be killed
            for new, old in (("other", "sweep"), ("sweep", "other")):
                try:
                    os.rename("sweep", "aside")
                    os.rename("other", "sweep")
                    os.rename("aside", "other")
                except OSError:
                    pass
    """
    flipping = people.mallory.start([interpreter(), "-c", textwrap.dedent(code), str(place)])
    try:
        for _ in range(12):
            people.alice.hsm("retry", str(place / "sweep"), "--yes")
            assert not theirs.exists()
    finally:
        flipping.kill()
        flipping.wait()


def test_looking_stays_open_to_all(people: People, evil: tuple[Path, Path]) -> None:
    root, _ = evil
    assert "1 failed" in people.alice.status(str(root)).stdout
    assert "ValueError" in people.alice.hsm("errors", str(root)).stdout
    shown = people.alice.hsm("retry", str(root), "--dry-run")
    assert "hydra.launcher.resume" in shown.stdout
    assert json.loads(people.alice.hsm("status", str(root), "--json").stdout)
