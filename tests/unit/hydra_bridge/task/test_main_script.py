"""A main file is run up to its guard, whatever stands at its top; what only the guard binds is known by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_core.hydra_bridge.task.main_script import read_script

#: Statements of a script's top level, each with what it adds to ``seen``.
STATEMENTS = (
    "seen.append(__name__)", "import json\nseen.append(json.__name__)",
    "def f(x=1):\n    return x\nseen.append(f())", "class A:\n    b = [i for i in range(3)]\nseen.append(A.b)",
    "try:\n    1 / 0\nexcept ZeroDivisionError:\n    seen.append('zero')",
    "with open(__file__) as s:\n    seen.append(len(s.read()) > 0)",
    "if __name__ != '__main__':\n    seen.append('imported')", "for i in range(2):\n    seen.append(i)",
    "x = 1 if __name__ == '__main__' else 2\nseen.append(x)",
    "match 3:\n    case 3:\n        seen.append('three')", "global_ = [y := 4]\nseen.append(y)", '"""text"""',
    "@(lambda g: g)\ndef h():\n    if __name__ == '__main__':\n        return 'kept'\nseen.append(h())",
    "async def k():\n    pass", "lambda: 0", "del seen[10:]", "assert True",
    "x: int = 5\nseen.append(list(__annotations__))",
)  # fmt: skip
GUARDS = (
    "if __name__ == '__main__':\n    raise SystemExit(1)", 'if "__main__" == __name__:\n    raise SystemExit(1)',
    "if __name__ == '__main__' and True:\n    raise SystemExit(1)\nelse:\n    raise SystemExit(2)",
    "try:\n    if __name__ == '__main__':\n        raise SystemExit(1)\nfinally:\n    pass",
)  # fmt: skip


@given(
    st.lists(st.sampled_from(STATEMENTS), max_size=6), st.sampled_from(GUARDS),
    st.sampled_from(("", "from __future__ import annotations\n", "# -*- coding: latin-1 -*-\n")),
)  # fmt: skip
def test_all_but_the_guard_runs_as_in_a_script(
    tmp_path_factory: pytest.TempPathFactory, top: list[str], guard: str, head: str
) -> None:
    plain = head + "\n".join(top)
    file = tmp_path_factory.mktemp("script") / "app.py"
    file.write_text(plain)
    wanted: dict[str, object] = {"seen": [], "__name__": "__main__", "__file__": str(file)}
    exec(compile(plain, str(file), "exec", dont_inherit=True), wanted)
    file.write_text(f"{plain}\n{guard}\n")
    found: dict[str, object] = {"seen": [], "__name__": "__main__", "__file__": str(file)}
    exec(read_script(file).code, found)
    assert found["seen"] == wanted["seen"]
    assert found.get("__doc__") == wanted.get("__doc__")


SCRIPT = """
import sys
DATA = None
USED = 1
@deco
def main(cfg):
    return DATA, args, USED, missing
def cli():
    global DATA
    DATA = 3
if __name__ == "__main__":
    args, unread = parse()
    sys.exit(main())
"""


def test_names_that_only_the_guard_or_a_function_binds_are_late(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(SCRIPT)
    script = read_script(file)
    assert script.defined == {"sys", "DATA", "USED", "main", "cli"}
    assert script.late == {"DATA", "args"}


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("main()", ["main"]), ("a()\nb()", ["a", "b"]), ("if __name__ == '__main__':\n    a()\n    b()", ["a", "b"]),
        ("if x:\n    a()\nelse:\n    b()", []), ("import sys\nsys.exit(main())", ["main"]), ("x = a()", ["a"]),
        ("def f():\n    a()", []),
    ],
)  # fmt: skip
def test_functions_that_are_called_whatever_happens(tmp_path: Path, text: str, called: list[str]) -> None:
    file = tmp_path / "app.py"
    file.write_text(text)
    assert list(read_script(file).called) == called


def test_line_numbers_stay(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("if __name__ == '__main__':\n    pass\n\ndef f():\n    return 1\n")
    names: dict[str, object] = {}
    exec(read_script(file).code, names)
    function = names["f"]
    assert callable(function)
    assert (function.__code__.co_firstlineno, function.__code__.co_filename) == (4, str(file))
