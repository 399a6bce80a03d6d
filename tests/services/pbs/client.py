"""The commands that users type: qsub, qstat, qdel, qselect, qrls, qalter, qsig, pbsnodes, as one program."""

from __future__ import annotations

import getopt
import json
import os
import signal
import sys
import time

from .wire import Told, ask

TYPE_CHECKING = False  # what dataclasses and pathlib cost at the start, each command would pay
if TYPE_CHECKING:
    from typing import Any

    from .wire import Message

OPTIONS = {
    "pbspro": {
        "qstat": "aD:EfF:GHJMinpQqrsTtu:wx1B",
        "qdel": "W:x",
        "qselect": "a:A:c:h:HJl:N:p:P:q:r:s:t:Tu:x",
        "qrls": "h:",
        "qalter": "W:l:p:N:",
        "qsig": "s:",
        "pbsnodes": "aF:lvS",
    },
    "torque": {
        "qstat": "aBcCeE:filn1pqrstu:xGMQRW:",
        "qdel": "ab:cm:pW:t:",
        "qselect": "a:A:c:eh:l:N:p:q:r:s:u:",
        "qrls": "h:t:",
        "qalter": "W:l:p:N:t:",
        "qsig": "as:",
        "pbsnodes": "alxqn",
    },
}
NEEDS_IDS = ("qdel", "qrls", "qalter", "qsig")
USAGES = {
    "qdel": "usage:\n\tqdel [-W force|suppress_email=X] [-x] job_identifier...\n\tqdel --version\n",
    "qrls": "usage: qrls [-h hold_list] job_identifier...\n       qrls --version\n",
    "qstat": "usage: \n"
    "qstat [-f] [-J] [-p] [-t] [-x] [-E] [-F format | -w] [-D delim] [ job_identifier... | destination... ]\n"
    "qstat [-a|-i|-r|-H|-T] [-J] [-t] [-u user] [-n] [-s] [-G|-M] [-1] [-w]\n"
    "\t[ job_identifier... | destination... ]\n"
    "qstat -Q [-f] [-F format] [-D delim] [ destination... ]\n"
    "qstat -q [-G|-M] [ destination... ]\n"
    "qstat -B [-f] [-F format] [-D delim] [ server_name... ]\n"
    "       qstat --version\n",
}
VERSIONS = {"pbspro": "23.06.06", "torque": "6.1.3"}
COMMANDS = ("qsub", *OPTIONS["pbspro"])


def version(knobs: Knobs) -> str:
    """The version that the commands name; one that knows no ``%N`` is older."""
    return VERSIONS[knobs.flavour] if knobs.throttled_arrays else "20.0.1"


class Knobs:
    """What a command must know of the knobs."""

    def __init__(self, base: str) -> None:
        with open(os.path.join(base, "knobs.json")) as file:
            found: dict[str, Any] = json.load(file)
        self.flavour: str = found["flavour"]
        self.server: str = found["server"]
        self.throttled_arrays: bool = found["throttled_arrays"]
        self.environment_passed: bool = found["environment_passed"]
        self.hanging: list[str] = found["hanging"]
        self.slow: dict[str, float] = found["slow"]
        self.spoilt: dict[str, list[Any]] = found["spoilt"]


def main(command: str, base: str) -> int:
    """Do what the command does, and return its exit code."""
    knobs = Knobs(base)
    late(command, knobs)
    try:
        answer = run(command, sys.argv[1:], base, knobs)
    except Told as told:
        answer = {"out": "", "err": told.words, "rc": told.code}
    except OSError:
        answer = no_server(command, knobs)
    answer = spoil(command, base, knobs, answer)
    sys.stdout.write(answer["out"])
    sys.stderr.write(answer["err"])
    return int(answer["rc"])


def late(command: str, knobs: Knobs) -> None:
    while command in knobs.hanging:
        signal.pause()
    time.sleep(knobs.slow.get(command, 0))


def spoil(command: str, base: str, knobs: Knobs, answer: Message) -> Message:
    """What is said of what the server answered: all of it, unless the test wants something else."""
    if command in knobs.spoilt and "--version" not in sys.argv:
        answer = as_spoilt(answer, knobs.spoilt[command])
    folder = os.path.join(base, "lose")
    for ticket in sorted(os.listdir(folder)):
        if not ticket.startswith(f"{command}."):
            continue
        path = os.path.join(folder, ticket)
        try:
            with open(path) as file:
                text = file.read()
            os.unlink(path)
        except FileNotFoundError:
            continue
        if ticket.endswith(".say"):
            return as_spoilt(answer, json.loads(text))
        while ticket.endswith(".hang"):
            signal.pause()
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def as_spoilt(answer: Message, how: list[Any]) -> Message:
    """The first so many characters of the output, other words, another exit code."""
    kept, err, rc = how
    return {"out": answer["out"][:kept], "err": err, "rc": rc}


def run(command: str, argv: list[str], base: str, knobs: Knobs) -> Message:
    if argv == ["--version"] and knobs.flavour == "pbspro":
        return {"out": f"pbs_version = {version(knobs)}\n", "err": "", "rc": 0}
    if argv == ["--version"]:
        return {"out": "", "err": f"Version: {version(knobs)}\nCommit: 34ff845417cc\n", "rc": 0}
    if command == "qsub":
        from .qsub import submission

        return ask(base, submission(argv, knobs))
    try:
        pairs, rest = getopt.gnu_getopt(argv, OPTIONS[knobs.flavour][command])
    except getopt.GetoptError as error:
        words = f"{command}: invalid option -- '{error.opt}'\n"
        raise Told(words + USAGES.get(command, f"usage: {command}\n"), 2) from None
    if command in NEEDS_IDS and not rest:
        raise Told(USAGES.get(command, f"usage: {command}\n"), 2)
    options = {flag[1:]: value for flag, value in pairs}
    return ask(base, {"do": command, "options": options, "ids": rest, "version": version(knobs)})


def no_server(command: str, knobs: Knobs) -> Message:
    """What a command says when there is no server."""
    if knobs.flavour == "torque":
        words = (
            f"Cannot connect to specified server host '{knobs.server}'.\n"
            f"{command}: cannot connect to server {knobs.server} (errno=111) Connection refused\n"
        )
        return {"out": "", "err": words, "rc": 111}
    words = f"{command}: cannot connect to server {knobs.server} (errno=15010)\n"
    if command == "qdel":
        words = f"Couldn't connect to cluster: {knobs.server}\n"
    json_wanted = command == "qstat" and "json" in sys.argv
    heading = {"timestamp": int(time.time()), "pbs_version": version(knobs), "pbs_server": knobs.server}
    return {
        "out": json.dumps(heading, indent=4, separators=(",", ":")) + "\n" if json_wanted else "",
        "err": "Connection refused\n" + words,
        "rc": 255 if command == "qstat" else 162,
    }
