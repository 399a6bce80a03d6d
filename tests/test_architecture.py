"""Who may import whom, and what must stay unloaded: the walls of the house."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: the words that every part shares
NOUNS = {"model", "errors", "settings", "overrides", "text", "safe_open", "parsing"}
#: what a part may import besides the nouns, lazily and for type checkers too
PARTS: dict[str, set[str]] = {
    **{noun: set() for noun in NOUNS},
    "__init__": {"api"},  # for type checkers: nothing is loaded before it is asked for
    "plan": set(),
    "processes": set(),
    "scripts": set(),
    "hosts": {"processes"},
    "store": {"processes"},
    "schedulers": {"hosts", "scripts"},
    "detect": {"hosts", "schedulers"},
    "worker": {"store", "processes"},
    "sources": {"store", "scripts", "schedulers", "hosts", "processes"},
    "results": {"store"},
    "views": {"store", "results"},
    "conductor": {"sources", "store", "results", "views", "plan"},
    "hydra_bridge": {
        *("plan", "processes", "scripts", "hosts", "store", "schedulers", "detect"),
        *("worker", "sources", "results", "views", "conductor"),
    },
    "cli": {
        *("plan", "processes", "scripts", "hosts", "store", "schedulers", "detect"),
        *("worker", "sources", "results", "views", "conductor"),
    },
    "api": {"store", "results", "views", "cli"},
    "testing": {"hosts", "schedulers", "sources", "store", "processes"},
}
#: Modules that import one another, as sets. Take out what is gone; nothing comes in.
CIRCLES: set[frozenset[str]] = set()
#: Lines that a module may have, and what longer ones have at most: lower that as they shrink, and let none in.
MOST_LINES = 300
LONGER: dict[str, int] = {}
#: Files that a package may have side by side, and what larger ones have at most, likewise.
MOST_FILES = 17
LARGER: dict[str, int] = {}
#: Docstrings that begin with "What" instead of a verb: lower it as they go.
WHAT_DOCSTRINGS = 0
#: How far a number above may be from what is found before it must be lowered.
SLACK = 20
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
#: Where private names of other libraries are used: each is looked for first, and something public serves without it.
PRIVATE_PLACES = ("hydra_bridge/hydra_private/", "hydra_bridge/random_numbers/")
#: Private names of the standard library that other modules use; the first two are as good as public.
PRIVATE_NAMES = {
    "_exit", "_getframe",
    # how an interpreter was started
    "_args_from_interpreter_flags", "_xoptions",
    # how a process ends: worker/task/exit.py
    "_clear", "_registry", "_registered_with_atexit", "_finalizer_registry", "_run_after_forkers", "_run_exitfuncs",
    "_exit_function", "_shutdown",
}  # fmt: skip
#: parts that run on other machines, where only what they carry is known to be there
TRAVELLERS = tuple(
    path
    for part in ("task", "fast", "random_numbers", "hydra_private")
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
    assert part in PARTS, "a new part needs its line in PARTS"
    assert parts_imported(path) <= PARTS[part] | NOUNS


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def modules_imported() -> dict[str, set[str]]:
    """Which module imports which of ours; lazily, or for type checkers only, counts too."""
    names = {module_name(path) for path in MODULES}
    found = {module_name(path): imports(path) for path in MODULES}
    # what is no module is a name in one
    return {
        name: {one if one in names else one.rpartition(".")[0] for one in imported} & names - {name}
        for name, imported in found.items()
    }


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The largest sets of nodes that all lead to one another."""
    reached = {node: reachable(graph, node) for node in graph}
    return {
        frozenset({node, *(other for other in reached[node] if node in reached[other])})
        for node in graph
        if node in reached[node]
    }


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"e", "a"}, "e": {"f"}, "f": {"d"}, "g": {"a"}}
    assert circles(graph) == {frozenset("bc"), frozenset("def")}


def test_no_modules_import_one_another() -> None:
    assert circles(modules_imported()) == CIRCLES, "take out of CIRCLES what is gone, and break what is new"


def test_what_the_worker_loads_needs_only_the_standard_library() -> None:
    graph = modules_imported()
    workers = {name for name in graph if name.startswith("hsm_core.worker")}
    loaded = workers.union(*(reachable(graph, name) for name in workers))
    roots = {one.split(".")[0] for path in MODULES if module_name(path) in loaded for one in imports(path)}
    assert roots - {"hsm_core"} <= set(sys.stdlib_module_names)


def over(found: dict[str, int], most: int) -> dict[str, int]:
    return {name: number for name, number in found.items() if number > most}


def check_exceptions(found: dict[str, int], most: int, allowed: dict[str, int]) -> None:
    """Only what is named may be over ``most``, and only as far as it is said there; both only shrink."""
    too_large = over(found, most)
    assert {name: number for name, number in too_large.items() if number > allowed.get(name, most)} == {}
    assert set(allowed) == set(too_large), "take out of the exceptions what is small enough now"
    loose = {name: number for name, number in too_large.items() if allowed[name] - number > SLACK}
    assert loose == {}, "lower the exceptions to these"


def test_modules_are_short() -> None:
    lines = {str(path.relative_to(ROOT / "hsm_core")): len(path.read_text().splitlines()) for path in MODULES}
    check_exceptions(lines, MOST_LINES, LONGER)


def test_packages_are_small() -> None:
    files = Counter(str(path.parent.relative_to(ROOT / "hsm_core")) for path in MODULES)
    check_exceptions(files, MOST_FILES, LARGER)


UNIT_TESTS = sorted((ROOT / "tests" / "unit").rglob("test_*.py"))


@pytest.mark.parametrize("path", UNIT_TESTS, ids=named)
def test_a_unit_test_lies_where_its_module_does(path: Path) -> None:
    """``unit/part/test_module.py``, or ``test_module_aspect.py``; those of the tests' own modules lie at the top."""
    place = path.parent.relative_to(ROOT / "tests" / "unit")
    beside = [ROOT / "hsm_core" / place, *([ROOT / "tests"] if place == Path() else [])]
    modules = {module.stem for folder in beside for module in folder.glob("*.py")}
    words = path.stem.split("_")[1:]
    assert {"_".join(words[:count]) for count in range(1, len(words) + 1)} & modules


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


def test_docstrings_begin_with_a_verb() -> None:
    what = [(named(path), text) for path in MODULES for text in docstrings(path) if text.startswith("What ")]
    assert len(what) <= WHAT_DOCSTRINGS
    assert len(what) >= WHAT_DOCSTRINGS - SLACK, f"lower WHAT_DOCSTRINGS to {len(what)}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_only_some_parts_know_a_library(path: Path) -> None:
    known = {name.split(".")[0] for name in imports(path)} & set(OUTSIDE)
    assert {library for library in known if part_of(path) not in OUTSIDE[library]} == set()


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def our_names() -> set[str]:
    """The names that our modules give to what is theirs."""
    found: set[str] = set()
    for node in (one for path in [*MODULES, *PLUGINS] for one in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {node.attr} if isinstance(node.value, ast.Name) and node.value.id == "self" else set()
    return found


def private_names(path: Path) -> set[str]:
    """The private names that a module takes from something: as attributes, and by import."""
    attributes = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    imported = {part for name in imports(path) if not name.startswith("hsm_core.") for part in name.split(".")}
    return {name for name in attributes | imported if is_private(name)} - {"_typeshed"}


def test_private_names_of_other_libraries_are_in_places_of_their_own() -> None:
    elsewhere = [path for path in [*MODULES, *PLUGINS] if not any(place in named(path) for place in PRIVATE_PLACES)]
    foreign = set().union(*map(private_names, elsewhere)) - our_names()
    assert foreign == PRIVATE_NAMES, "Hydra's go to hydra_private; take out of PRIVATE_NAMES what is gone"


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) == "worker"], ids=named)
def test_the_worker_needs_only_the_standard_library(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)} - {"hsm_core"}
    assert roots <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", TRAVELLERS, ids=named)
def test_what_travels_carries_nothing_of_the_bridge(path: Path) -> None:
    ours = {name for name in imports(path) if name.startswith("hsm_core.")}
    bridge = "hsm_core.hydra_bridge."
    parts = [bridge + part for part in ("task", "fast", "random_numbers", "hydra_private")]
    allowed = ("hsm_core.model", "hsm_core.errors", "hsm_core.safe_open", *parts)
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
def test_hsm_status_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from hsm_core.cli.status import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    argv = [sys.executable, "-c", code, *arguments]
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}  # no sweep of another test
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env=env, timeout=60, check=True)
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
