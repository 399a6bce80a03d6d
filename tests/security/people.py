"""Two users of this machine who share a group, so that attacks of one on the other are real; made by root."""

from __future__ import annotations

import contextlib
import os
import shutil
import site
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: An app that says what it was given; its tasks take no time.
APP = """
import hydra

@hydra.main(version_base=None, config_path=None)
def main(cfg):
    print(f"x is {cfg.x}")
    return float(cfg.x)

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True)
class Person:
    """A user of this machine.

    Args:
        gid: the user's own group.
        shared: the group that all of them are in.
        home: only the user can read it.
    """

    name: str
    uid: int
    gid: int
    shared: int
    home: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """A login's: nothing of who runs the tests, but where this checkout and what it needs lie."""
        path = os.pathsep.join([str(ROOT), *site.getsitepackages()])
        return {
            "HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "LANG": "C.UTF-8",
            "PATH": f"{self.home}/bin:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1", **self.more,
        }  # fmt: skip

    def run(
        self, argv: Sequence[str], *, cwd: Path | None = None, umask: int = 0o022, timeout_s: float = 60,
        env: Mapping[str, str] | None = None, stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Runs a command as this user; returns what it printed and how it ended."""
        return subprocess.run(
            list(argv), cwd=cwd or self.home, env={**self.environment, **(env or {})}, input=stdin, text=True,
            capture_output=True, timeout=timeout_s, check=False, umask=umask, errors="replace",
            user=self.uid, group=self.gid, extra_groups=[self.shared],
        )  # fmt: skip

    def start(
        self, argv: Sequence[str], *, cwd: Path | None = None, umask: int = 0o022,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        """Starts a command as this user in a session of its own; whoever starts it ends it."""
        return subprocess.Popen(
            list(argv), cwd=cwd or self.home, env={**self.environment, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, umask=umask, start_new_session=True,
            user=self.uid, group=self.gid, extra_groups=[self.shared],
        )  # fmt: skip

    def python(self, code: str, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Runs Python code as this user, with ``words`` in ``sys.argv``; options as those of ``run``."""
        return self.run([interpreter(), "-c", textwrap.dedent(code), *words], **options)  # type: ignore[arg-type]

    def hsm(self, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Runs ``hsm`` as this user; options as those of ``run``."""
        code = "import sys; from hsm_core.cli.hsm import main; sys.exit(main())"
        return self.run([interpreter(), "-c", code, *words], **options)  # type: ignore[arg-type]

    def status(self, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Runs ``hsm-status`` as this user; options as those of ``run``."""
        code = "import sys; from hsm_core.cli.status import main; sys.exit(main())"
        return self.run([interpreter(), "-c", code, *words], **options)  # type: ignore[arg-type]

    def write(self, path: Path, text: str, mode: int = 0o644) -> Path:
        """Writes a file as this user, and the directories above it."""
        code = """
            import os, sys
            path, mode = sys.argv[1:]
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as stream:
                stream.write(sys.stdin.read())
            os.chmod(path, int(mode))
        """
        _succeeded(self.python(code, str(path), str(mode), stdin=text))
        return path

    def sweep(
        self, root: Path, *overrides: str, umask: int = 0o022, values: str = "1,2", app: str = APP
    ) -> subprocess.CompletedProcess[str]:
        """Runs an app's sweep on this machine as this user; its app lies in the user's home."""
        script = self.write(self.home / "app.py", app)
        words = ["-m", "hydra/launcher=hsm_local", f"hydra.sweep.dir={root}", f"+x={values}", *overrides]
        return _succeeded(self.run([interpreter(), str(script), *words], umask=umask))


def _succeeded(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
    return done


@dataclass(frozen=True)
class People:
    """The users, and a folder as groups on clusters have it.

    Args:
        alice: whose sweeps they are.
        mallory: another one of her group.
        group_folder: belongs to the group, with the setgid bit: mode 2775.
        drop: anybody may write here, as in ``/tmp``.
    """

    alice: Person
    mallory: Person
    group_folder: Path
    drop: Path


def why_absent() -> str:
    """Why there can be no such users here; empty if there can."""
    if os.geteuid() != 0:
        return "only root can make users"
    if not shutil.which("useradd") or not shutil.which("groupadd"):
        return "useradd is absent"
    if not interpreter():
        return "no Python of this version, or not this checkout, can be used by other users"
    return ""


@cache
def interpreter() -> str:
    """A Python that any user can run, as ours may lie in root's home; empty if there is none."""
    name = "python{}.{}".format(*sys.version_info)
    candidates = [sys.executable, shutil.which(name, path="/usr/local/bin:/usr/bin:/bin") or ""]
    code = "import sys, hydra, hsm_core.cli.hsm; sys.exit(sys.argv[1:] != [*map(str, sys.version_info[:2])])"
    path = os.pathsep.join([str(ROOT), *site.getsitepackages()])
    for one in filter(None, candidates):
        with contextlib.suppress(OSError):
            argv = [one, "-c", code, *map(str, sys.version_info[:2])]
            environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
            nobody = subprocess.run(
                argv, env=environment, cwd="/", capture_output=True, check=False, user=65534, group=65534,
                extra_groups=[],
            )  # fmt: skip
            if nobody.returncode == 0:
                return one
    return ""


@contextmanager
def made_people() -> Iterator[People]:
    """Makes the users and their folders, and removes them with all that they own there."""
    tag = f"{os.getpid():x}"
    group, names = f"hsmg{tag}", (f"hsma{tag}", f"hsmm{tag}")
    with tempfile.TemporaryDirectory(prefix="hsm-people-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        place.chmod(0o755)
        _root("groupadd", group)
        try:
            for name in names:
                _root("useradd", "-M", "-s", "/bin/sh", "-d", str(place / name), "-U", "-G", group, name)
            yield _placed(place, group, *names)
        finally:
            for name in names:
                subprocess.run(["userdel", name], capture_output=True, check=False)
            subprocess.run(["groupdel", group], capture_output=True, check=False)


def _placed(place: Path, group: str, *names: str) -> People:
    import grp
    import pwd

    shared = grp.getgrnam(group).gr_gid
    people = []
    for name in names:
        known = pwd.getpwnam(name)
        home = Path(known.pw_dir)
        home.mkdir(mode=0o700)
        os.chown(home, known.pw_uid, known.pw_gid)
        people.append(Person(name, known.pw_uid, known.pw_gid, shared, home))
    folder, drop = place / "group", place / "drop"
    folder.mkdir()
    os.chown(folder, 0, shared)
    folder.chmod(0o2775)
    drop.mkdir()
    drop.chmod(0o1777)
    return People(people[0], people[1], folder, drop)


def _root(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{argv}: {done.stdout}{done.stderr}")
