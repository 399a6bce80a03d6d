"""What code and which folders tasks have on real hosts behind SSH."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.overrides import hydra_text
from tests.integration.ssh_sweeping import PYTHON, SshApp, with_hydra
from tests.services.fleet import Fleet

pytestmark = pytest.mark.sshd


@pytest.fixture
def app(fleet: Fleet, weird_tmp_path: Path) -> Iterator[SshApp]:
    with_hydra(fleet)
    made = SshApp(weird_tmp_path / "app", fleet, {"h1": 2})
    yield made
    fleet("exec", 1, "rm", "-rf", "/home/sweeper/project", "/tmp/data")
    made.end()


def test_folders_that_a_host_has_elsewhere_are_mapped(app: SshApp) -> None:
    data = app.folder.parent / "data"
    data.mkdir()
    app.fleet("exec", 1, "mkdir", "-p", "/tmp/data/a")
    for name in ("a", "b"):
        (data / name).mkdir()
    script = app.folder / "train.py"
    script.write_text(script.read_text().replace('"hello", cfg.x', "os.listdir(cfg.data), cfg.data"))
    pairs = f"hydra.launcher.path_map=[{{local:{hydra_text(str(data))},remote:/tmp/data}}]"
    done = app.run(pairs, "+root=" + hydra_text(str(data)), "+data=${root}/a", "x=1")
    assert done.returncode == 0, done.stderr
    assert "does not have" not in done.stderr
    assert (app.sweep / "0/.hsm/stdout.log").read_text().startswith("[] /tmp/data/a\n")
    assert "root: /tmp/data\n" in (app.sweep / "0/.hydra/config.yaml").read_text()
    names = ",".join(hydra_text(str(data / name)) for name in ("a", "b"))
    done = app.run(pairs, f"+data={names}")
    assert "warning: h1 does not have what the config names here: data=/tmp/data/b\n" in done.stderr
    assert "hydra.launcher.path_map=[{local:" in done.stderr


def git(app: SshApp, *words: str) -> None:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@box"]
    subprocess.run(["git", *who, *words], cwd=app.folder, check=True, capture_output=True)


def next_line(told: str) -> str:
    return told.rpartition("next: ")[2].splitlines()[0]


def typed(app: SshApp, line: str) -> None:
    done = subprocess.run(["bash", "-c", line], cwd=app.folder.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (line, done.stderr)


def send(app: SshApp, *more: str) -> None:
    tar = f"tar cf - train.py helper.py conf {' '.join(more)}"
    login = f"ssh -F '{app.fleet.ssh_config}' h1 'mkdir project; tar xf - -C project'"
    subprocess.run(["bash", "-c", f"{tar} | {login}"], cwd=app.folder, check=True, capture_output=True)


PROJECT = f"hydra.launcher.hosts=[{{name:h1,slots:2,project:'~/project',python:{PYTHON}}}]"


def test_a_checkout_of_the_hosts_own_must_be_the_code_here(app: SshApp) -> None:
    """What is refused is refused before anything is written; each line that is told brings it further."""
    (app.folder / ".gitignore").write_text("sweep\n*.secret\n")
    (app.folder / "x.secret").write_text("1")
    git(app, "init", "-q")
    git(app, "add", ".")
    git(app, "commit", "-qm", "1")
    verify = ["hydra.launcher.code=verify", PROJECT]
    told = app.run(*verify).stderr
    assert "h1 does not have the app's code\n" in told
    assert "because: there is no folder /home/sweeper/project\n" in told
    app.fleet("exec", 1, "sh", "-c", "mkdir ~sweeper/project && chown sweeper ~sweeper/project")
    told = app.run(*verify).stderr
    assert "the code in /home/sweeper/project on h1 is not the code here" in told
    assert "because: 4 of 4 files: .gitignore, " in told
    typed(app, next_line(told))
    app.fleet("exec", 1, "sh", "-c", "test ! -e ~sweeper/project/x.secret && test -e ~sweeper/project/helper.py")
    done = app.run(*verify)
    assert done.returncode == 0, done.stderr
    assert "/home/sweeper/project\n" in (app.sweep / "0/.hydra/hydra.yaml").read_text()
    (app.folder / "helper.py").write_text((app.folder / "helper.py").read_text() + "# changed\n")
    told = app.run(*verify, "hydra.sweep.dir=other").stderr
    assert "because: 1 of 4 files: helper.py (0 missing there)" in told
    assert not (app.folder / "other").exists()


@pytest.mark.slow
def test_a_repository_there_has_the_same_commit_and_no_code_more(app: SshApp) -> None:
    git(app, "init", "-q")
    git(app, "add", "train.py", "helper.py", "conf")
    git(app, "commit", "-qm", "1")
    send(app, ".git")
    app.fleet("exec", 1, "sh", "-c", "touch ~sweeper/project/random.py; chown sweeper ~sweeper/project/random.py")
    verify = ["hydra.launcher.code=verify", PROJECT]
    told = app.run(*verify).stderr
    assert "because: there only: random.py" in told
    typed(app, next_line(told))
    done = app.run(*verify)
    assert done.returncode == 0, done.stderr
    git(app, "commit", "--allow-empty", "-qm", "2")
    told = app.run(*verify).stderr
    assert "because: the files are the same; commit " in told
    assert "git -C /home/sweeper/project fetch && git -C /home/sweeper/project checkout " in next_line(told)


@pytest.mark.slow
def test_whatever_lies_there_runs_if_that_is_asked_for(app: SshApp) -> None:
    live = ["hydra.launcher.code=live", PROJECT]
    assert "h1 does not have the app's code" in app.run(*live).stderr
    send(app)
    app.fleet("exec", 1, "sed", "-i", "s/{x/theirs {x/", "/home/sweeper/project/helper.py")
    done = app.run(*live, "x=1,2")
    assert done.returncode == 0, done.stderr
    told = "note: tasks run the code that they find, whatever it is: h1:/home/sweeper/project\n"
    assert done.stderr.count(told) == 1
    assert (app.sweep / "1/model.txt").read_text().startswith("theirs 1.0\n")


def test_an_install_there_does_not_take_the_place_of_what_was_sent(app: SshApp) -> None:
    """As of an editable one, whose finder is asked before all folders."""
    site = app.fleet("exec", 1, PYTHON, "-c", "import site; print(site.getsitepackages()[0])").strip()
    finder = (
        "import importlib.util as u, sys; sys.meta_path.insert(0, type('F', (), {'find_spec': staticmethod("
        "lambda n, *_, u=u: u.spec_from_file_location(n, '/tmp/other/helper.py') if n == 'helper' else None)}))"
    )
    app.fleet("exec", 1, "sh", "-c", "mkdir -p /tmp/other; echo 'def half(x): return str(x)' > /tmp/other/helper.py")
    app.fleet("exec", 1, "sh", "-c", 'printf "%s\\n" "$1" > "$2"', "sh", finder, f"{site}/editable.pth")
    try:
        app.run("x=1")
    finally:
        app.fleet("exec", 1, "rm", f"{site}/editable.pth")
    told = app.hsm("errors", str(app.sweep)).stdout
    assert "could not be imported (code 1): helper was imported from /tmp/other/helper.py, not from the" in told


@pytest.mark.slow
def test_a_file_that_was_not_sent_is_named_with_what_to_do(app: SshApp) -> None:
    (app.folder / "data").mkdir()
    (app.folder / "data/x.csv").write_text("1")
    (app.folder / ".gitignore").write_text("data\ngenerated.py\n")
    (app.folder / "generated.py").touch()
    git(app, "init", "-q")
    script, opened = app.folder / "train.py", "open(hydra.utils.to_absolute_path('data/x.csv'))"
    script.write_text(script.read_text().replace('print("hello", cfg.x', f"print({opened}"))
    script.write_text("try:\n    import generated\nexcept ImportError:\n    pass\n" + script.read_text())
    told = app.run("x=1").stderr
    assert "warning: modules of the app that are not part of its snapshot: generated.py\n  next: git -C" in told
    told = app.hsm("errors", str(app.sweep)).stdout
    assert "; data/x.csv is here, but not part of the snapshot that machines get\n" in told
    typed(app, next_line(told))
    assert "# why it is not sent; or put it on h1 and its path there into the config\n" in told
