"""What a task finds around it: its share of cores, its GPU, its variables, numbers of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hsm_core.model import Span
from tests.integration.apps.worker_plain.harness import PlainSweep, sweep, tasks
from tests.integration.apps.worker_plain.openmp import openmp

__all__ = ["openmp", "sweep"]  # fixtures
NAMES = (
    "import json; print(json.dumps({k: v for k, v in os.environ.items() if 'HSM' in k or 'THREADS' in k}))"
)
SHOWN = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "HSM_USERS_OWN_THREADS")

SPREAD = """
import threadpoolctl
threadpoolctl.threadpool_limits(int(os.environ["OMP_NUM_THREADS"]), user_api="openmp")
from weird_import import library
print(library.team(0), os.environ["OMP_NUM_THREADS"])
"""


def computing(library: Path, wanted: int = 0) -> str:
    return f"import ctypes; library = ctypes.CDLL({str(library)!r}); library.team({wanted})"


def test_a_fork_after_a_pool_was_used_hangs(tmp_path: Path, openmp: Path) -> None:
    """What the next test is about: without our care its tasks never end."""
    sweep = PlainSweep(tmp_path / "sweep", [SPREAD], computing(openmp, 2))
    sweep.run(isolation="fork", threads=2, task_timeout_s=1.0)
    assert sweep.ends()[0]["reason"] == "walltime"


@pytest.mark.parametrize(
    ("wanted", "mode", "own", "seen"),
    [(0, "fork", None, "2 2"), (0, "fork", "3", "3 3"), (2, "spawn", None, "2 2")],
)
def test_an_app_that_computes_with_a_pool_while_it_is_imported(
    tmp_path: Path, openmp: Path, wanted: int, mode: str, own: str | None, seen: str
) -> None:
    sweep = PlainSweep(tmp_path / "sweep", [SPREAD] * 3, computing(openmp, wanted))
    state = sweep.run(threads=2, task_timeout_s=20.0, env={"OMP_NUM_THREADS": own} if own else {})
    assert state.counts()["completed"] == 3, sweep.ends()
    assert sweep.events("ready")[-1]["mode"] == mode
    assert {sweep.text(f"{number}/.hsm/stdout.log").strip() for number in range(3)} == {seen}


@pytest.mark.parametrize("isolation", ["fork", "spawn", "none"])
@tasks(NAMES)
def test_a_task_sees_its_share_and_who_it_is(sweep: PlainSweep, isolation: str) -> None:
    sweep.run(threads=3, isolation=isolation, env={"MKL_NUM_THREADS": "7"}, source="local")
    seen = json.loads(sweep.text("0/.hsm/stdout.log"))
    assert [seen.get(name) for name in SHOWN] == ["3", "7", None]
    assert seen["HSM_SWEEP_ID"] == "plain-sweep"
    assert (seen["HSM_TASK_ID"], seen["HSM_ATTEMPT"], seen["HSM_SOURCE"]) == ("0", "1", "local")
    assert seen["HSM_TASK_DIR"] == str(sweep.paths.root / "0")


@tasks("import weird_import; print(weird_import.SEEN)", at_import="import os; SEEN = os.environ.get('DATA')")
def test_variables_of_the_launcher_are_there_when_the_app_is_imported(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit(env={"DATA": "/data"}))
    sweep.wait()
    assert sweep.text("0/.hsm/stdout.log") == "/data\n"


GPU = "import time; time.sleep(0.3); print(os.environ.get('CUDA_VISIBLE_DEVICES'))"


GPUS = {
    "a task each": ({"gpus": ("4", "7"), "slots": 2}, ["4", "7"]),
    "two tasks each": ({"gpus": ("4", "7"), "tasks_per_gpu": 2, "slots": 4}, ["4", "4", "7", "7"]),
    "hidden": ({"gpus": (), "slots": 4}, [""] * 4),
    "left alone": ({"gpus": None, "slots": 4}, ["None"] * 4),
}


@tasks(*[GPU] * 4)
@pytest.mark.parametrize(("spec", "seen"), GPUS.values(), ids=GPUS)
def test_each_slot_has_its_gpu(sweep: PlainSweep, spec: dict[str, object], seen: list[str]) -> None:
    sweep.run(**spec)
    at_once = [sweep.text(f"{number}/.hsm/stdout.log").strip() for number in range(len(seen))]
    assert sorted(at_once) == seen


COUNT = "COUNTER['tasks'] += 1; print(COUNTER['tasks'], os.getpid()); "


@tasks(*[COUNT] * 3, at_import="AGAINST_FORKS = ['its numbers would be shared', 'so would its cache']")
@pytest.mark.parametrize(("isolation", "mode"), [("auto", "spawn"), ("fork", "fork")])
def test_an_app_that_has_something_against_forks(sweep: PlainSweep, isolation: str, mode: str) -> None:
    state = sweep.run(isolation=isolation, slots=1)
    assert state.counts()["completed"] == 3
    ready = sweep.events("ready")
    assert {line["mode"] for line in ready} == {mode}
    told = [line["against_forks"] for line in ready if "against_forks" in line]
    assert told == [["its numbers would be shared", "so would its cache"]]  # once


@tasks(*["print(random.random())"] * 4)
def test_forked_tasks_draw_different_numbers(sweep: PlainSweep) -> None:
    sweep.run(isolation="fork")
    assert len({sweep.text(f"{number}/.hsm/stdout.log") for number in range(4)}) == 4


@tasks(
    COUNT + "os.chdir('/'); os.environ['MINE'] = 'x'", COUNT + "print(os.getcwd(), os.environ.get('MINE'))"
)
@pytest.mark.parametrize(("isolation", "counts"), [("fork", "11"), ("spawn", "11"), ("none", "12")])
def test_isolation_says_what_tasks_share(sweep: PlainSweep, isolation: str, counts: str) -> None:
    sweep.run(isolation=isolation, slots=1)
    first, second = sweep.text("0/.hsm/stdout.log").split(), sweep.text("1/.hsm/stdout.log").split()
    assert first[0] + second[0] == counts
    assert (first[1] == second[1]) == (isolation == "none")
    assert second[2:] == [str(sweep.paths.root), "None"]


TEMPORARY = """
import atexit, pathlib, signal, tempfile
shared = tempfile.TemporaryDirectory()
atexit.register(lambda: pathlib.Path("import-ended").write_text("1"))
signal.signal(signal.SIGTERM, lambda *_: None)
"""


@pytest.mark.parametrize("isolation", ["fork", "none"])
@tasks(
    "import atexit; atexit.register(lambda: print('bye', flush=True))",
    "import weird_import, signal\n"
    "print(os.path.isdir(weird_import.shared.name), os.path.exists('import-ended'))\n"
    "print(callable(signal.getsignal(signal.SIGTERM)))",
    at_import=TEMPORARY,
)
def test_a_task_ends_as_a_program_does_but_not_for_the_others(sweep: PlainSweep, isolation: str) -> None:
    sweep.run(isolation=isolation, slots=1)
    if isolation == "fork":
        assert sweep.text("0/.hsm/stdout.log") == "bye\n"
    assert sweep.text("1/.hsm/stdout.log") == "True False\nTrue\n"
    assert (sweep.paths.root / "import-ended").exists()


@tasks("from concurrent.futures import ThreadPoolExecutor as T\nT(2).submit(print, 'done').result()")
def test_idle_threads_of_an_executor_do_not_keep_a_task(sweep: PlainSweep) -> None:
    state = sweep.run(task_timeout_s=10.0)
    assert state.state_of(0) == "completed"
    assert sweep.ends()[0]["wall"] < 5


@tasks(
    "print(sys.stdin.read() == '', os.getpgrp() == os.getpid())\n"
    "print(open('/proc/self/oom_score_adj').read().strip())"
)
def test_a_task_leads_a_group_reads_nothing_and_is_the_first_to_be_killed(sweep: PlainSweep) -> None:
    sweep.start(sweep.submit(Span(0, 1)))
    sweep.wait()
    assert sweep.text("0/.hsm/stdout.log") == "True True\n500\n"
