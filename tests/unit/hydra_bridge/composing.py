"""An app whose config has a bit of everything, and what makes two of its configs the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, Node
from omegaconf.errors import OmegaConfBaseException


class Kind(Enum):
    A = 1
    B = 2


@dataclass
class Typed:
    """A schema, so that values are checked and converted."""

    count: int = 1
    rate: float = 0.5
    kind: Kind = Kind.A
    names: list[str] = field(default_factory=lambda: ["x"])
    table: dict[str, int] = field(default_factory=dict)
    maybe: int | None = None


FILES = {
    "config.yaml": """
defaults:
  - model: cnn
  - optimizer@opt: sgd
  - data: small
  - typed: base
  - optional extra: null
  - _self_
lr: 0.1
seed: 0
name: ${model.name}-${seed}
alias: ${opt}
moved: ${hydra:runtime.cwd}
number: ${hydra.job.num}
copied: ${list}
list: [1, 2, {deep: "${lr}"}]
empty: null
missing: ???
text: "1"
flags: {shown: true, nested: {a: 1, b: {c: 2}}}
stamp: ${now:%Y-%f}
hydra:
  searchpath: [file://SEARCHED]
  job: {env_copy: [COPIED], config: {override_dirname: {exclude_keys: [seed], kv_sep: "~"}}}
""",
    "model/cnn.yaml": "name: cnn\ndepth: 3\ndropout: 0.1\n",
    "model/mlp.yaml": "defaults: [/part@inner: p1]\nname: mlp\nwidth: ${.inner.size}\n",
    "part/p1.yaml": "size: 8\n",
    "part/p2.yaml": "size: 9\n",
    "optimizer/sgd.yaml": "lr: ${lr}\nmomentum: 0.9\n",
    "optimizer/adam.yaml": "lr: 0.01\nbetas: [0.9, 0.99]\n",
    "data/small.yaml": "size: 10\n",
    "data/big.yaml": "# @package _global_\ndata: {size: 1000}\nseed: 7\n",
    "extra/more.yaml": "x: 1\n",
    "typed/base.yaml": "defaults: [/schema@_here_]\ncount: 2\n",
}

PLAIN = (
    "seed=3", "lr=1e-3", "lr=null", "model.depth=4", "+new=1", "+new.deeper=[1,2]", "++model.depth=5",
    "++flags.shown=false", "flags.nested.a=2", "~flags.nested.b", "list=[3]", "list=[]", "list=[{a:${seed}}]",
    "text='2'", "text=${seed}", "empty=1", "missing=1", "typed.count=5", "typed.rate=1", "typed.kind=B",
    "typed.names=[a,b]", "+typed.table.k=2", "typed.maybe=3", "opt.lr=0.5", "seed=-1", "seed='a=b,c'",
    "name='ü \\'x\\''", "+x@y=1", "flags={}", "empty={a:1}", "+seed=4", "typed.count=word", "nokey=1",
    "model.nokey=1", "~model.depth", "~seed=0", "~seed=9", "flags={nested:{a:3}}", "model={depth:9}",
    "alias.lr=3", "alias=1", "copied=[9]", "++copied=[8]", "number=4", "moved=here", "list.0=5",
    "list[2].deep=1", "stamp=${now:%f}", "+flags.sub={u:{v:1}}", "++new.a=1", "flags.nested=null",
    "flags.nested.a.b=1", "opt.momentum=${model.depth}", "seed=1_000", "~list", "~alias", "~empty",
    "typed=null", "+typed.names=[z]", "seed=???", "+data.size=3", "name=null", "lr=.nan", "seed=0x10",
    "seed=  5",
)  # fmt: skip
GROUPS = (
    "model=cnn", "model=mlp", "optimizer@opt=adam", "data=big", "+part=p2", "+part@model.inner=p2",
    "+extra=more", "~data", "~data=small", "+found=here", "extra=more", "model=nosuch", "model=null",
    "part@model.inner=p2", "+model=mlp", "++model=mlp", "optimizer@opt=[adam,sgd]", "data=[big,small]",
    "~data=big", "model=3",
)  # fmt: skip
HYDRA = (
    "hydra.job.name=x", "hydra.job.env_set.A=1", "+hydra.more=1", "hydra/job_logging=none",
    "hydra.verbose=true", "seed=1,2",
)  # fmt: skip
#: Those that Hydra composes and a skeleton could not be trusted with: what is there refers elsewhere, or is merged.
LEFT_TO_HYDRA = frozenset((
    "~flags.nested.b", "flags={}", "empty={a:1}", "flags={nested:{a:3}}", "model={depth:9}", "alias.lr=3",
    "copied=[9]", "++copied=[8]", "list.0=5", "list[2].deep=1", "~list", "~alias", "+typed.names=[z]",
))  # fmt: skip


def write(root: Path) -> Path:
    for name, text in FILES.items():
        path = root / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("SEARCHED", str(root / "searched")))
    (root / "searched/found").mkdir(parents=True)
    (root / "searched/found/here.yaml").write_text("y: 1\n")
    return root / "conf"


@contextmanager
def composing(root: Path) -> Iterator[tuple[Any, DictConfig]]:
    """Hydra's config loader for the app, and the config of a sweep of it."""
    conf = write(root)
    known = copy.deepcopy(ConfigStore.instance().repo)
    ConfigStore.instance().store("schema", Typed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIED", "before")
        with initialize_config_dir(str(conf), version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
            given = ["hydra.sweep.dir=here", "hydra.verbose=false"]
            yield loader, loader.load_configuration("config", given, RunMode.MULTIRUN)
    ConfigStore.instance().repo = known


def shape(node: Any) -> Any:
    """All that makes up a config: values, types, flags, order, and what refers to what."""
    if not isinstance(node, Node):
        return type(node).__name__, repr(node)
    content = node._value() if not isinstance(node, (DictConfig, ListConfig)) else node._content
    if isinstance(content, dict):
        inside: Any = [(key, shape(child)) for key, child in content.items()]
    elif isinstance(content, list):
        inside = [shape(child) for child in content]
    else:
        inside = type(content).__name__, repr(content)
    metadata = {name: repr(value) for name, value in vars(node._metadata).items()}
    return type(node).__name__, metadata, inside


def verdict(make: Any) -> Any:
    """A config's shape, or the error that Hydra raises with all of its causes."""
    try:
        return shape(make())
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        causes: list[str] = []
        found: BaseException | None = error
        while found is not None:
            causes.append(f"{type(found).__name__}: {found}")
            found = found.__cause__
        return causes
