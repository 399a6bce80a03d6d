"""Writes configs as YAML, as PyYAML does; what recurs from task to task is written once and remembered."""

from __future__ import annotations

import marshal
import re
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

#: Entries are remembered down to ``hydra.job.num``, say: what stands deeper is written anew with its section.
DEPTH = 3
#: How omegaconf asks for the text of a config.
_HOW = {"default_flow_style": False, "allow_unicode": True, "sort_keys": False}
#: Values whose text depends on nothing but themselves and their place.
_SCALARS = {str, int, float, bool, type(None)}
#: Keys that are one line, whatever they mean to YAML.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)


class Texts:
    """What entries of mappings look like as YAML, each at its place.

    Every line comes from PyYAML, which is given an entry alone, below the same keys: in its block style the lines
    of an entry depend on nothing else.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._learns = False
        self._dump = yaml.dump

    def learn(self, config: DictConfig) -> None:
        """Remember the entries of a config, for those that have some in common with it."""
        self._learns, yaml.dump = True, self.dump
        try:
            OmegaConf.to_yaml(config)
        finally:
            self._learns, yaml.dump = False, self._dump

    def dump(self, data: Any, stream: Any = None, Dumper: Any = yaml.Dumper, **how: Any) -> Any:
        """What ``yaml.dump`` gives."""
        if stream is not None or how != _HOW or type(data) is not dict or not data or not _is_plain(data):
            return self._dump(data, stream, Dumper, **how)
        return self._text(data, (), Dumper)

    def _text(self, mapping: dict[Any, Any], above: tuple[str, ...], dumper: Any) -> str:
        texts = []
        for key, value in mapping.items():
            name = marshal.dumps((id(dumper), above, key, value), 2)
            text = self._known.get(name)
            if text is None:
                text = self._entry(key, value, above, dumper)
                if self._learns:
                    self._known[name] = text
            texts.append(text)
        return "".join(texts)

    def _entry(self, key: Any, value: Any, above: tuple[str, ...], dumper: Any) -> str:
        parted = len(above) + 1 < DEPTH and isinstance(value, dict) and value
        if not parted or type(key) is not str or not _NAME.fullmatch(key):
            return self._lines({key: value}, above, dumper)
        heading, _, _ = self._lines({key: {"_": None}}, above, dumper).partition("\n")
        return f"{heading}\n{self._text(value, (*above, key), dumper)}"

    def _lines(self, entry: dict[Any, Any], above: tuple[str, ...], dumper: Any) -> str:
        """The lines of an entry below those keys."""
        for key in reversed(above):
            entry = {key: entry}
        text: str = self._dump(entry, None, dumper, **_HOW)
        return text.split("\n", len(above))[-1]


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return all(type(key) in _SCALARS for key in value) and all(map(_is_plain, value.values()))
    return all(map(_is_plain, value)) if kind is list else kind in _SCALARS
