"""Nothing outlives what it belongs to, on systems that help with it and on those that do not."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_core.model import Isolation
from hsm_core.processes.identity import is_held
from hsm_core.processes.lock import held_lock
from hsm_core.worker.os import processes, usage
from hsm_core.worker.os.processes import children, native_threads
from hsm_core.worker.os.threads import one_thread, task_share
from hsm_core.worker.supervisor.importers import choose_mode
from tests.integration.apps.worker_plain.harness import is_gone
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[4]


def script(code: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)


WATCHES = """
import os, sys, time
from hsm_core.worker.os import processes
parent = os.getpid()
pid = os.fork()
if pid == 0:
    os.setsid()
    {}
    child = os.fork()
    if child: print(os.getpid(), child, flush=True)
    time.sleep(1000)
time.sleep(1000)
"""


@pytest.mark.parametrize(
    ("call", "with_group"),
    [("processes.die_with_parent(parent)", False), ("processes.watch_parent(parent)", True)],
)
def test_a_process_ends_with_its_parent(call: str, with_group: bool) -> None:
    with script(WATCHES.format(call)) as parent:
        assert parent.stdout is not None
        child, grandchild = (int(pid) for pid in parent.stdout.readline().split())
        parent.kill()
    wait_until(lambda: is_gone(child), what="the end of the child")
    if with_group:
        wait_until(lambda: is_gone(grandchild), what="the end of its group")
    else:
        os.kill(grandchild, 9)


ADOPTS = """
import subprocess
from hsm_core.worker.os import processes
processes.adopt_orphans()
kept = subprocess.Popen(["sleep", "1000"])
subprocess.run(["sh", "-c", "sleep 1000 & sleep 1000 & exit 0"])
print(len(list(processes.children())), flush=True)
processes.kill_children({kept.pid})
print(list(processes.children()) == [kept.pid], flush=True)
kept.kill()
"""


def test_orphans_are_adopted_and_killed() -> None:
    with script(ADOPTS) as process:
        assert process.communicate(timeout=60)[0].split() == ["3", "True"]


def test_children_are_found_without_the_kernels_list(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        with_list = set(children())
        read_text = Path.read_text

        def without_list(path: Path, *args: str) -> str:
            if path.name == "children":
                raise FileNotFoundError(path)
            return read_text(path, *args)

        monkeypatch.setattr(Path, "read_text", without_list)
        assert set(children()) >= with_list >= {child.pid}  # the list is the main thread's alone
        child.kill()


def test_where_there_is_no_proc_and_no_prctl_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert list(children()) == []
    assert not processes._prctl(1, 9)
    assert choose_mode("auto", None) == "spawn"


@pytest.mark.parametrize(
    ("isolation", "threads", "mode"),
    [("auto", 1, "fork"), ("auto", 2, "spawn"), ("fork", 2, "fork"), ("none", 1, "none")],
)
def test_a_process_with_threads_is_not_forked(isolation: str, threads: int, mode: str) -> None:
    assert choose_mode(isolation, threads) == mode  # type: ignore[arg-type]


@pytest.mark.parametrize(("isolation", "mode"), [("auto", "spawn"), ("fork", "fork"), ("none", "none")])
def test_an_app_that_is_not_fit_for_forks_is_not_forked(isolation: Isolation, mode: str) -> None:
    assert choose_mode(isolation, 1, fit=False) == mode


def test_native_threads_are_counted() -> None:
    with script("import threading, hsm_core.worker.os.processes as p\nprint(p.native_threads())") as process:
        assert process.communicate(timeout=60)[0] == "1\n"
    assert (native_threads() or 0) >= 1


def test_a_lock_is_held_while_anything_has_it_open() -> None:
    with held_lock("test-lock") as lock:
        assert is_held(lock.path)
        other = os.open(lock.path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(other)
        with subprocess.Popen(["sleep", "1000"], pass_fds=[lock.descriptor]) as child:
            os.close(os.dup(lock.descriptor))
            assert is_held(lock.path)
            child.kill()
    assert not Path(lock.path).exists()
    assert not is_held(lock.path)


def test_the_folder_of_locks_is_not_one_that_others_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"hsm-{os.geteuid()}").symlink_to("elsewhere")
    with held_lock("test-lock") as lock:
        assert not list((tmp_path / "elsewhere").iterdir())
        assert is_held(lock.path)


def test_the_importer_has_one_thread_and_the_task_the_users_own_or_its_share() -> None:
    own = {"OMP_NUM_THREADS": "7", "PATH": "/bin"}
    importers = one_thread(own, 2)
    assert (importers["OMP_NUM_THREADS"], importers["MKL_NUM_THREADS"], importers["PATH"]) == (
        "1",
        "1",
        "/bin",
    )
    for environ in (own, importers):
        share = task_share(environ, 2)
        assert (share["OMP_NUM_THREADS"], share["MKL_NUM_THREADS"]) == ("7", "2")
        assert share["HSM_USERS_OWN_THREADS"] is None


@pytest.mark.parametrize(
    ("cgroup", "name", "text"),
    [("0::/a\n", "a/memory.events", "low 0\noom_kill 3\n"),
     ("4:cpu:/x\n5:memory:/b\n", "memory/b/memory.oom_control", "oom_kill_disable 0\noom_kill 3\n"),
     ("0::/gone\n", "", "")],
)  # fmt: skip
def test_the_kernels_count_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cgroup: str, name: str, text: str
) -> None:
    if name:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "cgroup").write_text(cgroup)
    assert usage.oom_kills(tmp_path / "cgroup", tmp_path) == (3 if name else 0)
