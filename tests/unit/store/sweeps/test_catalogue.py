"""The user's sweeps, found from anywhere by what they type."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from hsm_core.errors import SweepNotFound
from hsm_core.store.layout import state_home
from hsm_core.store.record import new_id
from hsm_core.store.sweeps import catalogue
from hsm_core.store.sweeps.selector import find_place
from tests.unit.store.making import MadeSweep


@pytest.fixture(autouse=True)
def empty_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def made(root: Path, name: str, created: str = "2026-01-01T00:00:00") -> MadeSweep:
    return MadeSweep(root / f"{name}-{created}", name=name, created=created)


def test_nothing_yet() -> None:
    assert catalogue.entries() == []
    with pytest.raises(SweepNotFound, match="no sweeps yet"):
        find_place("latest")


def test_the_newest_is_latest_and_first(tmp_path: Path) -> None:
    made(tmp_path, "late", "2026-03-01T00:00:00")
    made(tmp_path, "early", "2026-01-01T00:00:00")
    assert [entry.name for entry in catalogue.entries()] == ["late", "early"]
    assert find_place("latest").name.startswith("late")


@pytest.mark.parametrize(("typed", "names"), [("latest", ("one", "two")), ("abl", ("abl", "abl"))])
def test_an_older_sweep_than_the_newest_is_meant_only_by_readers_who_say_so(
    tmp_path: Path, typed: str, names: tuple[str, str]
) -> None:
    early, late = made(tmp_path, names[0]), made(tmp_path, names[1], "2026-02-01T00:00:00")
    late.root.rename(tmp_path / "elsewhere")
    told: list[str] = []
    assert find_place(typed, say=told.append) == early.root
    of_name = "" if typed == "latest" else "of this name, "
    gone = f"{of_name}the newest sweep {late.id} is no longer in {late.root}: it was moved or deleted, or its disk"
    assert told == [f"{gone} isn't mounted; this is {early.id}"]
    with pytest.raises(SweepNotFound, match=re.escape(gone)) as caught:
        find_place(typed)
    assert caught.value.instead == (typed, early.id)
    shutil.rmtree(early.root)
    with pytest.raises(SweepNotFound, match=f"{late.id} is no longer in") as caught:
        find_place(typed, say=told.append)
    assert len(told) == 1


def test_by_id_prefix_name_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = made(tmp_path, "abl")
    made(tmp_path, "other")
    (sweep.root / "3").mkdir()
    for selector in (sweep.id, sweep.id[:-2], "abl", str(sweep.root), str(sweep.root / "3")):
        assert find_place(selector) == sweep.root
    monkeypatch.chdir(tmp_path)
    assert find_place(sweep.root.name) == sweep.root


def test_an_ambiguous_id_lists_the_candidates(tmp_path: Path) -> None:
    one, two = made(tmp_path, "abl"), made(tmp_path, "abl", "2026-02-01T00:00:00")
    with pytest.raises(SweepNotFound) as caught:
        find_place("abl-")
    assert caught.value.exit_code == 2
    assert one.id in str(caught.value)
    assert two.id in str(caught.value)
    assert caught.value.instead == ("abl-", two.id)


@pytest.mark.parametrize(
    ("files", "asked", "said"),
    [
        (["m/multirun.yaml", "m/0/.hydra/config.yaml"], "m", "a plain Hydra multirun"),
        (["m/multirun.yaml", "m/0/.hydra/config.yaml"], "m/0", "a job of a plain Hydra multirun"),
        (["outputs/d/t/.hydra/config.yaml"], "outputs/d/t", "a plain Hydra run"),
        (["multirun/d/t/multirun.yaml"], "multirun", "a directory of plain Hydra multiruns"),
        (["other/file"], "other", "is not a sweep"),
    ],
)
def test_what_is_no_sweep_of_ours_is_called_what_it_is(
    tmp_path: Path, files: list[str], asked: str, said: str
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(SweepNotFound) as caught:
        find_place(str(tmp_path / asked))
    assert said in caught.value.problem


def test_a_directory_of_sweeps_names_them(tmp_path: Path) -> None:
    sweep = MadeSweep(tmp_path / "multirun" / "2026-11-28" / "10-00-00")
    for asked in (sweep.root.parent, sweep.root.parent.parent):
        with pytest.raises(SweepNotFound) as caught:
            find_place(str(asked))
        assert caught.value.instead == (str(asked), str(sweep.root))


def test_an_exact_name_wins_over_longer_ones(tmp_path: Path) -> None:
    sweep = made(tmp_path, "lr")
    made(tmp_path, "lr2")
    assert find_place("lr") == sweep.root


def test_an_exact_id_wins_over_longer_ones(tmp_path: Path) -> None:
    sweep = made(tmp_path, "abl")
    catalogue.remember(dataclasses.replace(sweep.record, id=sweep.id + "x"), sweep.root)
    assert find_place(sweep.id) == sweep.root


def test_a_near_miss_is_suggested(tmp_path: Path) -> None:
    made(tmp_path, "ablation")
    with pytest.raises(SweepNotFound) as caught:
        find_place("albation")
    assert "ablation" in caught.value.fix


def test_a_path_that_does_not_exist_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = MadeSweep(tmp_path / "multirun" / "s", total=1)
    monkeypatch.chdir(tmp_path)
    for typed, seen in (
        ("/nope/x", "nope is not in /"),
        ("./nope/x/", f"nope is not in {tmp_path}"),
        ("multirun/x", f"x is not in {tmp_path}/multirun"),
        ("multirun/s/.hsm/sweep.json/x", f"x is not in {sweep.root}/.hsm/sweep.json"),
    ):
        with pytest.raises(SweepNotFound) as found:
            find_place(typed)
        assert (found.value.problem, found.value.evidence) == (f"the path {typed} does not exist", seen)
    with pytest.raises(SweepNotFound) as found:
        find_place("multirnu/s")
    assert found.value.instead == ("multirnu/s", "multirun/s")
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(SweepNotFound, match="link is a link to elsewhere"):
        find_place("./link")
    shutil.rmtree(sweep.root)
    with pytest.raises(SweepNotFound, match=f"{sweep.id} is no longer in "):
        find_place("multirun/s")


def test_forgetting_deletes_nothing_of_the_sweep(tmp_path: Path) -> None:
    sweep = made(tmp_path, "abl")
    catalogue.forget(sweep.id)
    assert catalogue.entries() == []
    assert sweep.paths.record.is_file()
    catalogue.forget(sweep.id)


def test_damaged_entries_are_passed_over(tmp_path: Path) -> None:
    made(tmp_path, "abl")
    for name, text in (("a.json", "{"), ("b.json", "[]"), ("c.json", "{}"), (".d.json.tmp", "{}")):
        (state_home() / "sweeps" / name).write_text(text)
    assert [entry.name for entry in catalogue.entries()] == ["abl"]


def test_the_end_of_an_id_spells_no_word_and_is_as_rarely_the_same_as_four_base32_characters() -> None:
    ends = {new_id("train").rpartition("-")[2] for _ in range(500)}
    assert {len(end) for end in ends} == {5}
    found = set("".join(ends))
    assert not found & set("aeiouy01lsz5234")
    assert len(found) ** 5 > 32**4
