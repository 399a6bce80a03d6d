"""Who may import whom, and what must stay unloaded: the walls of the house."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOUNS = {"model", "errors", "settings", "overrides"}
PARTS = {
    "plan": set(),
    "processes": set(),
    "store": {"processes"},
    "scripts": set(),
    "hosts": {"processes"},
    "testing": {"hosts", "schedulers"},
    "schedulers": {"hosts", "scripts"},
    "detect": {"hosts", "schedulers"},
    "worker": {"store", "processes"},
    "sources": {"store", "scripts", "schedulers", "hosts", "processes"},
    "results": {"store", "hosts"},
    "views": {"store", "results"},
    "conductor": {"plan", "detect", "hosts", "sources", "store", "results", "views", "processes"},
    "hydra_bridge": {"conductor", "plan", "detect", "hosts", "schedulers", "sources", "store", "processes"},
    "cli": {
        *("plan", "store", "scripts", "hosts", "schedulers", "detect"),
        *("worker", "sources", "results", "views", "conductor", "processes"),
    },
    "model": set(),
    "errors": set(),
    "settings": set(),
    "overrides": set(),
}
#: what comes from outside, and the parts that know it
OUTSIDE = {
    "hydra": {"hydra_bridge"},
    "omegaconf": {"hydra_bridge"},
    "paramiko": {"hosts"},
    "jinja2": {"scripts"},
    "submitit": {"schedulers"},
    "click": {"cli"},
    "rich": {"cli", "views"},
}
#: parts that run on other machines, where only what they carry is known to be there
TRAVELLERS = tuple(
    path
    for part in ("task", "fast", "random_numbers")
    for path in sorted((ROOT / "hsm_core" / "hydra_bridge" / part).glob("*.py"))
    if path.name != "sweep_loader.py"
)
STATUS_NEVER_LOADS = {"hydra", "omegaconf", "yaml", "jinja2", "paramiko", "submitit"}

MODULES = sorted((ROOT / "hsm_core").rglob("*.py"))
PLUGINS = sorted((ROOT / "hydra_plugins").rglob("*.py"))


def imports(path: Path, nodes: Iterator[ast.AST] | list[ast.stmt] | None = None) -> set[str]:
    """Full names of all that a module imports, lazily or not; ``nodes`` narrows it to some statements."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())) if nodes is None else nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package(path, node.level) + ([node.module] if node.module else [])
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


def package(path: Path, level: int) -> list[str]:
    return list(path.relative_to(ROOT).parts[:-level]) if level else []


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "hsm_core").with_suffix("").parts[0]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parts_imported(path: Path) -> set[str]:
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("hsm_core.")}
    return ours - {part_of(path)}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_part_imports_only_the_parts_it_may(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        assert not imports(path)
        return
    assert part in PARTS, "a new part needs its line in PARTS"
    assert parts_imported(path) <= PARTS[part] | NOUNS


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_some_parts_know_a_library(path: Path) -> None:
    known = {name.split(".")[0] for name in imports(path)} & set(OUTSIDE)
    assert {library for library in known if part_of(path) not in OUTSIDE[library]} == set()


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) == "worker"], ids=named)
def test_the_worker_needs_only_the_standard_library(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)} - {"hsm_core"}
    assert roots <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", TRAVELLERS, ids=named)
def test_what_travels_carries_nothing_of_the_bridge(path: Path) -> None:
    ours = {name for name in imports(path) if name.startswith("hsm_core.")}
    bridge = "hsm_core.hydra_bridge."
    allowed = ("hsm_core.model", "hsm_core.errors", bridge + "task", bridge + "fast", bridge + "random_numbers")
    assert {name for name in ours if not name.startswith(allowed)} == set()


@pytest.mark.parametrize("path", PLUGINS, ids=named)
def test_a_plugin_module_imports_only_hydra_omegaconf_and_the_bridge_when_loaded(path: Path) -> None:
    loaded = imports(path, ast.parse(path.read_text()).body)
    foreign = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    allowed = ("hydra.", "omegaconf.", "hsm_core.hydra_bridge")
    assert {name for name in foreign if not name.startswith(allowed)} == set()


def test_hydra_plugins_stays_a_namespace() -> None:
    assert not (ROOT / "hydra_plugins" / "__init__.py").exists()
    assert (ROOT / "hydra_plugins" / "hsm" / "__init__.py").exists()


@pytest.mark.parametrize("arguments", [[], ["--json"], ["latest"]], ids=str)
def test_hsm_status_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from hsm_core.cli.status import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    argv = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "hsm_core" in loaded
    assert loaded & STATUS_NEVER_LOADS == set()


NOT_OURS = {".git", "__pycache__", "multirun", "outputs"}


def project_files() -> Iterator[Path]:
    parts = [ROOT / name for name in ("docs", "hsm_core", "hydra_plugins", "tests", "example_app", ".ci")]
    for path in [*ROOT.iterdir(), *(p for part in parts for p in part.rglob("*"))]:
        if (
            path.is_file()
            and not NOT_OURS & set(path.relative_to(ROOT).parts)
            and not path.name.startswith(".coverage")
        ):
            yield path


def test_no_file_names_a_place_on_a_developers_machine() -> None:
    place = re.compile(rb"(?<![\w}])/(work/|tmp/(briefs|v\d))\w*")
    found = {named(path): place.findall(path.read_bytes()) for path in project_files()}
    assert {name: places for name, places in found.items() if places} == {}
