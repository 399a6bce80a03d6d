"""Every command that reads is tried on hostile sweeps: none hangs, fails with a traceback or takes too much."""

from __future__ import annotations

import gc
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hsm_core.results.collectors import collectors
from tests.security.corpus import CORPUS, Hostile, Sweep, make_good
from tests.security.reading import Ran, commands, run_all

#: Parts of the corpus of which every second case is tried each time, and how many cases of the rest.
_ALWAYS = re.compile(
    r"(record|journal|known_journal|tasks|offsets|lease|outcome|stdout|metrics_csv)_(fifo|dev_zero|link_cycle|8_gb)"
    r"|(all|hsm)_.*|line_is_.*|record_is_.*|spans_(submit|gone|submission)_(many|far)|scanned_.*|torn_.*"
    r"|line_of_50_mb|50_mb_without_newline|hole_of_nuls|id_.*|lock_is_fifo"
    r"|job_log_.*|submission_called_.*|offsets_(of_more|cut)|tasks_from_'²'|csv_field.*|metrics_json_wide|outcome_value_digits|field_total_.*|field_(sources_empty|metric_of_three)|app_main_.*"
)
_SOME = 20
#: Cases that take long.
_LONG = ("line_of_50_mb", "50_mb_without_newline", "metrics_json_wide")
#: What each command may import when it runs, so that a child's memory is that of what it reads.
_MODULES = ("status", "queue", "wait", "tasks", "errors", "logs", "results", "resume", "cancel", "forget", "command",
            "pull", "reproduce", "clean")  # fmt: skip
_BY_NAME = {case.name: case for case in CORPUS}


def _chosen() -> Iterator[object]:
    always = [name for name in _BY_NAME if _ALWAYS.fullmatch(name)]
    rest = [name for name in _BY_NAME if name not in set(always)]
    for number, name in enumerate(always):
        yield pytest.param(name, marks=pytest.mark.slow if number % 2 or name in _LONG else ())
    yield from map(pytest.param, Random(20261129).sample(rest, _SOME))


@pytest.fixture(scope="module", autouse=True)
def loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All modules are imported before any child is forked."""
    for name in _MODULES:
        importlib.import_module(f"hsm_core.cli.commands.{name}")
    collectors()
    top = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(top / "state"))
        patch.chdir(top)
        run_all(commands(make_good(top / "sweep")), top)
    gc.collect()


def _tried(case: Hostile, top: Path) -> tuple[Sweep, Sweep, list[Ran]]:
    good, bad = make_good(top / "good"), make_good(top / "sweep", "bad_one")
    case.spoil(bad)
    return good, bad, run_all(commands(bad), top)


def _require_well(case: Hostile, top: Path) -> None:
    good, _, ran = _tried(case, top)
    faults = [fault for one in ran for fault in one.faults()]
    assert not faults, f"{case.name}:\n" + "\n".join(faults[:5])
    lists = [one for one in ran if one.words in ("hsm-status", "hsm-status --json", "hsm list --all")]
    assert len(lists) == 3
    for one in lists:
        assert good.id in one.out, f"{case.name} costs the list the other sweep: {one.words}"
        assert one.code == 0


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(_BY_NAME) > 3000
    assert len({name.partition("_")[0] for name in _BY_NAME}) > 40


def test_the_good_sweep_is_read_by_every_command(own_state: Path) -> None:
    _, _, ran = _tried(Hostile("nothing", lambda sweep: None), own_state)
    assert not [fault for one in ran for fault in one.faults()]
    codes = {one.words.split()[1] for one in ran if one.words.startswith("hsm ") and one.code == 0}
    assert codes >= {"list", "tasks", "errors", "logs", "results", "export", "command", "reproduce"}
    assert [one.out for one in ran if one.words.endswith(" 0") and " logs " in one.words] == ["task 0\n"]


@pytest.mark.parametrize("name", list(_chosen()))
def test_no_hostile_sweep_stops_a_reading_command(name: str, own_state: Path) -> None:
    _require_well(_BY_NAME[name], own_state)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20) if os.environ.get("HSM_CORPUS") == "whole" else [7])
def test_nor_does_any_other(part: int, own_state: Path) -> None:
    """A twentieth of the corpus; HSM_CORPUS=whole tries all of it, in about half an hour."""
    for number, name in enumerate(sorted(_BY_NAME)[part::20]):
        top = own_state / str(number)
        os.environ["XDG_STATE_HOME"] = str(top / "state")  # the fixture puts it back
        _require_well(_BY_NAME[name], top)


@pytest.mark.parametrize("name", ["record_fifo", "journal_fifo", "spans_submit_many", "line_is_deep_list"])
def test_the_same_from_a_shell(name: str, own_state: Path) -> None:
    """A process of its own, with its own limits, sees the same as the children of this one."""
    good, bad = make_good(own_state / "good"), make_good(own_state / "sweep", "bad_one")
    _BY_NAME[name].spoil(bad)
    for arguments in ([], [str(bad.root)]):
        words = [sys.executable, "-m", "hsm_core.cli.status", *arguments]
        ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in ran.stderr
        assert arguments or good.id in ran.stdout
