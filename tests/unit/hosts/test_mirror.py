"""Files of a host come to the same places here, complete, and nothing that a host says leads anywhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from hsm_core.errors import HostTrouble
from hsm_core.hosts import mirror as module
from hsm_core.hosts.interface import Found
from hsm_core.hosts.local import LocalHost
from hsm_core.hosts.mirror import Mirror

LOG = Path("logs/w 1.log")


class Listed(LocalHost):
    """A host that lists what it likes."""

    def __init__(self, *more: Found) -> None:
        super().__init__()
        self.more, self.pulled = more, list[str]()

    def files(self, folder: Path) -> list[Found]:
        return [*super().files(folder), *self.more]

    def pull(self, copies: Mapping[Path, Path]) -> None:
        self.pulled += [path.name for path in copies]
        super().pull(copies)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there" / "logs").mkdir(parents=True)
    (tmp_path / "there" / "0").mkdir()
    return tmp_path / "there"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


def test_a_file_that_grows_comes_by_its_new_bytes(there: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 1000)
    whole = os.urandom(3500)
    for end in (0, 10, 70, 70, 3500):
        (there / LOG).write_bytes(whole[:end])
        Mirror(LocalHost(), there, here).follow(LOG)  # each time another one: the file here says where to go on
        assert ((here / LOG).read_bytes() if end else b"") == whole[:end]


def test_of_a_journal_only_whole_lines_come(there: Path, here: Path) -> None:
    mirror = Mirror(LocalHost(), there, here)
    (there / LOG).write_bytes(b"one\ntw")
    assert mirror.follow(LOG, whole_lines=True) == 4
    assert mirror.follow(LOG, whole_lines=True) == 0
    (there / LOG).write_bytes(b"one\ntwo\n")
    assert mirror.follow(LOG, whole_lines=True) == 4
    assert (here / LOG).read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(("size", "fits"), [(9_000, True), (40_000, False)])
def test_a_long_line_comes_too_but_not_an_endless_one(
    there: Path, here: Path, monkeypatch: pytest.MonkeyPatch, size: int, fits: bool
) -> None:
    monkeypatch.setattr(module, "PIECE", 1000)
    monkeypatch.setattr(module, "MOST_LINE", 16_000)
    (there / LOG).write_bytes(b"one\n" + b"x" * size + b"\nthree\n")
    mirror = Mirror(LocalHost(), there, here)
    if fits:
        assert mirror.follow(LOG, whole_lines=True) == size + 11
    else:
        with pytest.raises(ValueError, match="a line of more than"):
            mirror.follow(LOG, whole_lines=True)


def test_an_inbox_goes_there_by_its_new_bytes_and_never_twice(there: Path, here: Path) -> None:
    class Broken(LocalHost):
        def append(self, path: Path, offset: int, data: bytes) -> None:
            super().append(path, offset, data)
            raise HostTrouble("nobody knows whether it came")

    (here / "logs").mkdir(parents=True)
    (here / LOG).write_bytes(b"one\n")
    with pytest.raises(HostTrouble):
        Mirror(Broken(), there, here).give(LOG)
    mirror = Mirror(LocalHost(), there, here)
    for more in (b"", b"two\n", b""):
        with open(here / LOG, "ab") as file:
            file.write(more)
        mirror.give(LOG)
    assert (there / LOG).read_bytes() == b"one\ntwo\n"
    (there / LOG).write_bytes(b"other")
    with pytest.raises(ValueError, match="5 bytes"):
        Mirror(LocalHost(), there, here).give(LOG)


def test_a_line_is_not_written_before_what_it_tells_of_has_come(there: Path, here: Path) -> None:
    mirror, shown = Mirror(LocalHost(), there, here), list[bytes]()

    def full(data: bytes) -> None:
        shown.append(data)
        raise OSError("no space left")

    (there / LOG).write_bytes(b"one\n")
    with pytest.raises(OSError, match="no space"):
        mirror.follow(LOG, full)
    assert not (here / LOG).exists()
    mirror.follow(LOG, shown.append)
    assert shown == [b"one\n", b"one\n"]
    assert (here / LOG).read_bytes() == b"one\n"


@pytest.mark.parametrize("other", [b"", b"on", b"ONE\ntwo\n", b"x" * 500])
def test_a_file_that_is_another_one_now_is_not_mixed_with_the_old(there: Path, here: Path, other: bytes) -> None:
    mirror = Mirror(LocalHost(), there, here)
    (there / LOG).write_bytes(b"one\n")
    mirror.follow(LOG)
    (there / LOG).write_bytes(other)
    with pytest.raises(ValueError, match="does not begin with them"):
        mirror.follow(LOG)
    assert (here / LOG).read_bytes() == b"one\n"


def test_a_folder_comes_as_it_is(there: Path, here: Path) -> None:
    job = there / "0"
    (job / "a\nb" / "empty").mkdir(parents=True)
    (job / "a\nb" / "é.bin").write_bytes(b"data")
    (job / "run.sh").write_text("run")
    (job / "run.sh").chmod(0o750)
    (job / "a\nb").chmod(0o755)
    (job / "last").symlink_to("a\nb/é.bin")
    (job / "a\nb" / "up").symlink_to("../run.sh")
    (job / "whole").symlink_to(job / "a\nb")
    os.mkfifo(job / "pipe")
    fetched = Mirror(LocalHost(), there, here).fetch(Path("0"))
    assert (fetched.files, fetched.size, fetched.left) == (2, 7, ())
    assert sorted(str(path.relative_to(here / "0")) for path in (here / "0").rglob("*")) == [
        "a\nb", "a\nb/empty", "a\nb/up", "a\nb/é.bin", "last", "run.sh", "whole",
    ]  # fmt: skip
    assert (here / "0" / "last").read_bytes() == b"data"
    assert (here / "0" / "a\nb" / "up").read_text() == "run"
    assert os.readlink(here / "0" / "whole") == str(here / "0" / "a\nb")
    assert [stat.S_IMODE((here / "0" / name).stat().st_mode) & 0o700 for name in ("run.sh", "a\nb")] == [0o700, 0o700]
    assert (here / "0" / "run.sh").stat().st_mtime_ns == (job / "run.sh").stat().st_mtime_ns


def test_what_is_here_does_not_come_again(there: Path, here: Path) -> None:
    host = Listed()
    mirror = Mirror(host, there, here)
    (there / "0" / "one").write_bytes(b"1")
    (there / "0" / "big.ckpt").write_bytes(b"22")
    left = mirror.fetch(Path("0"), lambda one: one.name.suffix != ".ckpt").left
    assert [str(one.name) for one in left] == ["big.ckpt"]
    assert (mirror.fetch(Path("0")).files, mirror.fetch(Path("0")).files) == (1, 0)
    (there / "0" / "one").write_bytes(b"1 and more")
    assert mirror.fetch(Path("0")).size == 10
    assert host.pulled == ["one", "big.ckpt", "one"]


def test_a_file_that_changes_meanwhile_is_an_error_and_comes_next_time(there: Path, here: Path) -> None:
    class Busy(LocalHost):
        def pull(self, copies: Mapping[Path, Path]) -> None:
            super().pull(copies)
            for path in copies:
                path.write_bytes(b"later")

    (there / "0" / "one").write_bytes(b"first")
    with pytest.raises(OSError, match="changed while it was copied"):
        Mirror(Busy(), there, here).fetch(Path("0"))
    Mirror(LocalHost(), there, here).fetch(Path("0"))
    assert (here / "0" / "one").read_bytes() == b"later"


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "..", "../1", "d/../..", "d/../x", "../0/../..", "", "/0", "a\0b", "{there}/0/../1"]
)
def test_a_link_that_leads_out_is_left_there_and_told(there: Path, here: Path, target: str) -> None:
    link = Found(Path("link"), "link", 0, 0, 0o777, target.replace("{there}", str(there)))
    assert Mirror(Listed(link), there, here).fetch(Path("0")).left == (link,)
    assert list((here / "0").iterdir()) == []


def _lies() -> Iterable[tuple[Found, ...]]:
    link = Found(Path("d"), "link", 0, 0, 0o777, ".")
    yield link, Found(Path("d/file"), "file", 1, 0, 0o600)
    yield (Found(Path("nowhere/file"), "file", 1, 0, 0o600),)
    yield (Found(Path("../file"), "file", 1, 0, 0o600),)
    yield (Found(Path("/tmp/file"), "file", 1, 0, 0o600),)
    yield (Found(Path("d/../../file"), "file", 1, 0, 0o600),)


@pytest.mark.parametrize("lie", list(_lies()))
def test_a_file_in_what_is_no_folder_is_refused(there: Path, here: Path, lie: tuple[Found, ...]) -> None:
    with pytest.raises(HostTrouble, match="can't be used"):
        Mirror(Listed(*lie), there, here).fetch(Path("0"))
    assert not here.exists()


def test_a_link_that_came_earlier_is_not_written_through(there: Path, here: Path) -> None:
    mirror, job = Mirror(LocalHost(), there, here), there / "0"
    (job / "real").mkdir()
    (job / "d").symlink_to("real")
    (job / "f").symlink_to("real/f")
    mirror.fetch(Path("0"))
    for name in ("d", "f"):
        (job / name).unlink()
    (job / "d").mkdir()
    (job / "d" / "file").write_bytes(b"1")
    (job / "f").write_bytes(b"2")
    mirror.fetch(Path("0"))
    assert list((here / "0" / "real").iterdir()) == []
    assert ((here / "0" / "d" / "file").read_bytes(), (here / "0" / "f").read_bytes()) == (b"1", b"2")


def test_of_a_folder_that_is_not_wanted_only_what_is_comes_and_its_mode_is_not_the_hosts(
    there: Path, here: Path
) -> None:
    job = there / "0"
    for name in ("ours/launch-0", "ours/attempt-1", "theirs/sub"):
        (job / name).mkdir(parents=True)
    (job / "ours" / "attempt-1" / "log").write_text("x")
    (job / "theirs" / "file").write_text("x")
    for path in [job, *job.rglob("*")]:
        path.chmod(0o777)
    (here / "0" / "ours").mkdir(parents=True)
    (here / "0" / "ours").chmod(0o750)
    wanted = ("ours/attempt-1/log", "theirs", "theirs/sub", "theirs/file")
    Mirror(LocalHost(), there, here).fetch(Path("0"), lambda one: str(one.name) in wanted)
    modes = {str(path.relative_to(here)): path.stat().st_mode & 0o777 for path in (here / "0").rglob("*")}
    assert modes.pop("0/theirs/file") & 0o700  # of this machine's own host; an agent's files have no such bits either
    assert modes.pop("0/ours/attempt-1/log") & 0o700
    assert modes == {"0/ours": 0o750, "0/ours/attempt-1": 0o750, "0/theirs": 0o755, "0/theirs/sub": 0o755}
