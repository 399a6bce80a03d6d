"""Records a submission: its batches of (task, attempt) pairs, and how a worker is to run them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import cast, get_args

from hsm_core import parsing
from hsm_core.errors import StoreError
from hsm_core.model import Isolation, Span

from .files import MOST_LISTED, nonce, read_json, read_own_json, to_json, write_atomically
from .layout import FORMAT, LaunchPaths, SweepPaths


@dataclass(frozen=True)
class WorkerSpec:
    """The way a worker runs its tasks.

    Args:
        slots: tasks at once.
        gpus: GPU numbers handed out; None leaves CUDA_VISIBLE_DEVICES alone, () hides all.
        tasks_per_gpu: tasks at once on one GPU.
        task_timeout_s: seconds a task may run; None is no limit.
        grace_s: seconds between TERM and KILL.
        idle_s: seconds that a pool's worker waits for more work.
        env: variables set for every task.
        nice: niceness added.
        share_gpus: hand the GPUs that the worker's job has to its slots.
        warn_s: seconds between a scheduler's warning and the job's end.
        max_restarts: how often a job whose time is over may be run again.
        resources: what the worker's job asked its scheduler for.
        stderr_to_stdout: a task prints both streams into one log.
    """

    source: str = "local"
    slots: int = 1
    isolation: Isolation = "auto"
    threads: int = 1
    gpus: tuple[str, ...] | None = None
    tasks_per_gpu: int = 1
    task_timeout_s: float | None = None
    grace_s: float = 10.0
    beat_s: float = 5.0
    idle_s: float = 30.0
    nice: int = 0
    env: dict[str, str] = field(default_factory=dict)
    share_gpus: bool = False
    warn_s: float = 0.0
    max_restarts: int = 0
    resources: dict[str, object] = field(default_factory=dict)
    stderr_to_stdout: bool = False


@dataclass(frozen=True)
class Submission:
    """The record of one submission.

    Args:
        name: ``launch-0/submit-1``, relative to ``.hsm``.
        token: what a scheduler shows as the job's name.
        batches: each the spans that one worker claims together.
        payload: the launch, relative to ``.hsm``, whose payload its workers load.
    """

    name: str
    token: str
    batches: tuple[tuple[Span, ...], ...]
    worker: WorkerSpec
    payload: str

    def batch_id(self, number: int) -> str:
        return f"{self.name}/{number}"

    @property
    def spans(self) -> tuple[Span, ...]:
        return tuple(span for batch in self.batches for span in batch)


def new_token(name: str) -> str:
    """Makes a token: a slug of at most 6, a dash and 8 base32 characters, 15 in all, PBS's limit for job names."""
    slug = "".join(ch for ch in name.lower() if ch.isascii() and ch.isalnum()).lstrip("0123456789")[:6]
    return f"{slug or 'hsm'}-{nonce(8)}"


def write_submission(
    launch: LaunchPaths, name: str, batches: tuple[tuple[Span, ...], ...], worker: WorkerSpec, payload: str
) -> Submission:
    """Writes the next submission of a launch.

    Raises:
        OSError: the disk refuses.
    """
    number = 0
    while True:
        directory = launch.submission(number)
        try:
            directory.mkdir(0o700)
            break
        except FileExistsError:
            number += 1
    submission = Submission(f"{launch.root.name}/{directory.name}", new_token(name), batches, worker, payload)
    lines = [[span.to_json() for span in batch] for batch in batches]
    document = {
        "format": FORMAT,
        "token": submission.token,
        "payload": payload,
        "worker": asdict(worker),
        "batches": lines,
    }
    write_atomically(launch.submission_record(directory), to_json(document), private=True)
    return submission


def next_name(launch: LaunchPaths) -> str:
    """Returns the name that the next submission of a launch would have."""
    number = 0
    while launch.submission(number).exists():
        number += 1
    return f"{launch.root.name}/{launch.submission(number).name}"


def order_of(submission: str) -> tuple[int, int, int]:
    """Returns a key that sorts submissions by when they were made; ``launch-0-1`` resumes all launches before."""
    launch, _, number = submission.partition("/")
    _, first, again = (launch + "-0").split("-")[:3]
    return int(again), int(first), int(number.rpartition("-")[2])


def read_submission(paths: SweepPaths, name: str, *, to_act: bool = False) -> Submission:
    """Reads a submission by its name.

    Args:
        to_act: it says what to run, so it must be this user's own.

    Raises:
        StoreError: it is not there or damaged, or somebody else's.
    """
    record = LaunchPaths.submission_record(paths.hsm / name)
    try:
        parsing.submission(name)
        found = read_own_json(record) if to_act else read_json(record, MOST_LISTED)
        batches = parsing.each(parsing.spans)(found["batches"])
        if sum(span.count for batch in batches for span in batch) > parsing.MOST_TASKS:
            raise ValueError("more tasks than a sweep may have")
        worker, payload = _worker_spec(found["worker"]), parsing.launch(found["payload"])
        return Submission(name, parsing.text(found["token"]), batches, worker, payload)
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"the submission {name} can't be read", evidence=f"{record}: {error}") from error


def _worker_spec(value: object) -> WorkerSpec:
    found = parsing.table(value)
    if unknown := found.keys() - _SPEC.keys():
        raise ValueError(f"'{sorted(unknown)[0]}' is no field of a worker")
    return WorkerSpec(**parsing.fields(found, _SPEC))


def _isolation(value: object) -> Isolation:
    for known in get_args(Isolation):
        if value == known:
            return cast("Isolation", known)
    raise ValueError("text that is no isolation")


_SPEC: parsing.Kinds = {
    "source": parsing.text, "slots": parsing.whole, "isolation": _isolation, "threads": parsing.whole,
    "gpus": parsing.maybe(parsing.texts), "tasks_per_gpu": parsing.whole,
    "task_timeout_s": parsing.maybe(parsing.number), "grace_s": parsing.number, "beat_s": parsing.number,
    "idle_s": parsing.number, "nice": parsing.whole, "env": parsing.table_of(parsing.text),
    "share_gpus": parsing.flag, "warn_s": parsing.number, "max_restarts": parsing.whole,
    "resources": parsing.table, "stderr_to_stdout": parsing.flag,
}  # fmt: skip
