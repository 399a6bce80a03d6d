"""Reads Slurm's limits: the cluster's, and those of the user, the account and the QOS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..interface import Allowed, Limit, NoAnswer
from .commands import Commands

_OF_USER = ("DefaultAccount", "Account", "Partition", "MaxSubmitJobs", "DefaultQOS", "QOS")
_OF_ACCOUNT = ("User", "ParentName", "GrpSubmitJobs")
_OF_QOS = ("Name", "MaxSubmitJobsPU", "MaxSubmitJobsPA", "GrpSubmitJobs")
Row = dict[str, str]


def read_allowed(commands: Commands, queue: str | None, account: str | None, qos: str | None) -> Allowed:
    """Returns the limits there; one that the accounting does not tell counts as none.

    Raises:
        NoAnswer: the controller does not answer.
    """
    config = read_config(commands.answer(["scontrol", "show", "config"]))
    index = _number(config.get("MaxArraySize", ""))
    found = list(_limit(config.get("MaxJobCount", ""), "MaxJobCount"))
    if "limits" in config.get("AccountingStorageEnforce", ""):
        found += _of_policy(commands, queue, account, qos)
    sizes_from = "" if index is None else f"MaxArraySize={index}"
    return Allowed(array_index=index, array_size=index, limits=tuple(found), sizes_from=sizes_from)


def read_config(text: str) -> dict[str, str]:
    """Reads ``MaxArraySize = 1001`` and the like from ``scontrol show config``."""
    pairs = (line.split("=", 1) for line in text.split("\n") if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _of_policy(commands: Commands, queue: str | None, account: str | None, qos: str | None) -> Iterator[Limit]:
    """Yields limits of the association, its accounts, and the QOS of the job and of the partition.

    Others' jobs in the queue are unknown: a limit on a whole account shows only by a refusal.
    """
    mine = _association(commands, queue, account)
    where = mine.get("Account") or account or ""
    if where:
        yield from _limit(mine.get("MaxSubmitJobs", ""), f"account {where}: MaxSubmitJobs", account=where)
        yield from _of_accounts(commands, where)
    own_qos, (partition, partitions_qos) = qos or _usual_qos(mine), _partition(commands, queue)
    for row in _accounting(commands, "qos", _OF_QOS) if own_qos or partitions_qos else ():
        if row["Name"] not in {own_qos, partitions_qos} - {""}:
            continue
        place = {"qos": own_qos} if row["Name"] == own_qos else {"queue": partition}
        for name in _OF_QOS[1:]:
            account_too = {"account": where} if name == "MaxSubmitJobsPA" else {}
            yield from _limit(row[name], f"QOS {row['Name']}: {name}", **place, **account_too)


def _of_accounts(commands: Commands, account: str) -> Iterator[Limit]:
    """Yields limits on all jobs of an account, and of those above it in the tree."""
    above, seen = account, set[str]()
    while above and above not in seen:
        seen.add(above)
        rows = _accounting(commands, "assoc", _OF_ACCOUNT, "where", f"account={above}")
        of_all: Row = next((row for row in rows if not row["User"]), {})
        yield from _limit(of_all.get("GrpSubmitJobs", ""), f"account {above}: GrpSubmitJobs", account=account)
        above = of_all.get("ParentName", "")


def _limit(written: str, source: str, **place: str) -> Iterator[Limit]:
    """Yields one limit, if a number is written there."""
    if written.isdigit():
        yield Limit(int(written), source, **place)


def _association(commands: Commands, queue: str | None, account: str | None) -> Row:
    """Returns the user's association that a job counts in; one for the partition before one for all."""
    rows = _accounting(commands, "user", _OF_USER, "withassoc", "where", f"name={commands.host.user}")
    mine = [row for row in rows if row["Account"] == (account or row["DefaultAccount"])]
    fitting = [row for row in mine if row["Partition"] in ("", queue)]
    return max(fitting, key=lambda row: bool(row["Partition"]), default={})


def _usual_qos(association: Row) -> str:
    names = association.get("QOS", "").split(",")
    return association.get("DefaultQOS") or ("normal" if "normal" in names else names[0])


def _partition(commands: Commands, queue: str | None) -> tuple[str, str]:
    """Returns name and QOS of the partition; of the default one if none is named."""
    text = commands.answer(["scontrol", "-o", "show", "partition"])
    mark = rf"\bPartitionName={re.escape(queue)}\s" if queue else r"\bDefault=YES\b"
    line = next((line for line in text.split("\n") if re.search(mark, line)), "")
    name, qos = (re.search(rf"\b{key}=(\S+)", line) for key in ("PartitionName", "QoS"))
    return name[1] if name else "", qos[1] if qos and qos[1] != "N/A" else ""


def _accounting(commands: Commands, kind: str, fields: tuple[str, ...], *which: str) -> list[Row]:
    """Returns rows that sacctmgr shows; none if it does not answer."""
    try:
        text = commands.answer(["sacctmgr", "-n", "-P", "show", kind, *which, f"format={','.join(fields)}"])
    except NoAnswer:
        return []
    rows = (line.split("|") for line in text.split("\n"))
    return [dict(zip(fields, row, strict=True)) for row in rows if len(row) == len(fields)]


def _number(written: str) -> int | None:
    return int(written) if written.isdigit() else None
