"""File systems that only a test sees: a small disk, a read-only one, a file laid over the kernel's."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000  # unshare(2)


@contextmanager
def own_mounts() -> Iterator[None]:
    """Mount in a namespace of one's own, with all that is started meanwhile; needs root."""
    outer, cwd = os.open("/proc/self/ns/mnt", os.O_RDONLY), os.getcwd()
    try:
        _require(_LIBC.unshare(_CLONE_NEWNS), "unshare")
        try:
            mount("--make-rprivate", "/")
            yield
        finally:
            _require(_LIBC.setns(outer, _CLONE_NEWNS), "setns")
            os.chdir(cwd)
    finally:
        os.close(outer)


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True)


def make_read_only(path: Path) -> None:
    mount("--bind", path, path)
    mount("-o", "remount,ro,bind", path)


def make_small_disk(path: Path, size: str) -> None:
    path.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with open(path, "wb", buffering=0) as stream:
        for size in (65536, 4096, 1):
            try:
                while stream.write(bytes(size)):
                    pass
            except OSError:
                continue


def _require(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), what)
