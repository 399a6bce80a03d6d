"""hsm doctor finds what would trouble a sweep, and says what to type."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from hsm_core.cli.doctor.checks import clock, plugin_places, primary_configs, versions, writable
from hsm_core.schedulers.batch_system import Finding


def levels(found: list[Finding]) -> list[str]:
    return [finding.level for finding in found]


def path_with(monkeypatch: pytest.MonkeyPatch, *entries: Path) -> None:
    monkeypatch.setattr("sys.path", [str(entry) for entry in entries])


def plugins_in(directory: Path) -> Path:
    place = directory / "hydra_plugins" / "hsm"
    place.mkdir(parents=True)
    (place / "plugins.py").touch()
    return directory


def test_plugins_are_found_once_not_never_and_not_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = plugins_in(tmp_path / "one"), plugins_in(tmp_path / "two")
    path_with(monkeypatch, tmp_path)
    (missing,) = plugin_places()
    assert (missing.level, "not found" in missing.said) == ("bad", True)
    path_with(monkeypatch, tmp_path, one, one)
    (found,) = plugin_places()
    assert found == Finding("plugins", "ok", f"found once, in {one}/hydra_plugins/hsm")
    path_with(monkeypatch, one, two)
    (twice,) = plugin_places()
    assert twice.level == "bad"
    assert "found 2 times" in twice.said


def test_a_package_that_hides_the_plugins_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = plugins_in(tmp_path / "one")
    hiding = one / "hydra_plugins" / "__init__.py"
    hiding.touch()
    path_with(monkeypatch, one)
    found = list(plugin_places())
    assert levels(found) == ["ok", "bad"]
    assert found[1].fix == f"rm {hiding}"


@pytest.mark.parametrize(
    ("hydra", "level"), [("1.3.2", "ok"), ("1.4.0rc3", "ok"), ("1.2.0", "bad"), ("1.5.0", "bad"), (None, "bad")]
)
def test_a_hydra_that_is_not_supported_or_not_there(
    monkeypatch: pytest.MonkeyPatch, hydra: str | None, level: str
) -> None:
    def version(name: str) -> str:
        if name == "hydra-core" and hydra is None:
            raise metadata.PackageNotFoundError(name)
        return hydra or "" if name == "hydra-core" else "9.9"

    monkeypatch.setattr(metadata, "version", version)
    found = {finding.name: finding for finding in versions()}
    assert found["hydra-core"].level == level
    assert bool(found["hydra-core"].fix) is (level == "bad")
    assert found["omegaconf"] == Finding("omegaconf", "ok", "9.9")


def test_a_primary_config_that_chooses_another_sweeper(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("defaults:\n  - override /hydra/sweeper: optuna\n")
    (tmp_path / "conf" / "ours.yaml").write_text("defaults:\n  - override hydra/sweeper: hsm\n")
    (tmp_path / "conf" / "none.yaml").write_text("lr: 1\n")
    (tmp_path / "app" / "configs").mkdir(parents=True)
    (tmp_path / "app" / "configs" / "config.yaml").write_text("defaults:\n  - override hydra/sweeper: basic\n")
    found = list(primary_configs(tmp_path))
    assert levels(found) == ["note", "note"]
    assert sorted(finding.said.partition("'")[2].partition("'")[0] for finding in found) == ["basic", "optuna"]


def test_a_directory_that_is_not_there_is_judged_by_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**40))
    found = writable("here", tmp_path / "not" / "yet", "another")
    assert found.level == "ok"
    assert not (tmp_path / "not").exists()


def test_a_directory_that_refuses_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert writable("here", tmp_path, "another") == Finding(
        "here", "bad", f"{tmp_path} can't be written: Permission denied", "another"
    )


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**29))
    found = writable("here", tmp_path, "another")
    assert (found.level, found.said) == ("note", f"{tmp_path}, 0.5 GiB free")
    assert found.fix.startswith("df -h ")


@pytest.mark.parametrize(("off_s", "level"), [(0.0, "ok"), (-30.0, "note"), (30.0, "note")])
def test_a_clock_that_is_not_the_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off_s: float, level: str
) -> None:
    def ours() -> float:
        (probe,) = tmp_path.iterdir()
        return probe.stat().st_mtime - off_s

    monkeypatch.setattr("time.time", ours)
    assert clock(tmp_path).level == level


def test_a_clock_that_can_not_be_read(tmp_path: Path) -> None:
    found = clock(tmp_path / "none")
    assert (found.level, found.said) == ("note", "can't be checked: No such file or directory")
