"""Our configs come from an entry of Hydra's search path: typed, fresh for each composition, built when chosen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.object_type import ObjectType
from hydra.errors import ConfigCompositionException
from hydra.plugins.config_source import ConfigLoadError
from omegaconf import DictConfig

from hsm_core.hydra_bridge import config_source
from hsm_core.hydra_bridge.config_source import HsmConfigSource, offer

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")

#: What is stored, and which modules of fields are loaded, once Hydra knows its plugins.
STARTED = """
import sys
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
Plugins.instance()
stored = [name for group in ("launcher", "sweeper") for name in ConfigStore.instance().list("hydra/" + group)]
print([name for name in stored if "hsm" in name] + [name for name in sys.modules if name.endswith(".fields")])
"""


@dataclass
class Conf:
    """What another package may offer."""

    _target_: str = "mine"
    slots: int = 1
    env: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[HsmConfigSource]:
    monkeypatch.setattr(config_source, "_offers", dict(config_source._offers))
    sys.modules.setdefault("hsm_test_offers", sys.modules[__name__])
    offer("hydra/launcher", "mine", "hsm_test_offers", "Conf")
    yield HsmConfigSource("hsm", "hsm://")
    del sys.modules["hsm_test_offers"]


def composed(folder: Path, *overrides: str) -> DictConfig:
    (folder / "config.yaml").write_text("seed: 0\n")
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose("config", list(overrides), return_hydra_config=True)


def test_an_offer_is_composed_as_a_stored_config_is(source: HsmConfigSource, tmp_path: Path) -> None:
    launcher = composed(
        tmp_path, "hydra/launcher=mine", "hydra.launcher.slots=2", "hydra.launcher.env.A=1"
    ).hydra.launcher
    assert launcher == {"_target_": "mine", "slots": 2, "env": {"A": "1"}}
    with pytest.raises(ConfigCompositionException, match="slots"):
        composed(tmp_path, "hydra/launcher=mine", "hydra.launcher.slots=two")


def test_one_composition_leaves_nothing_to_the_next(source: HsmConfigSource, tmp_path: Path) -> None:
    composed(tmp_path, "hydra/launcher=mine", "hydra.launcher.env.A=1")
    assert composed(tmp_path, "hydra/launcher=mine").hydra.launcher.env == {}


def test_a_file_of_the_app_goes_before_an_offer_and_can_extend_it(
    source: HsmConfigSource, tmp_path: Path
) -> None:
    folder = tmp_path / "hydra/launcher"
    folder.mkdir(parents=True)
    (folder / "site.yaml").write_text("defaults: [mine, _self_]\nslots: 3\n")
    assert composed(tmp_path, "hydra/launcher=site").hydra.launcher == {
        "_target_": "mine", "slots": 3, "env": {},
    }  # fmt: skip
    (folder / "mine.yaml").write_text("_target_: another\n")
    assert composed(tmp_path, "hydra/launcher=mine").hydra.launcher == {"_target_": "another"}


def test_what_is_offered_is_told(source: HsmConfigSource) -> None:
    assert source.list("hydra/launcher", ObjectType.CONFIG).count("mine") == 1
    assert source.list("hydra/launcher", ObjectType.GROUP) == []
    assert source.list("hydra", None) == source.list("hydra/", ObjectType.GROUP) == ["launcher", "sweeper"]
    assert source.list("", None) == ["hydra"]
    assert [source.is_group(path) for path in ("", "hydra", "hydra/launcher/", "hydra/laun", "mine")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert source.is_config("hydra/launcher/mine.yaml")
    assert not source.is_config("hydra/launcher")
    with pytest.raises(ConfigLoadError, match="nosuch"):
        source.load_config("hydra/launcher/nosuch")


def test_each_load_is_told_with_a_frame_from_which_hydras_are_found(source: HsmConfigSource) -> None:
    frames: list[FrameType] = []
    offer("hydra/launcher", "mine", "hsm_test_offers", "Conf", frames.append)
    source.load_config("hydra/launcher/mine")
    source.load_config("hydra/launcher/mine")
    here = sys._getframe()
    assert [frame.f_back for frame in frames] == [here, here]


def test_nothing_is_stored_or_built_before_it_is_chosen() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
