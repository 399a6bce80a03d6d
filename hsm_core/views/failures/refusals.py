"""Explains a submission that the scheduler refused, until one is accepted, and suggests a line that changes it."""

from __future__ import annotations

import difflib
import re
import shlex

from hsm_core.overrides import hydra_text, joined, quoted
from hsm_core.store.events import Refusal
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.sweep_state import SweepState

from ..lines_to_copy.resume_lines import resume_line
from .bigger_request import set_to
from .by_cause import FailureGroup, grouped
from .reasons import Reasons

#: Names of launchers' fields for the same thing: the one that the sweep used is changed, else the first.
_SAME = (
    ("partition", "queue"), ("walltime", "timeout_min"), ("mem_gb", "mem_per_cpu", "mem_per_gpu"),
    ("gpus_per_node", "gres", "gpus_per_task"),
)  # fmt: skip
#: Fields in a scheduler's own words, and the short options of what may be in them.
_OWN_WORDS = ("resources", "directives")
_LETTERS = {"partition": "p", "account": "A", "qos": "q", "constraint": "C", "queue": "q", "project": "P"}
#: Of these, the same value means the same.
_SAME_VALUES = ({"partition", "queue"}, {"walltime", "timeout_min"}, {"gpus_per_node", "gpus_per_task"})
#: A question to a scheduler, as one command: events are data, and whoever can write them might suggest anything.
_ASKS = re.compile(
    r"(?:hsm doctor|sinfo|squeue|sacctmgr show|scontrol (?:show|ping)|qstat|qselect|qconf -s\w+|qsub -w v|grep|which)"
    r"(?: (?:[\w.,:=/%@+-]|\$USER)+| \"[\w.,:%=/ -]*\")*"
)


def refusal_group(state: SweepState) -> FailureGroup | None:
    """Returns the tasks that wait since a scheduler refused them; None if there are none."""
    no = state.refusal()
    if no is None:
        return None
    endings = {number: ending for number, ending in Reasons(state).all() if ending.is_refused}
    groups = grouped(state, endings, lambda *_: another_try(state.record, no))
    return groups[0] if groups else None


def another_try(record: SweepRecord, no: Refusal) -> str:
    """Returns a line to copy that submits the tasks again, with another value of the refused field."""
    field, look = no.field, _recorded(no.fix)
    if look.startswith(("hydra.", "'hydra.", '"hydra.')):
        return resume_line(record, look)
    if not field:
        resume = resume_line(record, "hydra.launcher.FIELD=VALUE")
        return f"{look or 'hsm doctor'}    # then {resume}"
    name, asked = _as_used(record, field)
    near = difflib.get_close_matches(asked, no.choices, n=1) or no.choices[:1]
    text = _override(record, field, name, near[0]) if near else ""
    if not text:
        return resume_line(record, f"hydra.launcher.{name}=VALUE") + f"    # see {look or 'hsm doctor'}"
    others = [quoted(choice) for choice in no.choices if choice not in near]
    return resume_line(record, quoted(text)) + (f"    # or {', '.join(others[:8])}" if others else "")


def _recorded(fix: str) -> str:
    """Returns the line that an event suggests, without its explanation; empty if it might do more than ask."""
    line = fix.partition("   #")[0].rstrip()
    if all(map(_ASKS.fullmatch, re.split(r" \| |; ", line))):
        return line
    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    return joined(words) if words and all(word.startswith("hydra.") for word in words) else ""


def _as_used(record: SweepRecord, field: str) -> tuple[str, str]:
    """Returns the launcher's field that the sweep used for it, and the value that it asked for."""
    group = next((names for names in _SAME if field in names), (field,))
    for name in group:
        if set_to(record, name) not in ("", "null"):
            return name, set_to(record, name).strip("'\"")
    for name in _OWN_WORDS:
        if found := _option(field).search(set_to(record, name)):
            return name, found[2]
    return field, ""


def _option(field: str) -> re.Pattern[str]:
    """Returns a field as an option of the scheduler: ``--partition=main``, ``-p main``."""
    letter = _LETTERS.get(field, "")
    short = rf"|(?<![\w-])-{letter}\s*" if letter else ""
    long = "|".join(re.escape(f"--{name}") for name in next((names for names in _SAME if field in names), (field,)))
    return re.compile(rf"((?:{long})(?:=|\s+){short})([^\s'\",\]]+)")


def _override(record: SweepRecord, field: str, name: str, choice: str) -> str:
    """Returns an override of the field in the unit and words that the sweep used; empty if that is not known."""
    if name in _OWN_WORDS:
        said = set_to(record, name)
        return f"hydra.launcher.{name}={_option(field).sub(lambda found: found[1] + choice, said)}"
    if name == "gres":
        asked = set_to(record, name).strip("'\"")
        return f"hydra.launcher.gres={re.sub(r'[0-9]+$', choice, asked)}" if asked[-1:].isdigit() else ""
    if name != field and {name, field} not in _SAME_VALUES:
        return ""
    return f"hydra.launcher.{name}={_value(name, choice)}"


def _value(name: str, text: str) -> str:
    """Returns a choice in Hydra's grammar; a time in minutes gets its unit where it needs one."""
    if name == "walltime":
        return f"{text}min"
    return text if text == "null" or re.fullmatch(r"\d+(\.\d+)?", text) else hydra_text(text)
