"""Which packages an app runs with, as pip would install them again."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, distributions


def requirements() -> list[str]:
    """A line a package, sorted: ``name==version``, or where it came from if not from an index."""
    found = {line.lower(): line for package in distributions() if (line := _line(package))}
    return [found[key] for key in sorted(found)]


def _line(package: Distribution) -> str:
    name = package.metadata["Name"]
    if not name:
        return ""
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    url, commit = origin.get("url"), origin.get("vcs_info", {}).get("commit_id")
    if commit:
        return f"{name} @ {origin['vcs_info']['vcs']}+{url}@{commit}"
    if url:
        return f"# {name}=={package.version} from {url}"
    return f"{name}=={package.version}"
