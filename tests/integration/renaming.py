"""Runs programs with a Hydra and an omegaconf some of whose names are others, as a patch release may have them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

#: Python runs it at each start, the workers' included: it renames what it loads of both libraries, everywhere alike.
HOOK = r"""
import importlib.machinery, os, re, sys
NAMES = os.environ["RENAMED"].split()
WORDS = re.compile(r"\b(" + "|".join(NAMES) + r")\b")

class Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        text = self.get_data(self.path).decode()
        return compile(WORDS.sub(lambda word: word[0] + "Renamed", text), self.path, "exec", dont_inherit=True)

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in ("hydra", "omegaconf"):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec

sys.meta_path.insert(0, Finder)
"""


def environ_with(names: Iterable[str], folder: Path) -> dict[str, str]:
    """The environment of programs for which these names are others.

    Args:
        folder: holds what is needed for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "RENAMED": " ".join(names), "PYTHONPATH": path}
