"""A hydra-zen app with configs of its own classes."""

from typing import Any

from hydra_zen import builds, store, zen


class Net:
    def __init__(self, width: int) -> None:
        self.width = width


def train(net: Net, lr: float) -> dict[str, Any]:
    return {"is_net": isinstance(net, Net), "width": net.width, "lr": lr}


group = store(group="net")
group(builds(Net, width=1), name="narrow")
group(builds(Net, width=9), name="wide")
store(train, hydra_defaults=["_self_", {"net": "narrow"}], lr=0.5, name="train")

if __name__ == "__main__":
    store.add_to_hydra_store()
    zen(train).hydra_main(config_name="train", version_base="1.3", config_path=None)
