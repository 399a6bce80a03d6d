"""Writes a file so that a reader sees all of it or nothing, also after a power cut."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeAlias

from hsm_core.errors import StoreError
from hsm_core.parsing import MOST_VALUES, loads
from hsm_core.safe_open import NotOwn, new_file, open_record, read_own

#: A JSON object as the parser makes it.
Document: TypeAlias = dict[str, Any]
#: Bytes of a record but for one that lists tasks.
MOST_BYTES = 4 * 1024**2
#: Of one that lists a sweep's tasks.
MOST_LISTED = 64 * 1024**2
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def nonce(length: int = 8, alphabet: str = _ALPHABET) -> str:
    """Returns random characters, base32 by default: safe in file names and in a scheduler's job names."""
    return "".join(alphabet[byte % len(alphabet)] for byte in os.urandom(length))


def to_line(value: object) -> bytes:
    """Returns a value as one line of JSON; ASCII only, so that a line cut anywhere is never valid."""
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def write_atomically(path: Path, data: bytes, *, private: bool = False) -> None:
    """Writes under a temporary name, flushes to disk, then renames.

    Args:
        private: nobody else may read it; else others may, but never write it.

    Raises:
        OSError: nothing is left under ``path`` that was not there before.
    """
    temporary = path.with_name(f".{path.name}.{nonce()}.tmp")
    try:
        _write_new(temporary, data, mode=0o600 if private else 0o644)
        os.replace(temporary, path)
    except OSError as error:
        error.filename = str(path)  # the temporary name, or none, would tell nobody anything
        raise
    finally:
        temporary.unlink(missing_ok=True)


def create_exclusively(path: Path, data: bytes, *, durable: bool = True) -> bool:
    """Creates a complete file, or does nothing if another is already there.

    A request that NFS repeats answers EEXIST to its own first try: the file is then read back.

    Args:
        durable: flush it to disk first; otherwise a power cut may leave an empty file.

    Returns:
        True if the file at ``path`` is this one.
    """
    temporary = path.with_name(f".{path.name}.{nonce()}.tmp")
    try:
        _write_new(temporary, data, durable)
        os.link(temporary, path)
        return True
    except FileExistsError:
        return _holds(path, data)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path, most: int = MOST_BYTES) -> Document:
    """Reads a JSON object, whoever wrote it.

    Args:
        most: bytes that it may have.

    Raises:
        FileNotFoundError, ValueError: the file is not there, or holds no JSON object; or it is no regular file, or
            too large.
        NotOwn: within ``only_own``, it is somebody else's.
    """
    try:
        stream = open_record(path, most=most)
    except NotOwn:
        raise
    except StoreError as error:
        raise ValueError(error.problem) from error
    with stream:
        return _object(path, stream.read(), most // 8)


def read_own_json(path: Path) -> Document:
    """Reads a JSON object that acts: only from a file of this user's that nobody else can write.

    Raises:
        FileNotFoundError, ValueError: the file is not there, or holds no JSON object.
        StoreError: it is somebody else's, no regular file, or too large.
    """
    return _object(path, read_own(path))


def to_json(value: object) -> bytes:
    """Returns a JSON document for people and programs: indented, with a final newline."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _object(path: Path, data: bytes, most_values: int = MOST_VALUES) -> Document:
    found = loads(data, most_values)
    if not isinstance(found, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return found


def _holds(path: Path, data: bytes) -> bool:
    try:
        with open_record(path, most=len(data)) as stream:
            return stream.read() == data
    except StoreError:  # larger, or no regular file
        return False


def _write_new(path: Path, data: bytes, durable: bool = True, mode: int = 0o644) -> None:
    with new_file(path, mode) as stream:
        stream.write(data)
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
