"""Hostile sweep directories: each is a good small sweep in which somebody has put one thing that should not be there.

``CORPUS`` has their names and what makes them; all of it is made by code, so that no odd file lies in a checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from hsm_core.model import Span
from hsm_core.store.layout import LaunchPaths, SweepPaths, TaskPaths
from hsm_core.store.record import SourceRecord, SweepRecord, create_record
from hsm_core.store.submission import WorkerSpec, write_submission
from hsm_core.store.sweeps import catalogue
from hsm_core.store.tasks import write_tasks

#: Tasks of the good sweep: 0–2 completed, 3 failed, 4 runs elsewhere, 5 was not begun.
TASKS = 6
HUGE = 8 * 1024**3
MANY = 10**13
#: More digits than Python turns into a number by default, and fewer.
DIGITS, FEWER_DIGITS = "9" * 5000, "9" * 4000
DEEP = 100_000
BOOT = "other-boot"


class Sweep(NamedTuple):
    """The good sweep, before and after something was put into it."""

    id: str
    root: Path
    paths: SweepPaths

    def files(self, task: int) -> TaskPaths:
        return TaskPaths(self.root / str(task))

    def record(self, /, **changes: Any) -> None:
        """Change the record's fields; ``...`` takes one out."""
        found = {**json.loads(self.paths.record.read_bytes()), **changes}
        kept = {name: value for name, value in found.items() if value is not ...}
        self.paths.record.write_bytes(json.dumps(kept).encode())

    def journal(self, *lines: dict[str, Any] | bytes, name: str = "zz-1") -> None:
        """Add the journal of another worker with these lines."""
        head = {**head_line("zz-1"), "s": 0}
        raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in (head, *lines)]
        self.paths.journal(name).write_bytes(b"\n".join(raw) + b"\n")


def head_line(name: str, **changes: Any) -> dict[str, Any]:
    """The first line of a worker elsewhere."""
    process = {"host": "elsewhere", "boot": BOOT, "pid": 4711, "start": "1"}
    known = {"source": "local", "native_id": "", "lock": "", "slots": 1, "format": 3, "at": 1.0}
    return {"e": "worker", "id": name, **process, **known, **changes}


def compact(line: dict[str, Any]) -> bytes:
    """A line as our writers write it, which is scanned and not parsed."""
    return json.dumps(line, separators=(",", ":")).encode()


def make_good(root: Path, name: str = "good") -> Sweep:
    """A sweep that has been through everything, on the user's list."""
    root.mkdir(parents=True)
    paths = SweepPaths(root)
    sweep = Sweep(f"{name}-0101-0000-{name[:5]:x<5}".lower().replace("_", "-"), root, paths)
    record = SweepRecord(
        sweep.id, name, str(root), "2026-01-01T00:00:00", "hsm_local", "hsm", TASKS, user="me", host="here",
        command=("python", "train.py", "-m"), cwd=str(root),
        app={"name": "train", "main": ["python", "train.py"], "taken": [[], []], "python": "python"},
        sources=(SourceRecord("local", "pool"),), metric=(("loss", "min"),), versions={"python": "3.11"},
        overrides={"hydra": [], "task": ["lr=1"]},
    )  # fmt: skip
    create_record(paths, record)
    write_tasks(paths, 0, ([f"lr={number}"] for number in range(TASKS)))
    _launch(paths)
    _events(paths)
    for task in range(4):
        _task(sweep, task)
    paths.leases.joinpath("1.json").write_bytes(json.dumps(lease_content()).encode())
    request = {"ask": "cancel", "tasks": [[5, 1, 1]], "launches": ["launch-0"]}
    paths.requests.joinpath("cancel-a.json").write_bytes(json.dumps(request).encode())
    catalogue.remember(record, root)
    return sweep


def lease_content(**changes: Any) -> dict[str, Any]:
    """A lease that was released."""
    return {
        "host": "elsewhere",
        "boot": BOOT,
        "pid": 4711,
        "start": "1",
        "beat": 1.0,
        "released": True,
        **changes,
    }


def _launch(paths: SweepPaths) -> None:
    launch = paths.launch(0)
    launch.root.mkdir()
    write_submission(launch, "good", ((Span(0, TASKS),),), WorkerSpec(), "launch-0")
    launch.boot.write_text('{"frozen": false, "versions": {}, "flags": []}')
    code = {"root": str(paths.root), "files": {}, "git": {}, "untracked": []}
    paths.first_code.code.write_text(json.dumps(code))
    claim = {**head_line("w-1"), "nonce": "n", "worker": "w-1", "restart": 0}
    paths.claim("launch-0/submit-0/0").write_text(json.dumps(claim))


def _events(paths: SweepPaths) -> None:
    worker: list[dict[str, Any]] = [
        head_line("w-1"),
        {"e": "claim", "batch": "launch-0/submit-0/0", "tasks": [[0, 5, 1]]},
    ]
    for task in range(4):
        worker.append({"e": "start", "t": task, "a": 1, "dir": str(task), "at": 2.0})
        worker.append({"e": "end", "t": task, "a": 1, "state": "completed", "wall": 1.0, "at": 3.0})
    worker[-1] |= {"state": "failed", "reason": "exception", "message": "loss is nan", "kind": "ValueError"}
    worker.append({"e": "start", "t": 4, "a": 1, "dir": "4", "at": 2.0})
    conductor = [
        {**head_line("conductor-a"), "e": "conductor"},
        {"e": "submit", "submission": "launch-0/submit-0", "token": "good-aaaaaaaa", "tasks": [[0, TASKS, 1]],
         "source": "local"},
        {"e": "handed", "submission": "launch-0/submit-0", "native_id": "w-1"},
    ]  # fmt: skip
    for name, lines in (("w-1", worker), ("conductor-a", conductor)):
        data = b"".join(compact({**line, "s": number}) + b"\n" for number, line in enumerate(lines))
        paths.journal(name).write_bytes(data)


def _task(sweep: Sweep, task: int) -> None:
    files = sweep.files(task)
    files.hsm.mkdir(parents=True)
    files.stdout.write_text(f"task {task}\n")
    files.stderr.write_text("Traceback\n")
    outcome = {"sweep": sweep.id, "task": task, "attempt": 1, "state": "completed", "value": {"loss": 0.5}}
    files.outcome.write_text(json.dumps(outcome))


@dataclass(frozen=True)
class Hostile:
    """One hostile directory.

    Args:
        spoil: puts something into the good sweep.
        costs_all: nothing of the sweep can be read any more; else the rest is shown.
    """

    name: str
    spoil: Callable[[Sweep], object]
    costs_all: bool = False


CORPUS: list[Hostile] = []


def _add(name: str, spoil: Callable[[Sweep], object], *, costs_all: bool = False) -> None:
    CORPUS.append(Hostile(name, spoil, costs_all))


# what may lie in the place of a file


def _replace(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    return path


def fifo(path: Path) -> None:
    os.mkfifo(_replace(path))


def unix_socket(path: Path) -> None:
    _replace(path)
    here = os.open(path.parent, os.O_RDONLY)
    try:  # a socket's path may have 107 bytes
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def endless(path: Path) -> None:
    _replace(path).symlink_to("/dev/zero")


def link_cycle(path: Path) -> None:
    _replace(path).symlink_to(path.name)


def folder(path: Path) -> None:
    _replace(path).mkdir()


def sparse(path: Path) -> None:
    with open(_replace(path), "wb") as stream:
        stream.truncate(HUGE)


KINDS: dict[str, Callable[[Path], None]] = {
    "fifo": fifo, "socket": unix_socket, "dev_zero": endless, "link_cycle": link_cycle, "folder": folder,
    "8_gb": sparse,
}  # fmt: skip


def _with_secrets(sweep: Sweep) -> SweepPaths:
    """Has the record say that what it hides lies apart."""
    sweep.record(launcher_fields=["hydra.launcher.env.TOKEN=<hidden>"])
    return sweep.paths


PLACES: dict[str, Callable[[Sweep], Path]] = {
    "record": lambda sweep: sweep.paths.record,
    "journal": lambda sweep: sweep.paths.journal("zz-1"),
    "known_journal": lambda sweep: sweep.paths.journal("w-1"),
    "tasks": lambda sweep: sweep.paths.task_lines(0),
    "offsets": lambda sweep: sweep.paths.task_offsets(0),
    "lease": lambda sweep: sweep.paths.leases / "2.json",
    "request": lambda sweep: sweep.paths.requests / "cancel-b.json",
    "submission": lambda sweep: LaunchPaths.submission_record(sweep.paths.launch(0).submission(0)),
    "boot": lambda sweep: sweep.paths.launch(0).boot,
    "code": lambda sweep: sweep.paths.first_code.code,
    "claim": lambda sweep: sweep.paths.claim("launch-0/submit-0/0"),
    "outcome": lambda sweep: sweep.files(1).outcome,
    "stdout": lambda sweep: sweep.files(0).stdout,
    "stderr": lambda sweep: sweep.files(3).stderr,
    "metrics_json": lambda sweep: sweep.root / "1" / "metrics.json",
    "metrics_jsonl": lambda sweep: sweep.root / "1" / "metrics.jsonl",
    "metrics_csv": lambda sweep: sweep.root / "1" / "metrics.csv",
    "worker_log": lambda sweep: sweep.paths.worker_log("w-1"),
    "secrets": lambda sweep: _with_secrets(sweep).secrets,
    "mended": lambda sweep: sweep.paths.mended,
    "left": lambda sweep: sweep.paths.left(1),
    "patch": lambda sweep: sweep.paths.first_code.patch,
    "inbox": lambda sweep: sweep.paths.inbox("w-1"),
    "worker_lease": lambda sweep: sweep.paths.inbox("w-1", "lease"),
    "earlier_attempt": lambda sweep: sweep.files(1).of_attempt(1).outcome,
    "rank_log": lambda sweep: sweep.files(3).of_rank(1).stderr,
    "hydra_config": lambda sweep: sweep.root / "1" / ".hydra" / "config.yaml",
    "multirun": lambda sweep: sweep.root / "multirun.yaml",
}  # fmt: skip
for _place, _path in PLACES.items():
    for _kind, _make in KINDS.items():
        _add(
            f"{_place}_{_kind}",
            lambda sweep, path=_path, make=_make: make(path(sweep)),
            costs_all=_place == "record",
        )
for _kind in ("fifo", "link_cycle", "dev_zero"):
    for _name in ("events", "tasks", "leases", "requests", "claims"):
        _add(
            f"all_{_name}_{_kind}", lambda sweep, name=_name, make=KINDS[_kind]: make(sweep.paths.hsm / name)
        )
    _add(f"hsm_{_kind}", lambda sweep, make=KINDS[_kind]: make(sweep.paths.hsm), costs_all=True)

# bytes that are no record

BAD_BYTES: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"id": "x", "name": ',
    "list": b"[1, 2]",
    "number": b"7",
    "null": b"null",
    "text": b'"text"',
    "no_utf8": b'{"id": "\xff\xfe\x80"}',
    "utf16": '{"id": "x"}'.encode("utf-16"),
    "nuls": b"\0" * 4096,
    "deep_list": b"[" * DEEP + b"]" * DEEP,
    "deep_object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "digits": b'{"id": ' + DIGITS.encode() + b"}",
}
for _bytes, _data in BAD_BYTES.items():
    for _place in (
        "record",
        "tasks",
        "lease",
        "request",
        "submission",
        "boot",
        "code",
        "outcome",
        "metrics_json",
    ):
        _add(
            f"{_place}_is_{_bytes}", lambda sweep, path=PLACES[_place], data=_data: path(sweep).write_bytes(data),
            costs_all=_place == "record",
        )  # fmt: skip
    _add(f"line_is_{_bytes}", lambda sweep, data=_data: sweep.journal(data))

# fields of another kind

WRONG: dict[str, Any] = {
    "number": 7, "negative": -1, "text": "x", "list": [[1]], "object": {"a": {"b": 1}}, "null": None, "true": True,
    "nan": float("nan"), "many": MANY, "long": "x" * 100_000, "nul": "a\0b", "up": "../../../../etc",
    "absolute": "/etc/passwd", "escape": "\x1b]0;x\x07\n\ud800", "list_of_many": ["x"] * 50_000,
    "digits": int(FEWER_DIGITS),
}  # fmt: skip


def _each_field(names: Iterable[str]) -> Iterator[tuple[str, str, Any]]:
    for field in names:
        for kind, value in WRONG.items():
            yield field, kind, value


for _field, _kind, _value in _each_field(one.name for one in fields(SweepRecord)):
    _add(
        f"field_{_field}_{_kind}", lambda sweep, field=_field, value=_value: sweep.record(**{field: value}),
    )  # fmt: skip
for _field in ("id", "name", "dir", "created", "launcher", "sweeper", "format"):
    _add(f"without_{_field}", lambda sweep, field=_field: sweep.record(**{field: ...}), costs_all=True)
_add("field_sources_empty", lambda sweep: sweep.record(sources=[{}]), costs_all=True)
_add("field_metric_of_three", lambda sweep: sweep.record(metric=[["a", "min", "b"]]), costs_all=True)
_add("unknown_fields", lambda sweep: sweep.record(**{f"later_{number}": number for number in range(1000)}))

#: A line of each kind of event that is looked at.
LINES: dict[str, dict[str, Any]] = {
    "worker": head_line("zz-1"),
    "conductor": {**head_line("zz-1"), "e": "conductor", "by": ""},
    "claim": {"e": "claim", "batch": "launch-0/submit-0/0", "tasks": [[0, 1, 1]]},
    "ready": {"e": "ready", "launch": "launch-0", "mode": "fork", "threads": 1, "seconds": 1.0, "notes": [],
              "gpus": []},
    "broken": {"e": "broken", "launch": "launch-0", "message": "m", "output": "o"},
    "start": {"e": "start", "t": 5, "a": 1, "dir": "5", "suffix": "", "slot": 0, "pid": 1, "host": "h"},
    "end": {"e": "end", "t": 5, "a": 1, "state": "failed", "reason": "signal", "message": "m", "kind": "k",
            "where": "w",
            "trace": "t", "warning": "w", "code": 1, "signal": 9, "wall": 1.0, "cpu": 1.0, "mem": 1.0, "rank": 0,
            "limit": 1.0, "adopted": False},
    "trouble": {"e": "trouble", "message": "m"},
    "source": {"e": "source", "name": "cluster", "kind": "queue", "host": "", "settings": {"scheduler": "slurm"}},
    "submit": {"e": "submit", "submission": "launch-0/submit-1", "token": "good-bbbbbbbb", "tasks": [[5, 1, 1]],
               "source": "slurm", "each": 1, "at_once": 1, "logs": ["slurm-{id}_{index}.out"]},
    "handed": {"e": "handed", "submission": "launch-0/submit-0", "native_id": "7"},
    "refused": {"e": "refused", "submission": "launch-0/submit-1", "message": "no", "evidence": "e", "fix": "f",
                "field": "queue", "choices": ["a"]},
    "withdrawn": {"e": "withdrawn", "submission": "launch-0/submit-1", "message": "m"},
    "waits": {"e": "waits", "message": "m"},
    "gone": {"e": "gone", "tasks": [[5, 1, 1]], "state": "lost", "reason": "node", "evidence": "e", "node": "n"},
    "lost": {"e": "lost", "t": 5, "a": 1, "evidence": "e", "final": True},
    "cancel": {"e": "cancel", "t": 5, "a": 1},
    "interrupted": {"e": "interrupted", "how": "cancel"},
}  # fmt: skip


def _wrong_line(sweep: Sweep, tag: str, field: str, value: Any) -> None:
    line = {**LINES[tag], "at": 5.0, field: value, "s": 1}
    begun = [LINES["start"]] if tag in ("end", "lost") else []
    sweep.journal(*begun, compact(line))


def _wrong_head(sweep: Sweep, tag: str, field: str, value: Any) -> None:
    data = compact({**LINES[tag], "at": 5.0, field: value, "s": 0}) + b"\n"
    sweep.paths.journal("zz-1").write_bytes(data + compact({**LINES["start"], "s": 1}) + b"\n")


for _tag, _line in LINES.items():
    for _field, _kind, _value in _each_field([*(name for name in _line if name != "e"), "at", "s", "format"]):
        _spoil = _wrong_head if _tag in ("worker", "conductor") else _wrong_line
        _add(
            f"line_{_tag}_{_field}_{_kind}",
            lambda sweep, spoil=_spoil, tag=_tag, field=_field, value=_value: spoil(sweep, tag, field, value),
        )

# numbers and ranges

SPANS: dict[str, Any] = {
    "many": [[0, MANY, 1]], "far": [[MANY, 5, 1]], "negative": [[-5, 3, 1]], "less_than_none": [[0, -3, 1]],
    "attempts": [[5, 1, MANY]], "no_attempt": [[5, 1, 0]], "four": [[0, 1, 1, 1]], "one": [[0]],
    "same_a_thousand_times": [[0, TASKS, 1]] * 200_000, "true": [[True, True, True]], "floats": [[0.0, 1.0, 1.0]],
}  # fmt: skip
for _name, _value in SPANS.items():
    for _tag in ("claim", "submit", "gone"):
        _add(
            f"spans_{_tag}_{_name}", lambda sweep, tag=_tag, value=_value: _wrong_line(sweep, tag, "tasks", value),
        )  # fmt: skip
    _add(
        f"spans_submission_{_name}",
        lambda sweep, value=_value: _submission(sweep, batches=[value]),
    )
    _add(f"spans_request_{_name}", lambda sweep, value=_value: _request(sweep, tasks=value))


def _submission(sweep: Sweep, /, **changes: Any) -> None:
    path = PLACES["submission"](sweep)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def _request(sweep: Sweep, /, **changes: Any) -> None:
    known = {"ask": "cancel", "tasks": None, "launches": ["launch-0"], **changes}
    PLACES["request"](sweep).write_text(json.dumps(known))


def _lease(sweep: Sweep, /, **changes: Any) -> None:
    PLACES["lease"](sweep).write_text(json.dumps(lease_content(**{"released": False, **changes})))


def _outcome(sweep: Sweep, /, **changes: Any) -> None:
    path = sweep.files(1).outcome
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


def _code(sweep: Sweep, /, **changes: Any) -> None:
    path = sweep.paths.first_code.code
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))


for _what, _names, _change in (
    ("submission", ("token", "payload", "worker", "batches", "format"), _submission),
    ("request", ("ask", "tasks", "launches"), _request),
    ("lease", ("host", "boot", "pid", "start", "beat", "released"), _lease),
    ("outcome", ("sweep", "task", "attempt", "state", "value", "reason", "message"), _outcome),
    ("code", ("root", "files", "git", "untracked"), _code),
):
    for _field, _kind, _value in _each_field(_names):
        _add(
            f"{_what}_{_field}_{_kind}",
            lambda sweep, change=_change, field=_field, value=_value: change(sweep, **{field: value}),
        )

# the app that began it

for _field, _kind, _value in _each_field(
    (
        "name",
        "config_name",
        "config_dir",
        "main",
        "taken",
        "argv",
        "batches",
        "function",
        "python",
        "pythonpath",
        "env",
    )
):
    _add(
        f"app_{_field}_{_kind}",
        lambda sweep, field=_field, value=_value: sweep.record(
            app={"main": ["python", "t.py"], field: value}
        ),
    )


# lines

_add(
    "torn_line", lambda sweep: sweep.journal(compact(LINES["start"])[:20] + b"\n" + compact(LINES["trouble"]))
)
_add("torn_tail", lambda sweep: sweep.paths.journal("zz-1").write_bytes(compact(head_line("zz-1"))[:30]))
_add("hole_of_nuls", lambda sweep: sweep.journal(b"\0" * 1_000_000, compact(LINES["trouble"])))
_add(
    "line_of_50_mb",
    lambda sweep: sweep.journal(b'{"e":"trouble","message":"' + b"x" * 50_000_000 + b'","s":1}'),
)
_add(
    "start_of_50_mb",
    lambda sweep: sweep.journal(b'{"e":"start","t":5,"a":1,"dir":"' + b"x" * 50_000_000 + b'","s":1}'),
)
_add("50_mb_without_newline", lambda sweep: sweep.paths.journal("zz-1").write_bytes(b"x" * 50_000_000))
_add("100_000_bad_lines", lambda sweep: sweep.journal(*[b"what?"] * 100_000))
_add("1_000_000_empty_lines", lambda sweep: sweep.journal(b"\n" * 1_000_000))
_add("200_000_starts", lambda sweep: sweep.journal(*[compact({**LINES["start"], "s": 1})] * 200_000))
_add("100_000_starts_of_unknown_tasks", lambda sweep: sweep.journal(
    *(compact({**LINES["start"], "t": number, "s": 1}) for number in range(100_000))))  # fmt: skip
_add(
    "scanned_digits",
    lambda sweep: sweep.journal(b'{"e":"start","t":' + DIGITS.encode() + b',"a":1,"dir":"5","s":1}'),
)
_add(
    "scanned_attempt",
    lambda sweep: sweep.journal(b'{"e":"end","t":5,"a":' + DIGITS.encode() + b',"state":"failed","s":1}'),
)
_add(
    "ends_then_garbage",
    lambda sweep: sweep.journal(b'{"e":"end","t":5,"a":1,"state":"failed",}}}}garbage,"s":1}'),
)
_add("deep_in_a_field", lambda sweep: sweep.journal(
    b'{"e":"worker","id":' + b"[" * DEEP + b"]" * DEEP + b',"s":1}'))  # fmt: skip
_add("deep_start", lambda sweep: sweep.journal(
    b'{"e":"start","t":5,"a":1,"dir":' + b"[" * DEEP + b"]" * DEEP + b',"s":1}'))  # fmt: skip
_add("deep_at_the_end", lambda sweep: sweep.journal(b"[" * DEEP + b'"sealed"' + b"]" * DEEP))
_add("200_000_seals", lambda sweep: sweep.journal(*[b'{"e":"sealed"}'] * 200_000))


def _many_journals(sweep: Sweep) -> None:
    for number in range(20_000):
        os.close(os.open(sweep.paths.events / f"n{number}.jsonl", os.O_CREAT | os.O_WRONLY, 0o644))


_add("20_000_journals", _many_journals)
for _name in ("a\nb", "\x1b[31m", "..", " ", "-", "ü" * 100, "'; rm -rf x #"):
    _add(f"journal_called_{_name!r}", lambda sweep, name=_name: sweep.journal(LINES["trouble"], name=name))
_add("journal_not_utf8", lambda sweep: Path(f"{sweep.paths.events}/\udcff\udcfe.jsonl").write_bytes(
    compact(head_line("x")) + b"\n" + compact(LINES["trouble"]) + b"\n"))  # fmt: skip

# paths that lead elsewhere

ELSEWHERE = (
    "..",
    "../../..",
    "../../../../../../etc",
    "/etc",
    "/dev",
    "/proc/self",
    "a\0b",
    "x" * 5000,
    "5/../../..",
    "",
)
for _name in ELSEWHERE:
    _add(f"directory_{_name[:20]!r}", lambda sweep, name=_name: sweep.journal(
        {**LINES["start"], "dir": name}, {**LINES["end"], "state": "failed"}))  # fmt: skip
    _add(f"suffix_{_name[:20]!r}", lambda sweep, name=_name: sweep.journal(
        {**LINES["start"], "suffix": name}, {**LINES["end"], "state": "failed"}))  # fmt: skip
    _add(f"log_{_name[:20]!r}", lambda sweep, name=_name: sweep.journal(
        compact(head_line("zz-1", log=name)), LINES["claim"] | {"tasks": [[5, 1, 1]]}))  # fmt: skip
    _add(f"submission_name_{_name[:20]!r}", lambda sweep, name=_name: sweep.journal(
        {**LINES["submit"], "submission": name}, {**LINES["handed"], "submission": name}))  # fmt: skip
    _add(
        f"batch_{_name[:20]!r}",
        lambda sweep, name=_name: sweep.journal({**LINES["claim"], "batch": f"{name}/0"}),
    )
    _add(f"payload_{_name[:20]!r}", lambda sweep, name=_name: _submission(sweep, payload=name))
    _add(f"lock_{_name[:20]!r}", lambda sweep, name=_name: _here(sweep, lock=name))
    _add(f"id_{_name[:20]!r}", lambda sweep, name=_name: sweep.record(id=name), costs_all=True)


def _here(sweep: Sweep, **changes: Any) -> None:
    """A worker that says that it runs on this machine."""
    from hsm_core.processes.identity import this_boot, this_host

    known = {"host": this_host(), "boot": this_boot(), **changes}
    lines = [head_line("zz-1", **known), LINES["claim"] | {"tasks": [[5, 1, 1]]}, LINES["start"]]
    sweep.paths.journal("zz-1").write_bytes(b"".join(compact(line) + b"\n" for line in lines))


def _lock_is(sweep: Sweep, make: Callable[[Path], None]) -> None:
    make(sweep.root / "lock")
    _here(sweep, lock=str(sweep.root / "lock"))


for _kind in ("fifo", "socket", "link_cycle", "dev_zero", "folder"):
    _add(f"lock_is_{_kind}", lambda sweep, make=KINDS[_kind]: _lock_is(sweep, make))
for _pid in (0, -1, -4711, 2**31, 2**63, 2**64, 10**300, 1.5, True, None, "1", "../1", "self"):
    _add(f"pid_{str(_pid)[:12]}", lambda sweep, pid=_pid: _here(sweep, pid=pid))
    _add(f"lease_pid_{str(_pid)[:12]}", lambda sweep, pid=_pid: _lease_here(sweep, pid))


def _lease_here(sweep: Sweep, pid: Any) -> None:
    from hsm_core.processes.identity import this_boot, this_host

    _lease(sweep, host=this_host(), boot=this_boot(), pid=pid)


for _log in (
    "{id.__class__}",
    "{id:>9999999999}",
    "{0}",
    "{",
    "{nothing}",
    "{index[0]}",
    "../../../../etc/passwd",
    "/etc/passwd",
):
    _add(f"job_log_{_log!r}", lambda sweep, log=_log: sweep.journal(
        LINES["source"], {**LINES["submit"], "logs": [log], "source": "cluster", "tasks": [[5, 1, 1]]},
        {**LINES["handed"], "submission": "launch-0/submit-1"}, LINES["gone"]))  # fmt: skip
for _name in ("launch-x/submit-0", "launch-0", "launch-0/submit-x", "launch--1/submit-0", "launch-²/submit-0", "x",
              "launch-0-0-0/s-1",
              f"launch-{DIGITS}/submit-{DIGITS}"):  # fmt: skip
    _add(f"submission_called_{_name[:20]!r}", lambda sweep, name=_name: sweep.journal(
        {**LINES["submit"], "submission": name}, {**LINES["handed"], "submission": name},
        {**LINES["refused"], "submission": name},
        {**LINES["submit"], "submission": "launch-0/submit-9"}))  # fmt: skip
_add("launch_is_a_cycle", lambda sweep: link_cycle(sweep.paths.hsm / "launch-1"))
_add("launch_odd", lambda sweep: (sweep.paths.hsm / "launch-x\n" / "submit-y").mkdir(parents=True))


def _link_out(sweep: Sweep, path: Path) -> None:
    _replace(path).symlink_to("/etc")


_add("task_directory_is_a_link", lambda sweep: _link_out(sweep, sweep.root / "1"))
_add("task_hsm_is_a_link", lambda sweep: _link_out(sweep, sweep.files(1).hsm))
_add("stdout_is_a_link", lambda sweep: _replace(sweep.files(0).stdout).symlink_to("/etc/passwd"))
_add("task_directory_is_a_fifo", lambda sweep: fifo(sweep.root / "1"))
_add("task_directory_is_a_cycle", lambda sweep: link_cycle(sweep.root / "1"))

# tasks


def _offsets(sweep: Sweep, *offsets: int) -> None:
    sweep.paths.task_offsets(0).write_bytes(b"".join(struct.pack("<Q", offset) for offset in offsets))


def _task_lines(sweep: Sweep, *lines: bytes) -> None:
    offsets = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    _offsets(sweep, *offsets)
    sweep.paths.task_lines(0).write_bytes(b"".join(line + b"\n" for line in lines))


_add("offsets_beyond", lambda sweep: _offsets(sweep, *[2**64 - 1] * TASKS))
_add("offsets_all_the_same", lambda sweep: _offsets(sweep, *[0] * TASKS))
_add("offsets_of_more", lambda sweep: _offsets(sweep, *range(100_000)))
_add("offsets_cut", lambda sweep: sweep.paths.task_offsets(0).write_bytes(b"abc"))
_add("no_offsets", lambda sweep: sweep.paths.task_offsets(0).unlink())
_add("no_tasks", lambda sweep: shutil.rmtree(sweep.paths.tasks))
_add("no_events", lambda sweep: shutil.rmtree(sweep.paths.events))
for _name in ("²", DIGITS[:240], "-1", "1.5", "٣", "x", f"{MANY}"):
    _add(f"tasks_from_{_name[:12]!r}", lambda sweep, name=_name: (
        shutil.copy(sweep.paths.task_lines(0), sweep.paths.tasks / f"{name}.jsonl"),
        shutil.copy(sweep.paths.task_offsets(0), sweep.paths.tasks / f"{name}.offsets")))  # fmt: skip
    _add(f"lease_called_{_name[:12]!r}", lambda sweep, name=_name: (
        sweep.paths.leases / f"{name}.json").write_text("{}"))  # fmt: skip
for _kind, _value in WRONG.items():
    _add(f"overrides_{_kind}", lambda sweep, value=_value: _task_lines(
        sweep, *(compact({"task": number, "overrides": value}) for number in range(TASKS))))  # fmt: skip
    _add(f"override_{_kind}", lambda sweep, value=_value: _task_lines(
        sweep, *(compact({"task": number, "overrides": [value]}) for number in range(TASKS))))  # fmt: skip
    _add(f"task_number_{_kind}", lambda sweep, value=_value: _task_lines(
        sweep, *(compact({"task": value, "overrides": []}) for number in range(TASKS))))  # fmt: skip
_add("task_line_of_50_mb", lambda sweep: _task_lines(
    sweep, b'{"task": 0, "overrides": ["' + b"x" * 50_000_000 + b'"]}', *[b"{}"] * (TASKS - 1)))  # fmt: skip
_add(
    "no_total_and_8_gb_of_offsets",
    lambda sweep: (sweep.record(total=None), sparse(sweep.paths.task_offsets(0))),
)

# results

METRICS: dict[str, tuple[str, bytes]] = {
    "json_deep": ("metrics.json", b'{"a":' * 900 + b"1" + b"}" * 900),
    "json_wide": ("metrics.json", json.dumps({f"m{number}": number for number in range(200_000)}).encode()),
    "jsonl_line_of_50_mb": ("metrics.jsonl", b'{"a": "' + b"x" * 50_000_000 + b'"}\n'),
    "jsonl_1_000_000_lines": ("metrics.jsonl", b'{"a": 1}\n' * 1_000_000),
    "jsonl_deep": ("metrics.jsonl", b"[" * DEEP + b"\n" + b'{"a":' * 900 + b"1" + b"}" * 900 + b"\n"),
    "csv_field_of_1_mb": ("metrics.csv", b"a,b\n1," + b"x" * 1_000_000 + b"\n"),
    "csv_nuls": ("metrics.csv", b"a,b\n1,\0\0\n2,3\n"),
    "csv_10_000_columns": ("metrics.csv", b",".join(map(b"c%d".__mod__, range(10_000))) + b"\n" + b"1," * 20_000),
    "csv_names_twice": ("metrics.csv", b"a,a,,\n1,2,3,4,5,6\n"),
    "csv_step_nan": ("metrics.csv", b"step,epoch\nnan,inf\n1e400,7\n"),
    "csv_quote": ("metrics.csv", b'a\n"' + b"x\n" * 1_000_000),
}  # fmt: skip
for _name, (_file, _data) in METRICS.items():
    _add(
        f"metrics_{_name}", lambda sweep, file=_file, data=_data: (sweep.root / "1" / file).write_bytes(data)
    )
_add("metrics_below_a_cycle", lambda sweep: (sweep.root / "1" / "loop").symlink_to("."))
_add("value_deep", lambda sweep: sweep.files(1).outcome.write_bytes(
    sweep.files(1).outcome.read_bytes().replace(b"0.5", b"[" * 900 + b"]" * 900)))  # fmt: skip


def _earlier(sweep: Sweep, name: str) -> Path:
    kept = sweep.paths.hsm / "earlier" / name
    kept.mkdir(parents=True)
    return kept


_add("earlier_is_a_cycle", lambda sweep: link_cycle(sweep.paths.hsm / "earlier"))
_add("earlier_has_a_fifo", lambda sweep: fifo(_earlier(sweep, "old-0101-0000-aaaaa") / "sweep.json"))
_add("earlier_odd_name", lambda sweep: (_earlier(sweep, "a\n\x1b[31m") / "sweep.json").write_text("{}"))
for _kind in ("fifo", "dev_zero", "link_cycle", "8_gb", "folder", "socket"):
    _add(f"requirements_{_kind}", lambda sweep, make=KINDS[_kind]: make(sweep.paths.first_code.requirements))
