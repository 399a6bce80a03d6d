"""Names every file of a sweep; no other module spells a file name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hsm_core.safe_open import make_directory

#: Format number of what is written below ``.hsm``; a reader refuses any other.
FORMAT = 3


@dataclass(frozen=True)
class SweepPaths:
    """The files of the sweep in ``root`` (``hydra.sweep.dir``, absolute).

    Args:
        earlier: the id of a sweep that has ended, where another one has begun in its directory since.
    """

    root: Path
    earlier: str = ""

    @classmethod
    def at(cls, place: Path) -> SweepPaths:
        """Returns the paths of the sweep that ``place`` stands for; see the property ``place``."""
        if place.parent.name == "earlier" and place.parent.parent.name == ".hsm":
            return cls(place.parents[2], place.name)
        return cls(place)

    @property
    def place(self) -> Path:
        """The path that stands for this sweep: its directory, or what was kept of an earlier one there."""
        return self.hsm if self.earlier else self.root

    @property
    def hsm(self) -> Path:
        own = self.root / ".hsm"
        return own / "earlier" / self.earlier if self.earlier else own

    def own_files(self) -> list[Path]:
        """Returns the files of this sweep alone, apart from others in the same directory; its record comes last."""
        code = (self.snapshots, self.first_code.code, self.first_code.patch, self.first_code.requirements)
        found = (self.tasks, self.events, self.claims, self.requests, self.hsm / "inbox", self.logs)
        more = (self.hsm / "ranks", self.left(0).parent, self.secrets, self.record)
        return [*self.hsm.glob("launch-*"), *code, *found, *more]

    @property
    def record(self) -> Path:
        return self.hsm / "sweep.json"

    @property
    def secrets(self) -> Path:
        """The members of the record that hold secrets, as they are; only its user can read it."""
        return self.hsm / "secrets.json"

    @property
    def first_code(self) -> CodePaths:
        """The files that describe the code that the sweep began with."""
        return CodePaths(self.hsm)

    @property
    def snapshots(self) -> Path:
        """Frozen copies of the app's directory, by content."""
        return self.hsm / "code"

    @property
    def mended(self) -> Path:
        """The launcher's fields that a scheduler accepted in place of what it had refused."""
        return self.hsm / "mended.json"

    @property
    def tasks(self) -> Path:
        return self.hsm / "tasks"

    def task_lines(self, first: int, kind: str = "") -> Path:
        return self.tasks / f"{first}{kind}.jsonl"

    def task_offsets(self, first: int, kind: str = "") -> Path:
        return self.tasks / f"{first}{kind}.offsets"

    @property
    def events(self) -> Path:
        return self.hsm / "events"

    def journal(self, writer: str) -> Path:
        return self.events / f"{writer}.jsonl"

    @property
    def claims(self) -> Path:
        return self.hsm / "claims"

    def claim(self, batch: str, again: int = 0) -> Path:
        """Returns the claim of a batch named ``launch-0/submit-1/3``.

        Args:
            again: how often its job was run again before.
        """
        more = f".{again}" if again else ""
        return self.claims / (batch.replace("/", ".") + more + ".json")

    def came(self, worker: str) -> Path:
        """Returns what a worker on another machine wrote, as it came; its ``journal`` holds what is true here."""
        return self.events / f"{worker}.came"

    def left(self, task: int) -> Path:
        """Returns what tells that files of a task stay on another machine."""
        return self.hsm / "left" / f"{task}.json"

    @property
    def leases(self) -> Path:
        return self.hsm / "leases"

    @property
    def requests(self) -> Path:
        return self.hsm / "requests"

    def inbox(self, worker: str, kind: str = "jsonl") -> Path:
        """Returns what a worker is given, or, ``lease``, for how long; on another machine and here."""
        return self.hsm / "inbox" / f"{worker}.{kind}"

    def fence(self, task: int, attempt: int) -> Path:
        """Returns the file whose maker decides whether an attempt on a machine that was away still counts."""
        return self.claims / "fences" / f"{task}.{attempt}"

    @property
    def logs(self) -> Path:
        return self.hsm / "logs"

    def worker_log(self, worker: str) -> Path:
        """Returns the log of what a worker printed, and its tasks before their directory was known."""
        return self.logs / f"{worker}.log"

    def ranks(self, worker: str) -> Path:
        """Returns where the other ranks of a worker's job report to it; the first of them creates it."""
        return self.hsm / "ranks" / worker

    def rank_journal(self, worker: str, rank: int) -> Path:
        return self.ranks(worker) / f"rank{rank}.jsonl"

    def rank_log(self, worker: str, rank: int) -> Path:
        """Returns the log of what a rank printed, and its tasks before their directory was known."""
        return self.ranks(worker) / f"rank{rank}.log"

    def launch(self, first: int) -> LaunchPaths:
        return LaunchPaths(self.hsm / f"launch-{first}")

    def has_given_way(self, sweep: str) -> bool:
        """Returns whether the sweep of this id ended here and another one has begun in its directory."""
        return SweepPaths(self.root, sweep).record.is_file()

    def make_directories(self) -> None:
        """Creates the directories that every sweep has.

        Raises:
            OSError: the file system refuses.
            NotOwn: one of them is there, and somebody else's.
        """
        make_directory(self.hsm)
        for name in ("tasks", "events", "claims", "leases", "requests", "inbox", "logs"):
            make_directory(self.hsm / name)


@dataclass(frozen=True)
class CodePaths:
    """The files that describe the code and the packages that tasks run with."""

    root: Path

    @property
    def code(self) -> Path:
        """The app's files with their hashes."""
        return self.root / "code.json"

    @property
    def patch(self) -> Path:
        """Uncommitted changes, as git's diff."""
        return self.root / "code.patch"

    @property
    def requirements(self) -> Path:
        """The packages, for pip."""
        return self.root / "requirements.txt"


@dataclass(frozen=True)
class LaunchPaths:
    """The files of one ``launch()`` call."""

    root: Path

    @property
    def payload(self) -> Path:
        """The pickled task function and Hydra's state, once for all tasks."""
        return self.root / "payload.pkl"

    @property
    def config(self) -> Path:
        """The sweep's master config, pickled: what its tasks' configs are composed with."""
        return self.root / "config.pkl"

    @property
    def boot(self) -> Path:
        """The settings needed before the payload can be read: cwd, sys.path, versions."""
        return self.root / "boot.json"

    @property
    def code(self) -> CodePaths:
        """The code of a launch that went on with a sweep, if it was not that of the beginning."""
        return CodePaths(self.root)

    def submission(self, number: int) -> Path:
        return self.root / f"submit-{number}"

    @staticmethod
    def script(directory: Path) -> Path:
        """Returns the script that a scheduler is given for a submission."""
        return directory / "script.sh"

    @staticmethod
    def starts(directory: Path) -> Path:
        """Returns where the jobs of a submission count their starts, for a scheduler that does not tell them."""
        return directory / "starts"

    @staticmethod
    def submission_record(directory: Path) -> Path:
        return directory / "submission.json"


@dataclass(frozen=True)
class TaskPaths:
    """Our files in a task's directory, all below its ``.hsm``: every other name there is the app's to choose.

    Args:
        root: the task's directory, as Hydra resolved it.
        suffix: ``""``, or ``-7`` when several tasks share the directory.
        aside: where they are instead, once the task of a later sweep has the directory.
    """

    root: Path
    suffix: str = ""
    aside: Path | None = None

    @property
    def hsm(self) -> Path:
        return self.aside or self.root / ".hsm"

    @property
    def stdout(self) -> Path:
        return self.hsm / f"stdout{self.suffix}.log"

    @property
    def stderr(self) -> Path:
        return self.hsm / f"stderr{self.suffix}.log"

    @property
    def outcome(self) -> Path:
        """The outcome of the attempt, with its return value as JSON."""
        return self.hsm / f"outcome{self.suffix}.json"

    @property
    def pickle(self) -> Path:
        """The return value or exception, where JSON can't hold it."""
        return self.hsm / f"outcome{self.suffix}.pkl"

    @property
    def checkpoint(self) -> Path:
        """The pickled call that the next attempt makes in place of the task's function."""
        return self.hsm / f"checkpoint{self.suffix}.pkl"

    def of_rank(self, rank: int) -> TaskPaths:
        """Returns the files of a rank other than 0, with logs such as ``stdout-rank2.log``."""
        return TaskPaths(self.root, f"{self.suffix}-rank{rank}", self.aside)

    def logs_of_ranks(self, *streams: str) -> list[Path]:
        """Returns the logs that ranks other than 0 have left, in order; of ``stdout``, ``stderr`` or both."""
        names = [f"{stream}{self.suffix}-rank*.log" for stream in streams or ("stderr", "stdout")]
        return [path for name in names for path in sorted(self.hsm.glob(name)) if path.is_file()]

    def of_attempt(self, attempt: int) -> TaskPaths:
        """Returns where our files and Hydra's of an earlier attempt went, laid out as the task's directory is."""
        return TaskPaths(self.hsm / f"attempt-{attempt}{self.suffix}", self.suffix)

    def attempts(self) -> list[Path]:
        """Returns the directories of all earlier attempts, see ``of_attempt``."""
        found = self.hsm.glob(f"attempt-*{self.suffix}")
        return [path for path in found if path.name.removesuffix(self.suffix).partition("-")[2].isdigit()]

    def of_sweep(self, sweep: str) -> TaskPaths:
        """Returns where the files of the earlier sweep with this id went, laid out in the same way."""
        return TaskPaths(self.hsm / sweep, self.suffix)


def state_home() -> Path:
    """Returns the user's state directory, ``${XDG_STATE_HOME:-~/.local/state}/hsm``."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return Path(base if os.path.isabs(base) else os.path.expanduser("~/.local/state")) / "hsm"
