"""Which packages an app runs with, as pip would install them again."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, distributions


def requirements() -> list[str]:
    """A line a package, sorted: ``name==version``, or where it came from if not from an index."""
    found = {line.lower(): line for package in distributions() if (line := _line(package))}
    return [found[key] for key in sorted(found)]


def _line(package: Distribution) -> str:
    head = _head(package)
    name, version = head.get("name"), head.get("version")
    if not name:
        return ""
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    url, commit = origin.get("url"), origin.get("vcs_info", {}).get("commit_id")
    if commit:
        return f"{name} @ {origin['vcs_info']['vcs']}+{url}@{commit}"
    if url:
        return f"# {name}=={version} from {url}"
    return f"{name}=={version}"


def _head(package: Distribution) -> dict[str, str]:
    """The first fields of a package's metadata; the library parses all of it, in ten times the time."""
    texts = (package.read_text(name) for name in ("METADATA", "PKG-INFO", ""))  # as the library looks for it
    text = next(filter(None, texts), "").partition("\n\n")[0]
    pairs = (line.partition(":") for line in reversed(text.splitlines()) if line[:1].strip())
    return {field.lower(): value.strip() for field, _, value in pairs}
