"""Says which packages are here in other versions than a constraints file has: ``python -m tests.newer FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def versions_in(constraints: str) -> dict[str, str]:
    """The versions that a constraints file has for this interpreter, by name."""
    lines = (line.partition("#")[0].strip() for line in constraints.splitlines())
    found = (Requirement(line) for line in lines if line)
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in found
        if one.marker is None or one.marker.evaluate()
    }


def differences(here: dict[str, str], known: dict[str, str]) -> Iterator[str]:
    """A line for each package that is not as it was tested."""
    for name in sorted(here):
        if name not in known:
            yield f"{name} {here[name]}, which the tests had not"
        elif here[name] != known[name]:
            yield f"{name} {here[name]}, tested with {known[name]}"


def main() -> None:
    file = Path(sys.argv[1])
    ours = {"pip", "setuptools", "wheel", "hpc-sweep-manager"}
    found = ((canonicalize_name(one.metadata["Name"]), one.version) for one in distributions())
    here = {name: version for name, version in found if name not in ours}
    lines = list(differences(here, versions_in(file.read_text(encoding="utf-8"))))
    print(*lines or [f"All is as in {file}."], sep="\n")


if __name__ == "__main__":
    main()
