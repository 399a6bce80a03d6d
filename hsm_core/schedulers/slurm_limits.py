"""Reads what Slurm takes at most: the cluster's limits, and those of the user, the account and the QOS."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator

from .interface import Allowed, NoAnswer
from .slurm_asking import answer

_OF_USER = ("DefaultAccount", "Account", "Partition", "MaxSubmitJobs", "DefaultQOS", "QOS")
_OF_ACCOUNT = ("User", "ParentName", "GrpSubmitJobs")
_OF_QOS = ("Name", "MaxSubmitJobsPU", "MaxSubmitJobsPA", "GrpSubmitJobs")
Row = dict[str, str]


def read_allowed(queue: str | None, account: str | None, qos: str | None) -> Allowed:
    """What it takes at most there; a limit that the accounting does not tell is as good as none.

    Raises:
        NoAnswer: the controller does not answer.
    """
    config = read_config(answer(["scontrol", "show", "config"]))
    index = _number(config.get("MaxArraySize", ""))
    found = [("MaxJobCount", _number(config.get("MaxJobCount", "")))]
    if "limits" in config.get("AccountingStorageEnforce", ""):
        found += _of_policy(queue, account, qos)
    told = [(number, where) for where, number in found if number is not None]
    lowest = min(told, default=None)
    evidence = [f"MaxArraySize={index}"] if index is not None else []
    return Allowed(
        array_index=index,
        array_size=index,
        queued=lowest[0] if lowest else None,
        evidence=", ".join([*evidence, *([f"{lowest[1]}={lowest[0]}"] if lowest else [])]),
    )


def read_config(text: str) -> dict[str, str]:
    """``MaxArraySize = 1001`` and the like, of ``scontrol show config``."""
    pairs = (line.split("=", 1) for line in text.split("\n") if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _of_policy(queue: str | None, account: str | None, qos: str | None) -> Iterator[tuple[str, int | None]]:
    """Limits with their names, of the association, its accounts, and the QOS of the job and of the partition."""
    mine = _association(queue, account)
    where = mine.get("Account") or account or ""
    if where:
        yield f"account {where}: MaxSubmitJobs", _number(mine.get("MaxSubmitJobs", ""))
        yield from _of_accounts(where)
    names = {qos or _usual_qos(mine), _partition_qos(queue)} - {""}
    for row in _accounting("qos", _OF_QOS) if names else ():
        if row["Name"] in names:
            yield from ((f"QOS {row['Name']}: {name}", _number(row[name])) for name in _OF_QOS[1:])


def _of_accounts(account: str) -> Iterator[tuple[str, int | None]]:
    """What all jobs of an account may be, and of those above it in the tree."""
    seen: set[str] = set()
    while account and account not in seen:
        seen.add(account)
        rows = _accounting("assoc", _OF_ACCOUNT, "where", f"account={account}")
        of_all: Row = next((row for row in rows if not row["User"]), {})
        yield f"account {account}: GrpSubmitJobs", _number(of_all.get("GrpSubmitJobs", ""))
        account = of_all.get("ParentName", "")


def _association(queue: str | None, account: str | None) -> Row:
    """The user's association that a job would be counted in; one for the partition goes before one for all."""
    rows = _accounting("user", _OF_USER, "withassoc", "where", f"name={_user_name()}")
    mine = [row for row in rows if row["Account"] == (account or row["DefaultAccount"])]
    fitting = [row for row in mine if row["Partition"] in ("", queue)]
    return max(fitting, key=lambda row: bool(row["Partition"]), default={})


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _usual_qos(association: Row) -> str:
    names = association.get("QOS", "").split(",")
    return association.get("DefaultQOS") or ("normal" if "normal" in names else names[0])


def _partition_qos(queue: str | None) -> str:
    """The QOS whose limits a partition has; of the default partition where none is named."""
    text = answer(["scontrol", "-o", "show", "partition"])
    mark = rf"\bPartitionName={re.escape(queue)}\s" if queue else r"\bDefault=YES\b"
    lines = [line for line in text.split("\n") if re.search(mark, line)]
    match = re.search(r"\bQoS=(\S+)", lines[0]) if lines else None
    return match[1] if match and match[1] != "N/A" else ""


def _accounting(kind: str, fields: tuple[str, ...], *which: str) -> list[Row]:
    """Rows that sacctmgr shows; none where it does not answer."""
    try:
        text = answer(["sacctmgr", "-n", "-P", "show", kind, *which, f"format={','.join(fields)}"])
    except NoAnswer:
        return []
    rows = (line.split("|") for line in text.split("\n"))
    return [dict(zip(fields, row, strict=True)) for row in rows if len(row) == len(fields)]


def _number(written: str) -> int | None:
    return int(written) if written.isdigit() else None
