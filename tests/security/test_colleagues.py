"""What a colleague meets who looks at sweeps of others: each line to type leads on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.security.people import People, interpreter

APP = """
import hydra

@hydra.main(version_base=None, config_path=None)
def main(cfg):
    assert cfg.x != 2
    return cfg.x

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def theirs(people: People, tmp_path: Path) -> Path:
    """A finished sweep of alice's with a failed task, whose app lies beside it."""
    place = people.drop / tmp_path.name
    people.alice.write(place / "app.py", APP)
    words = ["-m", "hydra/launcher=hsm_local", "+x=1,2", f"hydra.sweep.dir={place / 'sweep'}"]
    people.alice.run([interpreter(), "app.py", *words], cwd=place)
    return place / "sweep"


def test_lines_to_type_name_it_as_it_was_typed(people: People, theirs: Path) -> None:
    shown = people.mallory.status("sweep", cwd=theirs.parent).stdout
    assert shown.splitlines()[-1] == "next: hsm errors sweep"
    assert "next:  hsm logs sweep 1 --stderr" in shown
    assert people.mallory.status(str(theirs)).stdout.splitlines()[-1] == f"next: hsm errors {theirs}"
    mine = people.alice.status(str(theirs)).stdout.splitlines()
    assert mine[-1] == f"next: hsm errors {mine[0].split()[0]}"


def test_what_lies_in_it_leads_to_it(people: People, theirs: Path) -> None:
    for done in (people.mallory.status(str(theirs / "1")), people.mallory.status(cwd=theirs / "1")):
        assert f"lies in a sweep of {people.alice.name}" in done.stderr
        assert done.stderr.rstrip().endswith(f"next: hsm-status {theirs}")


def test_private_sweeps_are_counted_among_others(people: People, theirs: Path) -> None:
    kept = theirs.parent / "kept"
    people.alice.sweep(kept, "hydra.launcher.share=none")
    listed = people.mallory.status(str(theirs.parent)).stderr
    assert f"contains 1:\n    {theirs}\n    1 folder is private to {people.alice.name}\n" in listed
    for path in (kept, kept / "0"):
        for done in (people.mallory.status(str(path)), people.mallory.hsm("tasks", str(path))):
            assert f"error: {kept} is private to {people.alice.name}\n" in done.stderr


def test_its_directory_is_not_used_for_another_sweep(people: People, theirs: Path) -> None:
    app = people.mallory.write(people.mallory.home / "app.py", APP)
    people.alice.sweep(theirs.parent / "kept", "hydra.launcher.share=none")
    for root in (theirs, theirs.parent / "kept"):
        words = ["-m", "hydra/launcher=hsm_local", "+x=1", f"hydra.sweep.dir={root}"]
        told = people.mallory.run([interpreter(), str(app), *words]).stderr
        assert "\nerror: " in f"\n{told}"  # Hydra 1.4 warns first
        assert told.splitlines()[-1].startswith("  fix: hydra.sweep.dir=DIRECTORY ")


def test_a_task_of_it_is_reproduced(people: People, theirs: Path) -> None:
    done = people.mallory.hsm("reproduce", str(theirs), "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("+x=2 hydra.mode=RUN")


def test_the_copy_that_is_proposed_goes_on_and_is_on_the_list(people: People, theirs: Path) -> None:
    refused = people.mallory.hsm("retry", str(theirs)).stderr
    line = refused.partition("next: ")[2].partition("    #")[0]
    ours = f'hsm() {{ {interpreter()} -c "import sys; from hsm_core.cli.hsm import main; sys.exit(main())" "$@"; }}'
    shown = people.mallory.run(["sh", "-c", f"{ours}; {line}"])
    copy = people.mallory.home / "sweep"
    assert f"nothing to run; 1 task failed\n  next: hsm retry {copy}" in shown.stderr
    refused = people.mallory.hsm("retry", str(copy), "--yes").stderr
    assert f"  next: hsm retry {copy} --yes --allow-changed" in refused  # the config with which it began is private
    again = people.mallory.hsm("retry", str(copy), "--yes", "--allow-changed")
    assert again.returncode == 3, again.stderr
    assert "✗ 1 failed" in again.stdout + again.stderr
    identifier = people.mallory.status("latest").stdout.split()[0]
    assert str(copy) in people.mallory.status(identifier).stdout
    shutil.rmtree(copy)
