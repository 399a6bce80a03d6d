"""A record can't have a process killed that is not the sweep's, by naming a file that it has open."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hsm_core.testing.waiting import wait_until

from .people import People, interpreter

VICTIM = """
import sys, time
held = open(sys.argv[1])
time.sleep(60)
"""
END = """
    import json, os, sys
    from pathlib import Path
    from hsm_core.processes.dead_workers import end_leftovers
    from hsm_core.processes.identity import this_boot, this_host
    journal, lock = Path(sys.argv[1]), sys.argv[2]
    head = {"host": this_host(), "boot": this_boot(), "pid": 2**22 + 1, "start": "1", "lock": lock}
    if not journal.exists():
        journal.write_text(json.dumps(head) + "\\n")
    print(end_leftovers(journal))
"""


def holding(people: People, held: Path) -> subprocess.Popen[bytes]:
    """A process of alice's that has a file open."""
    victim = people.alice.start([interpreter(), "-c", VICTIM, str(held)])
    links = Path(f"/proc/{victim.pid}/fd")
    wait_until(lambda: any(os.path.realpath(one) == str(held) for one in links.iterdir()), 30)
    return victim


@pytest.mark.parametrize("name", ["notes.txt", "w1.abcdef.lock"])
def test_a_lock_that_is_any_open_file_kills_nothing(people: People, tmp_path: Path, name: str) -> None:
    place = people.drop / tmp_path.name
    held = people.alice.write(place / name, "n")
    victim = holding(people, held)
    try:
        done = people.alice.python(END, str(place / "w1.jsonl"), str(held))
        assert done.stdout == "[]\n", done.stderr
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_a_journal_of_somebody_else_kills_nothing(people: People, tmp_path: Path) -> None:
    folder = people.alice.home / f"private-{tmp_path.name}"
    lock = people.alice.write(folder / "w1.abcdef.lock", "")
    folder.chmod(0o700)
    victim = holding(people, lock)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    head = {"host": os.uname().nodename, "boot": boot, "pid": 2**22 + 1, "start": "1", "lock": str(lock)}
    journal = people.mallory.write(people.drop / tmp_path.name / "w1.jsonl", json.dumps(head) + "\n")
    try:
        done = people.alice.python(END, str(journal), str(lock))
        assert done.stdout == "[]\n", done.stderr
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()
