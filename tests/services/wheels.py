"""Packs what is installed here into wheels again, for hosts that reach no package index."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from email.parser import Parser
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def wheels_of_this_environment(folder: Path, names: Iterable[str]) -> list[Path]:
    """Make a wheel of each of these packages and of all that they need."""
    folder.mkdir()
    found: dict[str, metadata.Distribution] = {}
    wanted = list(names)
    while wanted:
        one = metadata.distribution(wanted.pop())
        if one.metadata["Name"] not in found:
            found[one.metadata["Name"]] = one
            needs = map(Requirement, one.requires or ())
            wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return [wheel_of(one, folder) for one in found.values()]


def wheel_of(one: metadata.Distribution, folder: Path) -> Path:
    tag = Parser().parsestr(one.read_text("WHEEL") or "")["Tag"]
    path = folder / f"{one.metadata['Name'].replace('-', '_')}-{one.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in one.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                wheel.write(str(file.locate()), str(file))
    return path
