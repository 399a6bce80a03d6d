"""A submission that its scheduler refused, until something was accepted: why, and the line that changes it."""

from __future__ import annotations

import difflib
import re
from typing import Any

from hsm_core.overrides import hydra_text, quoted
from hsm_core.store.record import SweepRecord
from hsm_core.store.state import SweepState

from .failures import FailureGroup, grouped
from .more import set_to
from .reasons import Reasons

Line = dict[str, Any]
#: Names of launchers' fields for the same thing: the one that the sweep used is changed, else the first.
_SAME = (
    ("partition", "queue"), ("walltime", "timeout_min"), ("mem_gb", "mem_per_cpu", "mem_per_gpu"),
    ("gpus_per_node", "gres", "gpus_per_task"),
)  # fmt: skip


#: Of these, the same value means the same.
_SAME_VALUES = ({"partition", "queue"}, {"walltime", "timeout_min"}, {"gpus_per_node", "gpus_per_task"})


def refusal_group(state: SweepState) -> FailureGroup | None:
    """The tasks that wait since a scheduler refused them; None if nothing was refused or none wait."""
    refused = state.refusal()
    if refused is None:
        return None
    endings = {number: ending for number, ending in Reasons(state).all() if ending.is_refused}
    groups = grouped(state, endings, lambda *_: another_try(state.record, refused))
    return groups[0] if groups else None


def another_try(record: SweepRecord, refused: Line) -> str:
    """A line to copy that hands the tasks over again, with another value of what was refused."""
    resume = f"hsm resume {record.id}"
    field, look = str(refused.get("field") or ""), str(refused.get("fix") or "").partition("   #")[0]
    if look.startswith("hydra."):
        return f"{resume} --set {look}"
    if not field:
        return f"{look or 'hsm doctor'}    # then {resume} --set hydra.launcher.<field>=<value>"
    name = _as_used(record, field)
    is_same_unit = name == field or {name, field} in _SAME_VALUES
    choices = [str(choice) for choice in refused.get("choices", ())] if is_same_unit else []
    if not choices:
        return f"{resume} --set hydra.launcher.{name}=<value>    # see {look or 'hsm doctor'}"
    asked = set_to(record, name).strip("'\"")
    near = difflib.get_close_matches(asked, choices, n=1)
    chosen = near[0] if near else choices[0]
    value = quoted(f"hydra.launcher.{name}={_value(name, chosen)}")
    others = [choice for choice in choices if choice != chosen]
    return f"{resume} --set {value}" + (f"    # or {', '.join(others[:8])}" if others else "")


def _value(name: str, text: str) -> str:
    """A choice in Hydra's grammar; of a time, which is in minutes, with its unit where it needs one."""
    if name == "walltime":
        return f"{text}min"
    return text if re.fullmatch(r"\d+(\.\d+)?", text) else hydra_text(text)


def _as_used(record: SweepRecord, field: str) -> str:
    group = next((names for names in _SAME if field in names), (field,))
    return next((name for name in group if set_to(record, name) not in ("", "null")), field)
