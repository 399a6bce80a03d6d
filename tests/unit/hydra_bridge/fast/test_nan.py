"""A master config with NaNs that was pickled is taken by Hydra for the one that it reads itself."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig

from hsm_core.hydra_bridge.fast.nan import renew_nans

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*The version_base parameter:UserWarning")

SWEPT = """
hydra:
  sweeper:
    params: {val: [.nan, 1, null]}
val: 0
"""


def swept(config: DictConfig) -> float:
    found: float = config.hydra.sweeper.params.val[0]
    return found


def test_a_pickled_nan_is_equal_again(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SWEPT)
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("config", [], RunMode.MULTIRUN)
        job = loader.load_sweep_config(master, ["val=1"])
        sent = pickle.loads(pickle.dumps(master))
        assert swept(sent) is not swept(job)
        renewed = renew_nans(sent)
        assert swept(renewed) is swept(job)
        assert loader.load_sweep_config(renewed, ["val=1"]).val == 1
