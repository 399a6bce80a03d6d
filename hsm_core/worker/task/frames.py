"""Reduces a task's traceback to the app's part, without our frames and Hydra's, and names where it failed."""

from __future__ import annotations

import builtins
import os
import sys
import sysconfig
import traceback
from functools import cache
from types import FrameType, TracebackType

#: Modules that import the app, call the task's function, or stand between it and what it has Hydra make or look up.
_CALLERS = ("hsm_core.", "hydra.", "omegaconf.", "importlib.")
#: What those call in turn, and an app may call itself: omegaconf's parser.
_CALLED_BY_THEM = ("antlr4.",)
#: What is never the app's own, wherever it is installed.
_LIBRARIES = ("hsm_core", "hydra", "omegaconf", "hydra_plugins")


def cut_frames(error: BaseException) -> None:
    """Takes out of a traceback, and of all it is chained to, the frames of what called the app.

    Hydra does so too, where HYDRA_FULL_ERROR is not 1.
    """
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        return
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        app = _app_part(one.__traceback__)
        if app is not None or one is not error or _is_told_without(one):
            BaseException.with_traceback(one, app)
        waiting += [one.__cause__, one.__context__, *_members(one)]


def where(error: BaseException) -> str:
    """Returns the innermost place of the app in a traceback, as ``train.py:12 in main``; empty if there is none.

    Of what Hydra says of an error in the app, as ``instantiate`` does, it is the place of that.
    """
    cause = error.__cause__ if _is_told_without(error) else None
    found = where(cause) if cause is not None else ""
    if found:
        return found
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if _is_of_app(frame):
            found = f"{_shown(code.co_filename)}:{line} in {code.co_name}"
    return found


def _app_part(trace: TracebackType | None) -> TracebackType | None:
    frames, is_left_out = [], False
    while trace is not None:
        module = f"{_module(trace.tb_frame)}."
        is_left_out = module.startswith(_CALLERS) or (is_left_out and module.startswith(_CALLED_BY_THEM))
        if not is_left_out:
            frames.append(trace)
        trace = trace.tb_next
    for one, following in zip(frames, [*frames, None][1:], strict=True):
        one.tb_next = following
    return frames[0] if frames else None


def _is_told_without(error: BaseException) -> bool:
    """Returns whether an error is shown without a traceback: errors in a config, and our own messages."""
    return any(kind.__name__ in ("CompactHydraException", "HsmError") for kind in type(error).__mro__)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    group = getattr(builtins, "BaseExceptionGroup", ())  # Python 3.11 and later
    return tuple(getattr(error, "exceptions", ())) if isinstance(error, group) else ()


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_of_app(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    if not os.path.isabs(filename):  # compiled code names its source as it was where that was built
        filename = str(frame.f_globals.get("__file__") or filename)
    if _module(frame).partition(".")[0] in _LIBRARIES or filename.startswith("<frozen "):
        return False
    return not filename.startswith(_library_folders()) and "/site-packages/" not in filename


@cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple(f"{paths[name]}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def _shown(filename: str) -> str:
    """Returns a file's path as short as it is clear: from the working directory or from where modules are found."""
    folders = {os.path.join(folder, "") for folder in (os.getcwd(), *sys.path) if os.path.isabs(folder)}
    return min((filename.removeprefix(folder) for folder in folders), key=len, default=filename)
