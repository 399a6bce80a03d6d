"""Says whether a host's key is the one that is written down for it, as sshd(8) defines known_hosts."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Verdict = Literal["known", "unknown", "changed", "revoked", "authority"]


@dataclass(frozen=True)
class Line:
    """A line of known_hosts.

    Args:
        place: file and number.
        marker: ``cert-authority``, ``revoked`` or empty.
        patterns: names, as they are written.
        key: its bytes on the wire.
    """

    place: str
    marker: str
    patterns: str
    kind: str
    key: bytes


@dataclass(frozen=True)
class Judgement:
    """The verdict about a key.

    Args:
        lines: those that speak of the host and led to it.
    """

    verdict: Verdict
    lines: tuple[Line, ...] = ()


def read_lines(files: Sequence[Path]) -> list[Line]:
    """Returns the lines of all files that are there; those that nobody understands are skipped, as ssh does."""
    return [line for file in files for line in _lines(file)]


def _lines(file: Path) -> Iterator[Line]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for number, raw in enumerate(text.split("\n"), 1):
        words = raw.split()
        marker = words.pop(0).lstrip("@") if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or marker not in ("", "cert-authority", "revoked"):
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except ValueError:
            continue
        yield Line(f"{file}:{number}", marker, words[0], words[1], key)


def written_name(name: str, port: int) -> str:
    """Returns a host as known_hosts writes it."""
    return name.lower() if port == 22 else f"[{name.lower()}]:{port}"


def judge(lines: Sequence[Line], name: str, port: int, key: bytes) -> Judgement:
    """Says what known_hosts makes of a key.

    ``changed`` is also said where only keys of other kinds are written down: whoever stands between could offer
    such a one. ``authority``: no key is written down, but who may sign for the host, which must be checked otherwise.

    Args:
        key: its bytes on the wire.
    """
    about = [line for line in lines if names_host(line.patterns, written_name(name, port))]
    plainly = [line for line in lines if port != 22 and names_host(line.patterns, written_name(name, 22))]
    revoked = [line for line in about + plainly if line.marker == "revoked" and line.key == key]
    if revoked:
        return Judgement("revoked", tuple(revoked))
    own = [line for line in about if not line.marker]
    same = [line for line in own or plainly if not line.marker and line.key == key]
    if same:
        return Judgement("known", tuple(same))
    if own:
        return Judgement("changed", tuple(own))
    authorities = tuple(line for line in about if line.marker == "cert-authority")
    return Judgement("authority", authorities) if authorities else Judgement("unknown")


def known_kinds(lines: Sequence[Line], name: str, port: int) -> list[str]:
    """Returns the kinds of keys that are written down for a host: to be asked for first."""
    for written in dict.fromkeys([written_name(name, port), written_name(name, 22)]):
        kinds = [line.kind for line in lines if not line.marker and names_host(line.patterns, written)]
        if kinds:
            return kinds
    return []


def names_host(patterns: str, name: str) -> bool:
    """Returns whether the first word of a line means a host, hashed or not; a pattern with ``!`` excludes it."""
    if patterns.startswith("|1|"):
        return _is_hash_of(patterns, name)
    found = False
    for pattern in patterns.lower().split(","):
        is_negative = pattern.startswith("!")
        # ssh knows only * and ?
        glob = pattern.lstrip("!").replace("[", "\0").replace("]", "[]]").replace("\0", "[[]")
        if fnmatch.fnmatchcase(name, glob):
            if is_negative:
                return False
            found = True
    return found


def _is_hash_of(hashed: str, name: str) -> bool:
    parts = hashed.split("|")
    if len(parts) != 4:
        return False
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:])
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def fingerprint(key: bytes) -> str:
    """Returns a key's fingerprint as ssh shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def write_down(file: Path, name: str, port: int, kind: str, key: bytes, *, hashed: bool) -> None:
    """Adds a host's key.

    Raises:
        OSError: the file can't be written.
    """
    written = written_name(name, port)
    line = f"{_hashed(written) if hashed else written} {kind} {base64.b64encode(key).decode('ascii')}\n".encode()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" * torn + line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hashed(name: str) -> str:
    salt = os.urandom(20)
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return "|1|" + "|".join(base64.b64encode(part).decode("ascii") for part in (salt, digest))
