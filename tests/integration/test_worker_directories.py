"""A task's directory belongs to one task, and its files to one attempt."""

from __future__ import annotations

from hsm_core.model import Span
from hsm_core.store.files import read_json
from hsm_core.store.layout import TaskPaths
from tests.integration.apps.worker_plain.harness import PlainSweep, sweep, tasks

__all__ = ["sweep"]  # a fixture


@tasks(("same", "print('first'); result = 0"), ("same", "print('second'); result = 1"))
def test_two_tasks_in_one_directory_have_numbered_logs_and_a_warning(sweep: PlainSweep) -> None:
    state = sweep.run(slots=1)
    assert state.counts()["completed"] == 2
    assert [sweep.text("same/.hsm/stdout.log"), sweep.text("same/.hsm/stdout-1.log")] == ["first\n", "second\n"]
    outcomes = [read_json(sweep.paths.root / "same/.hsm" / name) for name in ("outcome.json", "outcome-1.json")]
    assert [(one["task"], one["value"]) for one in outcomes] == [(0, 0), (1, 1)]
    assert [start.get("suffix", "") for start in sweep.events("start")] == ["", "-1"]
    assert [one["message"] for one in sweep.events("trouble")] == ["several tasks share the directory same"]
    files = state.task_directory(1)
    assert files is not None
    assert files.stdout.read_text() == "second\n"


@tasks(
    ("same", "print(order['attempt']); (here / 'checkpoint').touch(); raise ValueError(order['attempt'])"),
    ("same", "print('other', order['attempt'])"),
)
def test_a_new_attempt_rotates_our_files_and_hydras_but_not_the_users(sweep: PlainSweep) -> None:
    sweep.run(slots=1)
    (sweep.paths.root / "same" / ".hydra" / "of-attempt-1").touch()
    sweep.start(sweep.submit(Span(0, 2, 2), slots=1), "w2")
    sweep.wait("w2")
    here = sweep.paths.root / "same"
    found = sorted(str(path.relative_to(here)) for path in here.glob("**/*"))
    ours = ["outcome-1.json", "outcome.json", "outcome.pkl", "stderr.log", "stdout-1.log", "stdout.log"]
    first, numbered = ".hsm/attempt-1", ".hsm/attempt-1-1/.hsm"  # empty logs are removed
    of_first = [f"{first}/.hsm/{name}" for name in ours if "-" not in name]
    of_numbered = [f"{numbered}/{name}" for name in ours if "-" in name]
    assert [name for name in found if not (here / name).is_dir()] == sorted(
        [f"{first}/.hydra/of-attempt-1", *of_first, *of_numbered, "checkpoint", *(f".hsm/{name}" for name in ours)]
    )
    assert [files.stdout.read_text() for files in (TaskPaths(here).of_attempt(1), TaskPaths(here))] == ["1\n", "2\n"]
    assert sweep.text("same/.hsm/stdout-1.log") == "other 2\n"
    assert read_json(TaskPaths(here).outcome)["attempt"] == 2
