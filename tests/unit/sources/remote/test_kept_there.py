"""What lies on a machine is listed, and a machine's word on it is not trusted."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from hsm_core.errors import BackendError
from hsm_core.hosts.interface import Done
from hsm_core.hosts.local import LocalHost
from hsm_core.processes.identity import this_process
from hsm_core.sources.remote.kept_there import kept_there, not_here, remove
from hsm_core.store import events


def sweep(folder: Path, name: str, *said: events.Event) -> Path:
    hsm = folder / "sweeps" / name / ".hsm"
    (hsm / "events").mkdir(parents=True)
    (hsm / "events" / "w.jsonl").write_bytes(b"".join(one.to_line(number) for number, one in enumerate(said)))
    (hsm / "launch-0").mkdir()
    (hsm / "launch-0" / "boot.json").write_text(json.dumps({"cwd": str(folder / "code" / "abc")}))
    return hsm


def head() -> events.WorkerHead:
    return events.WorkerHead("w", this_process(), "box1", "", "", 2)


def test_what_lives_or_is_needed_is_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1]"
    sweep(folder, "lives", head())
    sweep(folder, "ended", head(), events.Seal())
    sweep(folder, "unknown", events.Beat())
    for name in ("code/abc", "code/old", "worker/old"):
        (folder / name).mkdir(parents=True)
    (folder / "sweeps" / "link").symlink_to("/etc")
    found = {one.name if one.what == "sweep" else f"{one.what} {one.name}": one for one in kept_there(
        LocalHost(), folder, sys.executable
    )}  # fmt: skip
    in_use = {name: one.is_used for name, one in found.items()}
    assert in_use == {
        "lives": True, "ended": False, "unknown": True, "code abc": True, "code old": False, "program old": False,
    }  # fmt: skip
    assert found["ended"].size > 0
    assert 0 <= found["ended"].age_s < 60
    remove(LocalHost(), folder, found["ended"])
    assert not (folder / "sweeps" / "ended").exists()


class Lying(LocalHost):
    def __init__(self, said: str) -> None:
        super().__init__()
        self.said = said

    def run(self, *_: object, **__: object) -> Done:  # type: ignore[override]
        return Done(("python",), 0, self.said, "")


@pytest.mark.parametrize(
    "said",
    [
        '["sweep", "../..", 1, 1.0, [], false]', '["sweep", "a/b", 1, 1.0, [], false]',
        '["x", "a", 1, 1.0, [], false]',
        '["sweep", "", 1, 1.0, [], false]', '["sweep", "a", -1, 1.0, [], false]', "[]", "no", '["sweep", 1]',
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(said: str) -> None:
    with pytest.raises(BackendError):
        kept_there(Lying(said), Path("/x"), "python")


def test_a_file_counts_as_here_by_its_size_and_time(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    for root in (there, here):
        (root / "0" / ".hsm").mkdir(parents=True)
        (root / "0" / "same.txt").write_text("same")
    (there / "0" / "other.txt").write_text("only there")
    (there / "0" / ".hsm" / "checkpoint.pkl").write_text("never comes")
    (there / ".hsm").mkdir()
    (there / ".hsm" / "sweep.json").write_text("{}")
    now = time.time()
    for root in (there, here):
        os.utime(root / "0" / "same.txt", (now, now))
    assert not_here(LocalHost(), there, here, [Path("0")]) == [Path("0/other.txt")]
    assert set(not_here(LocalHost(), there, here, [])) == {
        Path("0/other.txt"), Path("0/same.txt"), Path("0/.hsm/checkpoint.pkl"),
    }  # fmt: skip
