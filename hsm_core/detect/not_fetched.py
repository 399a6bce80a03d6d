"""Finds what a checkout lacks of its repository: submodules that are not checked out, and content that LFS keeps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from hsm_core.overrides import quoted

from .code import git, is_repository, submodules

#: How a file begins that stands for another one: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_POINTER, _LONGEST_POINTER = b"version https://git-lfs.github.com/spec/v1\n", 1024
_MOST_NAMES = 5


def not_fetched(root: str, names: Iterable[str]) -> Iterator[str]:
    """Yields a warning, with the line to type, for each thing that git has not brought.

    Args:
        root: the app's directory.
        names: its files that a snapshot has, relative to it.
    """
    if not is_repository(root):
        return
    there = quoted(root)
    if missing := list(_not_checked_out(root)):
        told = f"submodules that are not checked out have no files for tasks: {_some(missing)}"
        yield f"warning: {told}\n  next: git -C {there} submodule update --init --recursive"
    if pointers := list(islice((name for name in names if _is_pointer(root, name)), _MOST_NAMES + 1)):
        told = f"files without their content, which Git LFS has not brought: {_some(pointers)}"
        more = "" if not submodules(root) else f" && git -C {there} submodule foreach --recursive git lfs pull"
        yield f"warning: {told}\n  next: git -C {there} lfs pull{more}"


def _not_checked_out(root: str) -> Iterator[str]:
    yield from submodules(root, are_here=False)
    for name in submodules(root):
        yield from (f"{name}/{inner}" for inner in _not_checked_out(os.path.join(root, name)))


def _is_pointer(root: str, name: str) -> bool:
    path = os.path.join(root, name)
    try:
        if os.path.getsize(path) >= _LONGEST_POINTER:
            return False
        with open(path, "rb") as file:
            if file.read(len(_POINTER)) != _POINTER:
                return False
    except OSError:
        return False
    # what looks like one and is none, a test's data for instance, is what its author committed
    folder, base = os.path.split(path)
    return git(folder, "check-attr", "-z", "filter", "--", base).split("\0")[2:3] == ["lfs"]


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (" and others" if len(names) > _MOST_NAMES else "")
