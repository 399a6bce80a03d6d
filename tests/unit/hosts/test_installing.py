"""Files lie on a host under the name of their content: whole, verified, read-only, sent once."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hsm_core.errors import BackendError
from hsm_core.hosts.installing import content_name, hashes_of, install
from hsm_core.hosts.local import LocalHost


def name_of(files: dict[Path, Path]) -> str:
    return content_name(files, hashes_of(files))


class Pushing(LocalHost):
    """Counts what is pushed, and may damage it on its way."""

    def __init__(self, damage: bytes | None = None) -> None:
        super().__init__()
        self.pushed, self.damage = 0, damage

    def push(self, copies: Mapping[Path, Path]) -> None:
        super().push(copies)
        self.pushed += len(copies)
        if self.damage is not None:
            next(iter(copies.values())).write_bytes(self.damage)


@pytest.fixture
def files(tmp_path: Path) -> dict[Path, Path]:
    (tmp_path / "run").write_text("#!/bin/sh\necho it runs\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "data").write_bytes(b"\0\xff" * 700_000)
    return {Path("bin/run"): tmp_path / "run", Path("a\nb/é"): tmp_path / "data"}


def test_they_are_there_whole_and_read_only(files: dict[Path, Path], tmp_path: Path) -> None:
    there = install(LocalHost(), files, tmp_path / "store", sys.executable)
    assert there == tmp_path / "store" / name_of(files)
    assert {path.relative_to(there) for path in there.rglob("*") if path.is_file()} == files.keys()
    assert (there / "a\nb/é").read_bytes() == files[Path("a\nb/é")].read_bytes()
    assert LocalHost().run([str(there / "bin/run")], 60.0).out == "it runs\n"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (there, *there.rglob("*"))} == {0o500, 0o400}
    assert [path.name for path in (tmp_path / "store").iterdir()] == [there.name]


def test_a_folder_without_files_is_one_too(tmp_path: Path) -> None:
    there = install(LocalHost(), {}, tmp_path / "store", sys.executable)
    assert list(there.iterdir()) == []
    assert install(LocalHost(), {}, tmp_path / "store", sys.executable) == there


def test_they_are_sent_once(files: dict[Path, Path], tmp_path: Path) -> None:
    host = Pushing()
    first = install(host, files, tmp_path / "store", sys.executable)
    assert install(host, files, tmp_path / "store", sys.executable) == first
    assert host.pushed == 2


@pytest.mark.parametrize("damage", [b"", b"#!/bin/sh\necho it Runs\n"])
def test_what_arrives_otherwise_gets_no_name(files: dict[Path, Path], tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(BackendError, match="not on local as they are here") as raised:
        install(Pushing(damage), files, tmp_path / "store", sys.executable)
    assert "damaged: 'bin/run'" in raised.value.evidence
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.parametrize("change", ["content", "more", "less"])
def test_what_somebody_changed_later_is_told(files: dict[Path, Path], tmp_path: Path, change: str) -> None:
    there = install(LocalHost(), files, tmp_path / "store", sys.executable)
    (there / "bin").chmod(0o700)
    (there / "bin/run").chmod(0o700)
    if change == "content":
        (there / "bin/run").write_text("other")
    elif change == "more":
        (there / "bin/more").symlink_to("run")
    else:
        (there / "bin/run").unlink()
    with pytest.raises(BackendError, match="not on local as they are here") as raised:
        install(LocalHost(), files, tmp_path / "store", sys.executable)
    assert f"chmod -R u+w {there}" in raised.value.fix


def test_what_python_compiled_there_is_no_change(files: dict[Path, Path], tmp_path: Path) -> None:
    there = install(LocalHost(), files, tmp_path / "store", sys.executable)
    (there / "bin").chmod(0o700)
    (there / "bin/__pycache__").mkdir()
    (there / "bin/__pycache__/run.pyc").write_bytes(b"1")
    assert install(LocalHost(), files, tmp_path / "store", sys.executable) == there


def test_of_two_that_send_the_same_both_have_it(files: dict[Path, Path], tmp_path: Path) -> None:
    class Second(LocalHost):
        def push(self, copies: Mapping[Path, Path]) -> None:
            install(LocalHost(), files, tmp_path / "store", sys.executable)
            super().push(copies)

    there = install(Second(), files, tmp_path / "store", sys.executable)
    assert [path.name for path in (tmp_path / "store").iterdir()] == [there.name]


def test_another_content_or_name_or_mode_is_another_folder(files: dict[Path, Path]) -> None:
    names = {name_of(files), name_of({Path("x"): files[Path("bin/run")]})}
    files[Path("bin/run")].chmod(0o644)
    names.add(name_of(files))
    files[Path("bin/run")].write_text("other")
    assert len(names | {name_of(files)}) == 4


@pytest.mark.parametrize("name", ["../x", "/x", ".", "a/../../x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        install(LocalHost(), {Path(name): tmp_path / "x"}, tmp_path / "store", sys.executable)


def test_what_an_earlier_folder_holds_is_not_sent_again(files: dict[Path, Path], tmp_path: Path) -> None:
    """And is its own there: a change in one folder is none in the other."""
    host = Pushing()
    first = install(host, files, tmp_path / "store", sys.executable)
    files[Path("bin/run")].write_text("#!/bin/sh\necho it runs too\n")
    second = install(host, files, tmp_path / "store", sys.executable)
    assert host.pushed == 3
    assert (second / "a\nb/é").read_bytes() == files[Path("a\nb/é")].read_bytes()
    assert not (second / "a\nb/é").samefile(first / "a\nb/é")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (second, *second.rglob("*"))} == {0o500, 0o400}


@pytest.mark.parametrize("damage", ["content", "link", "gone"])
def test_what_was_damaged_in_an_earlier_folder_is_sent(files: dict[Path, Path], tmp_path: Path, damage: str) -> None:
    host = Pushing()
    first = install(host, files, tmp_path / "store", sys.executable)
    for path in (first / "a\nb", first / "a\nb/é"):
        path.chmod(0o700)
    if damage == "content":
        (first / "a\nb/é").write_text("other")
    else:
        (first / "a\nb/é").unlink()
    if damage == "link":
        (first / "a\nb/é").symlink_to(files[Path("a\nb/é")])
    files[Path("bin/run")].write_text("other")
    second = install(host, files, tmp_path / "store", sys.executable)
    assert host.pushed == 4
    assert (second / "a\nb/é").read_bytes() == files[Path("a\nb/é")].read_bytes()


def test_a_mode_alone_sends_nothing(files: dict[Path, Path], tmp_path: Path) -> None:
    host = Pushing()
    install(host, files, tmp_path / "store", sys.executable)
    files[Path("bin/run")].chmod(0o644)
    there = install(host, files, tmp_path / "store", sys.executable)
    assert host.pushed == 2
    assert stat.S_IMODE((there / "bin/run").stat().st_mode) == 0o400
