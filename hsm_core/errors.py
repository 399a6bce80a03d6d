"""Defines the errors that hsm shows to a user when something expected goes wrong.

HsmError
├── ConfigError        the sweep or launcher configuration is wrong
│   └── ConfigErrors   in several ways
├── SweepExists        the directory already holds a sweep
├── SweepNotFound      no sweep, or several, fit what was typed
├── StoreError         the sweep directory can't be read or written
├── LeaseHeld          another conductor runs this sweep
├── VersionMismatch    written by versions that do not fit ours
├── BackendError       work could not be handed over
│   ├── Refused        the scheduler said no, for good
│   ├── NotNow         it said no for now
│   │   └── LimitReached
│   ├── HostTrouble    a machine behind a connection can't be used
│   │   ├── HostDown   it does not answer now; it may later
│   │   ├── LinkLost   the connection broke: what was asked for may have happened
│   │   └── HostClosed it lets us in only when somebody has done something
│   └── NoAnswer       it did not answer
│       ├── NoId       its command ended well, and told no id
│       └── Unexplained its command failed, in words that are no known refusal
└── SweepFailed        the sweep ended, but not all of its tasks completed
"""

from __future__ import annotations

import re

from .text import advice, indented, printable

#: How Python begins what the operating system says: ``[Errno 13] Permission denied: '/a'``.
_NUMBER = re.compile(r"^\[Errno \d+\] ")


class HsmError(Exception):
    """Expected trouble; its text is shown to the user without a traceback.

    Args:
        problem: what failed, in the user's words.
        evidence: what was seen: a command with its exit code, last lines, a path.
        fix: what to type next, a line to copy; or what to change, where no line can do it (see ``text.advice``).
        instead: a word that was typed, and the one that is suggested for it: a command then repeats its
            own line with that one. An empty word: what is suggested is added.
    """

    exit_code = 1
    #: Whether its problem is whole messages, one below the other.
    holds_messages = False

    def __init__(
        self, problem: str, *, evidence: str = "", fix: str = "", instead: tuple[str, str] | None = None
    ) -> None:
        evidence = _NUMBER.sub("", evidence)
        self.problem, self.evidence, self.fix, self.instead = problem, evidence, fix, instead
        lines = [problem if self.holds_messages else indented(problem)]
        if evidence:
            lines.append(f"  because: {indented(evidence)}")
        if fix:
            lines.append(f"  {advice(fix)}")
        super().__init__(printable("\n".join(lines)))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.evidence, self.fix, self.instead)


class Checkpointed(BaseException):
    """Leaves a task that wrote a checkpoint because its job's time was nearly over; no error, no end.

    Args:
        content: what the next attempt is to read, as bytes; None: nothing.
    """

    def __init__(self, content: bytes | None) -> None:
        self.content = content
        super().__init__("checkpointed")


def _rebuild(
    kind: type[HsmError], problem: str, evidence: str, fix: str, instead: tuple[str, str] | None
) -> HsmError:
    return kind(problem, evidence=evidence, fix=fix, instead=instead)


class ConfigError(HsmError):
    """The sweep or launcher configuration is wrong."""

    exit_code = 2


class ConfigErrors(ConfigError):
    """Several mistakes at once: its problem is the text of an error for each."""

    holds_messages = True


class SweepExists(HsmError):
    """The directory already holds a sweep."""


class SweepNotFound(HsmError):
    """No sweep, or several, fit what was typed."""

    exit_code = 2


class StoreError(HsmError):
    """The sweep directory can't be read or written."""


class LeaseHeld(HsmError):
    """Another conductor runs this sweep."""


class VersionMismatch(HsmError):
    """Something on disk was written by versions that do not fit ours."""


class BackendError(HsmError):
    """Work could not be handed over, watched or cancelled.

    Args:
        field: of the launcher's fields, the one that a scheduler objected to, if that is known.
        choices: values that it may have here, the likeliest first.
    """

    def __init__(
        self, problem: str, *, evidence: str = "", fix: str = "", instead: tuple[str, str] | None = None,
        field: str = "", choices: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__(problem, evidence=evidence, fix=fix, instead=instead)
        self.field, self.choices = field, choices

    def __reduce__(self) -> tuple[object, ...]:
        return *super().__reduce__(), {"field": self.field, "choices": self.choices}


class Refused(BackendError):
    """The scheduler said no, and will say so again; nothing was accepted."""


class NotNow(BackendError):
    """The scheduler said no for now: nothing was accepted, later it may be."""


class LimitReached(NotNow):
    """A limit on the jobs of this user, account or queue: less at once may be accepted."""


class HostTrouble(BackendError, OSError):
    """A machine behind a connection can't be used; an OSError too, as a command there can't be run."""


class HostDown(HostTrouble):
    """A machine does not answer: nothing was asked of it, later it may answer."""


class LinkLost(HostTrouble):
    """The connection broke before the answer came: what was asked for may have happened, or not."""


class HostClosed(HostTrouble):
    """A machine doesn't let us in, or lacks what hsm needs: trying again is of no use until somebody acts."""


class NoAnswer(BackendError):
    """The scheduler did not answer: what was asked of it may or may not have happened."""


class NoId(NoAnswer):
    """The command that submits ended well but printed no id: perhaps it is not the scheduler's own command."""


class Unexplained(NoAnswer):
    """The command that submits failed in unknown words: perhaps the job was accepted all the same."""


class SweepFailed(HsmError):
    """The sweep ended, but not all of its tasks completed."""

    exit_code = 3
