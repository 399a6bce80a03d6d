"""Carries the agent to a host: its source, and the shell command that starts it with a Python that is there."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import shlex
import zlib
from collections.abc import Sequence
from importlib.resources import files

#: The oldest Python that hsm runs with.
OLDEST = (3, 10)
#: Commands that are tried in turn where the user names no Python.
PYTHONS = ("python3", "python3.13", "python3.12", "python3.11", "python3.10", "python")
#: What the agent consists of; a package is named by its first line.
MODULES = (
    "hsm_core", "hsm_core.model", "hsm_core.text", "hsm_core.errors", "hsm_core.safe_open",
    "hsm_core.processes", "hsm_core.processes.identity",
    "hsm_core.processes.dead_workers", "hsm_core.hosts", "hsm_core.hosts.interface", "hsm_core.hosts.files",
    "hsm_core.hosts.local", "hsm_core.hosts.agent", "hsm_core.hosts.agent.messages", "hsm_core.hosts.agent.serve",
)  # fmt: skip

_BOOT = """
import hashlib, importlib.abc, importlib.util, json, sys, zlib
size, digest, timing = int(sys.argv[2]), sys.argv[3], sys.argv[4]
data = sys.stdin.buffer.read(size)
if hashlib.sha256(data).hexdigest() != digest:
    sys.exit(f"hsm: the agent arrived damaged: {len(data)} of {size} bytes")
sources = json.loads(zlib.decompress(data))
class Carried(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name in sources:
            return importlib.util.spec_from_loader(name, self, is_package=sources[name][0])
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(compile(sources[module.__name__][1], "<hsm agent> " + module.__name__, "exec"), module.__dict__)
sys.meta_path.insert(0, Carried())
from hsm_core.hosts.agent.serve import main
main(timing)
"""

# sh, but a login shell of any kind reads it: no newline (csh), no backslash (fish), no exclamation mark
_START = (
    'boot="$1"; size="$2"; digest="$3"; timing="$4"; shift 4; tried=; '
    'for p in "$@"; do case "$p" in "~/"*) p="$HOME/${p#??}";; esac; '
    'if q=$(command -v "$p" 2>/dev/null); then '
    'v=$("$q" -I -c "import sys; print(sys.version_info >= (OLDEST) and 1 or sys.version.split()[0])" '
    "</dev/null 2>&1 | tail -n 1); "
    'if [ "$v" = 1 ]; then exec "$q" -I -c "import base64,sys;exec(base64.b64decode(sys.argv[1]))" '
    '"$boot" "$size" "$digest" "$timing"; fi; '
    'tried="$tried, $p ($v)"; else tried="$tried, $p (not there)"; fi; done; '
    'echo "hsm: no usable Python: ${tried#??}" >&2; exit 127'
).replace("OLDEST", "%d, %d" % OLDEST)  # noqa: UP031

#: The exit code of the command where no Python will do.
NO_PYTHON = 127


@functools.cache
def program() -> bytes:
    """Returns the agent's modules, packed."""
    sources = {name: _source(name) for name in MODULES}
    return zlib.compress(json.dumps(sources, sort_keys=True).encode(), 9)


def _source(module: str) -> tuple[bool, str]:
    """Returns whether a module is a package, and its text; a package runs nothing of its own."""
    place = files("hsm_core").joinpath(*module.split(".")[1:])
    if place.is_dir():
        return True, ""
    return False, place.with_name(place.name + ".py").read_text(encoding="utf-8")  # type: ignore[attr-defined]


def command(pythons: Sequence[str], *, name: str, beat_s: float, silent_s: float) -> str:
    """Returns the line that a login shell is to run; it reads ``program()`` first, then calls.

    Args:
        pythons: commands or paths that are tried in turn; a leading ``~/`` is the host's.
        name: of the host, as its user calls it.
        beat_s, silent_s: see ``serve.Agent``.
    """
    data = program()
    boot = base64.b64encode(_BOOT.encode()).decode("ascii")
    timing = json.dumps({"name": name.encode().hex(), "beat_s": beat_s, "silent_s": silent_s}, separators=(",", ":"))
    words = [boot, str(len(data)), hashlib.sha256(data).hexdigest(), timing, *pythons]
    return f"exec sh -c '{_START}' hsm " + " ".join(map(shlex.quote, words))
